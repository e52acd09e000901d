"""A campaign of faults: cohorts run on the endpoint while everything that can go wrong does; see `make faults`."""
