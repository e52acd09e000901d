"""`batch-helpers cancel`: end jobs, or all that is active of a workflow."""

from __future__ import annotations

import json

import click

from batch_helpers.cli.outcome import DONE, ending
from batch_helpers.cli.target import load
from batch_helpers.cli.where import Where, json_option, where_options
from batch_helpers.errors import NotFound


@click.command("cancel")
@click.argument("targets", nargs=-1, required=True, metavar="FILE|JOB...")
@click.option("--reason", default="cancelled by the user", show_default=True, help="What the jobs are told.")
@json_option
@ending
@where_options
def command(where: Where, targets: tuple[str, ...], reason: str, as_json: bool) -> int:
    """End jobs by their jobIds, or all active jobs of the workflow in FILE; prints the jobIds."""
    helper = where.helper()
    ids: list[str] = []
    for target in targets:
        if target.endswith((".json", ".py")):
            ids += load(target).cancel(where.queue, engine=helper, reason=reason)
        elif target in helper.engine.describe([target]):
            helper.engine.terminate([target], reason)
            ids.append(target)
        else:
            raise NotFound(
                f"{target!r} is neither a workflow file (.json, .py) nor a jobId that {where.engine!r} knows"
            )
    click.echo(json.dumps({"cancelled": ids}) if as_json else "\n".join(ids), nl=as_json or bool(ids))
    return DONE
