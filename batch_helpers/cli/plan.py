"""`batch-helpers plan`: what would happen to each job of a workflow, and why."""

from __future__ import annotations

import json

import click

from batch_helpers.cli.outcome import DONE, INVALID, ending
from batch_helpers.cli.target import Target, target_options
from batch_helpers.cli.where import json_option


@click.command("plan")
@json_option
@ending
@target_options
def command(target: Target, as_json: bool) -> int:
    """Say what `run FILE` would do; submits nothing."""
    from batch_helpers.plan import Action
    from batch_helpers.report import plan_table

    plan = target.plan
    if as_json:
        rows = [{"job": item.job.name, "action": str(item.action), "reason": item.reason} for item in plan]
        click.echo(json.dumps({"workflow": target.name, "jobs": rows}))
    else:
        click.echo(plan_table(plan.decisions))
    return INVALID if plan.counts[Action.CONFLICT] else DONE
