"""`batch-helpers teardown`: remove what setup made, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from batch_helpers.cli.account import account_options, make_sure, tell
from batch_helpers.cli.outcome import DONE, REFUSED, ending
from batch_helpers.cli.where import json_option

if TYPE_CHECKING:
    from batch_helpers.aws_client import AWSAccess
    from batch_helpers.provision import Step


@click.command("teardown")
@click.option("--name", default="batch-helpers", show_default=True, help="The name that setup was given.")
@click.option("--dry-run", is_flag=True, help="Print what would be removed; change nothing.")
@click.option("--force", is_flag=True, help="Though there are active jobs, which are ended.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@json_option
@ending
@account_options
def command(access: AWSAccess, *, name: str, dry_run: bool, force: bool, yes: bool, as_json: bool) -> int:
    """Remove what `batch-helpers setup` made: queues, compute environments, roles, and definitions that need them.

    What setup only found is left. Prints a line for each thing: removed, or left and why. Exit code 4 when something
    could not be removed; run it again then.
    """
    from batch_helpers.provision import Did, Teardown

    teardown = Teardown(access, name, force=force, tell=tell)
    steps = teardown.survey()
    removed = [step for step in steps if step.did is Did.REMOVE]
    if removed and not (dry_run or yes):
        tell("\n".join(map(str, steps)))
        make_sure(f"Remove these {len(removed)}?", yes=False)
    if not dry_run:
        steps = teardown.apply(steps)
    if not steps and not as_json:
        tell(f"there is nothing of setup {name} in this region and account")
    _printed(steps, as_json=as_json)
    return REFUSED if any(step.did is Did.FAIL for step in steps) else DONE


def _printed(steps: Sequence[Step], *, as_json: bool) -> None:
    if as_json:
        rows = [{"did": str(step.did), "what": step.what, "name": step.name, "why": step.why} for step in steps]
        click.echo(json.dumps({"steps": rows}))
    elif steps:
        click.echo("\n".join(map(str, steps)))
