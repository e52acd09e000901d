"""`batch-helpers samples`: look at a metadata table before anything runs on it."""

from __future__ import annotations

import json

import click

from batch_helpers.cli.outcome import DONE, ending
from batch_helpers.cli.where import json_option


@click.group("samples", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Look at metadata tables."""


@command.command("check")
@click.argument("file", type=click.Path())
@click.option("--key", show_default=True, default="sample", help="The column that names the samples.")
@json_option
@ending
def check(file: str, key: str, as_json: bool) -> int:
    """Say what is wrong with the table in FILE, with row and column, or what is in it."""
    from batch_helpers.samples import read_samples

    rows = read_samples(file, key=key)
    columns = list(rows[0]) if rows else []
    if as_json:
        click.echo(json.dumps({"file": file, "samples": len(rows), "columns": columns}))
    else:
        click.echo(f"{file}: {len(rows)} samples; columns: {', '.join(columns)}")
    return DONE
