"""`batch-helpers workflow`: look at a workflow without running it."""

from __future__ import annotations

import json

import click

from batch_helpers.cli.outcome import DONE, ending
from batch_helpers.cli.target import load
from batch_helpers.cli.where import json_option
from batch_helpers.errors import InvalidInput


@click.group("workflow", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Look at workflow files."""


@command.command("show")
@click.argument("file", type=click.Path())
@click.option("--mermaid", is_flag=True, help="Print a Mermaid diagram instead of text.")
@json_option
@ending
def show(file: str, mermaid: bool, as_json: bool) -> int:
    """Show the jobs of the workflow in FILE in their order, each with what it waits for."""
    from batch_helpers.workflow.document import to_document
    from batch_helpers.workflow.graph import as_mermaid, as_text

    workflow = load(file)
    if workflow is None:
        raise InvalidInput(f"{file}: makes no EZBatchWorkflow at its top level; `batch-helpers plan` tells its jobs")
    if as_json:
        click.echo(json.dumps(to_document(workflow)))
    else:
        click.echo(as_mermaid(workflow) if mermaid else as_text(workflow))
    return DONE
