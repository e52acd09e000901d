"""`batch-helpers plan`: what would happen to each job of a workflow, and why."""

from __future__ import annotations

import json

import click

from batch_helpers.cli.outcome import DONE, FAILED, INVALID, ending
from batch_helpers.cli.target import Target, target_options
from batch_helpers.cli.where import json_option


@click.command("plan")
@click.option("--preflight", is_flag=True, help="Look at what would keep the jobs from running, too.")
@json_option
@ending
@target_options
def command(target: Target, preflight: bool, as_json: bool) -> int:
    """Say what `run FILE` would do; submits nothing.

    With --preflight the exit code is 1 when something would keep jobs from running.
    """
    from batch_helpers.finding import finding_lines, problems
    from batch_helpers.plan import Action
    from batch_helpers.report import plan_table

    plan = target.looked_at() if preflight else target.plan
    if as_json:
        rows = [{"job": item.job.name, "action": str(item.action), "reason": item.reason} for item in plan]
        looked = {"preflight": [item.to_dict() for item in plan.preflight]} if preflight else {}
        click.echo(json.dumps({"workflow": target.name, "jobs": rows, **looked}))
    else:
        click.echo("\n".join([plan_table(plan.decisions), *finding_lines(plan.preflight)]))
    if plan.counts[Action.CONFLICT]:
        return INVALID
    return FAILED if problems(plan.preflight) else DONE
