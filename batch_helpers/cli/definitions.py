"""`batch-helpers definitions`: the job definitions that batch_helpers makes by itself."""

from __future__ import annotations

import click

from batch_helpers.cli.job_definition import prune


@click.group("definitions", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Look after the job definitions that batch_helpers makes by itself, one for each image and content."""


command.add_command(prune)
