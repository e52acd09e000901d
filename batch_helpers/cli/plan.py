"""`batch-helpers plan`: what would happen to each job of a workflow, why, and what it takes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from batch_helpers.cli.outcome import DONE, FAILED, INVALID, ending
from batch_helpers.cli.pricing import rate_options
from batch_helpers.cli.target import Target, target_options
from batch_helpers.cli.where import json_option, submission_options

if TYPE_CHECKING:
    from batch_helpers.cost import Rate


@click.command("plan")
@click.option("--preflight", is_flag=True, help="Look at what would keep the jobs from running, too.")
@click.option("--explain", metavar="JOB", help="Tell everything of one job: its reason, upstream jobs and fingerprint.")
@click.option("--durations", type=click.Path(), metavar="EVENTS",
              help="Estimate hours by how long stages took in an earlier run, from its events.")  # fmt: skip
@json_option
@ending
@rate_options
@target_options
@submission_options
def command(
    target: Target,
    preflight: bool,
    explain: str | None,
    durations: str | None,
    as_json: bool,
    rates: Mapping[str, Rate],
) -> int:
    """Say what `run FILE` would do, and what it takes; submits nothing.

    Hours are told from --durations, and from the jobs' timeouts as the most; money only with --priced-as. With
    --preflight the exit code is 1 when something would keep jobs from running.
    """
    from batch_helpers.events import read_events
    from batch_helpers.finding import finding_lines, problems
    from batch_helpers.plan import Action
    from batch_helpers.preview import as_dict, explain_text
    from batch_helpers.preview import explain as explained

    plan = target.looked_at() if preflight else target.plan
    earlier = read_events(durations) if durations is not None else None
    if explain is not None:
        _print(explained(plan, explain) if as_json else explain_text(plan, explain))
    elif as_json:
        looked = {"preflight": [item.to_dict() for item in plan.preflight]} if preflight else {}
        _print({"workflow": target.name, **as_dict(plan, earlier, rates), **looked})
    else:
        _print("\n".join([plan.text(earlier, rates), *finding_lines(plan.preflight)]))
    if plan.counts[Action.CONFLICT]:
        return INVALID
    return FAILED if problems(plan.preflight) else DONE


def _print(told: str | dict[str, Any]) -> None:
    click.echo(told if isinstance(told, str) else json.dumps(told))
