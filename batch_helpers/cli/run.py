"""`batch-helpers run`: submit what is missing of a workflow, and watch it to its end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from batch_helpers.cli.configured import with_roles
from batch_helpers.cli.outcome import DONE, INTERRUPTED, ending
from batch_helpers.cli.rows import row
from batch_helpers.cli.target import Target, target_options
from batch_helpers.cli.watching import Watching, watch_options
from batch_helpers.cli.where import json_option, submission_options
from batch_helpers.errors import InvalidInput

if TYPE_CHECKING:
    from batch_helpers.monitor import Snapshot

_SKIPPED = "SKIPPED"


@click.command("run")
@click.option("--detach", is_flag=True, help="Submit, and do not wait.")
@click.option("--deregister", is_flag=True, help="Deregister the job definitions that this run registers.")
@click.option("--execution-role-arn", help="Role with which Fargate starts jobs.")
@click.option("--task-role-arn", help="Role of the jobs' own calls to AWS.")
@json_option
@ending
@watch_options
@target_options
@submission_options
def command(
    target: Target, watching: Watching, detach: bool, deregister: bool, as_json: bool, **roles: str | None
) -> int:
    """Run the workflow in FILE, a JSON file or a Python script that makes one.

    Jobs whose outputs exist are skipped, active ones are waited for, the rest is submitted. Prints a line for each job:
    its name, its state and its jobId.

    A script that adds jobs to a helper itself is run as `python FILE ARGUMENTS` does; with --engine, `connect` gives it
    that engine.
    """
    workflow = target.workflow
    if workflow is None:
        own = {"--detach": detach, "--deregister": deregister, "--json": as_json}
        for option in (*(name for name, given in own.items() if given), *watching.given):
            raise InvalidInput(f"{option}: {target.file} watches its jobs itself, and it decides")
        return target.script.run(target.where)
    watching.check()
    engine = target.where.helper(**watching.recovery)
    known = with_roles(roles)
    ids = workflow.submit(target.where.queue, engine=engine, keep_definitions=not deregister, **known)
    snapshot = None if detach else workflow.monitor(**watching.monitor)
    code = DONE if snapshot is None else snapshot.exit_code
    if code == INTERRUPTED:
        click.echo(
            f"Run the same command again to come back; batch-helpers cancel {target.file} ends the jobs.", err=True
        )
    states = {name: _state(job_id, snapshot) for name, job_id in ids.items()}
    if as_json:
        jobs = {name: {"jobId": ids[name], "status": state} for name, state in states.items()}
        click.echo(json.dumps({"workflow": workflow.name, "jobs": jobs, "exit_code": code}))
    else:
        click.echo("\n".join(row(name, state, ids[name]) for name, state in states.items()))
    return code


def _state(job_id: str | None, snapshot: Snapshot | None) -> str:
    if job_id is None:
        return _SKIPPED
    details: Mapping[str, object] = snapshot.jobs if snapshot else {}
    detail = details.get(job_id)
    return str(getattr(detail, "status", "SUBMITTED"))
