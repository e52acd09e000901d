"""`python -m batch_helpers` is the command line."""

from batch_helpers.cli import main

main(prog_name="batch-helpers")
