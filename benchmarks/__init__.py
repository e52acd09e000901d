"""Figures that are promised, as ratios within one run: `make bench`."""
