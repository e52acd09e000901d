"""`batch-helpers cancel`: end jobs, or all that is active of a workflow."""

from __future__ import annotations

import json

import click

from batch_helpers.cli.outcome import DONE, ending
from batch_helpers.cli.target import Target, is_file
from batch_helpers.cli.where import Where, json_option, where_options
from batch_helpers.errors import NotFound


@click.command("cancel")
@click.argument("targets", nargs=-1, required=True, metavar="FILE|JOB...")
@click.option("--reason", default="cancelled by the user", show_default=True, help="What the jobs are told.")
@json_option
@ending
@where_options
def command(where: Where, targets: tuple[str, ...], reason: str, as_json: bool) -> int:
    """End jobs by their jobIds, or all that is active of the workflow or script in FILE; prints the jobIds."""
    files = [item for item in targets if is_file(item)]
    ids = _active(where, [item for item in targets if not is_file(item)], reason)
    for file in files:
        ids += Target(file, where).cancel(reason)
    click.echo(json.dumps({"cancelled": ids}) if as_json else "\n".join(ids), nl=as_json or bool(ids))
    return DONE


def _active(where: Where, jobs: list[str], reason: str) -> list[str]:
    """End these jobs, if all of them are known; those that were active."""
    if not jobs:
        return []
    engine = where.helper().engine
    known = engine.describe(jobs)
    if strange := [job for job in jobs if job not in known]:
        raise NotFound(
            f"{strange[0]!r} is neither a workflow file (.json, .py) nor a jobId that {where.engine!r} knows"
        )
    active = [job for job in dict.fromkeys(jobs) if known[job].status.active]
    for job in known.keys() - active:
        click.echo(f"batch-helpers: {job} has ended already: {known[job].status}", err=True)
    if active:
        engine.terminate(active, reason)
    return active
