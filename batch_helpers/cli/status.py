"""`batch-helpers status`: how a workflow or a queue stands, asked once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from batch_helpers.cli.outcome import ACTIVE, DONE, FAILED, ending
from batch_helpers.cli.rows import row
from batch_helpers.cli.target import Target, target_options
from batch_helpers.cli.where import json_option

if TYPE_CHECKING:
    from batch_helpers.plan import Plan

_WORDS = {"skip": "DONE", "reuse": "ACTIVE", "submit": "MISSING", "hold": "MISSING", "conflict": "CONFLICT"}


@click.command("status")
@json_option
@ending
@target_options
def command(target: Target, as_json: bool) -> int:
    """Tell of each job of the workflow in FILE whether it is done, active or missing, and why.

    Exit code 0: all are done. 3: some are active. 1: some are missing, and nothing is active.
    """
    plan = target.plan
    rows = [(item.job.name, _WORDS[item.action], item.job_id, item.reason) for item in plan]
    if as_json:
        jobs = [dict(zip(("job", "state", "jobId", "reason"), cells, strict=True)) for cells in rows]
        click.echo(json.dumps({"workflow": target.name, "jobs": jobs}))
    else:
        click.echo("\n".join(row(*cells) for cells in rows))
    return _code(plan)


def _code(plan: Plan) -> int:
    words = {_WORDS[item.action] for item in plan}
    if "ACTIVE" in words:
        return ACTIVE
    return DONE if words == {"DONE"} else FAILED
