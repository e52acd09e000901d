"""`batch-helpers job-queue`: where jobs of AWS Batch are submitted to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from batch_helpers.cli.account import (
    account_options,
    add_common_commands,
    make_sure,
    tell,
    told,
    update_option,
    yes_option,
)
from batch_helpers.cli.names import named
from batch_helpers.cli.outcome import DONE, ending
from batch_helpers.cli.pairs import Several, pairs
from batch_helpers.cli.where import json_option
from batch_helpers.errors import InvalidInput

if TYPE_CHECKING:
    from batch_helpers.aws_client import AWSAccess
    from batch_helpers.resources.aws import JobQueues
    from batch_helpers.resources.aws.desk import Raw


@click.group("job-queue", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Make, list, switch and delete job queues of AWS Batch."""


@command.command("create", cls=Several)
@click.option(
    "--compute-environment",
    "environments",
    multiple=True,
    required=True,
    metavar="NAME...",
    help="By name or ARN; up to 3, the first one is filled first.",
)
@click.option("--priority", type=int, default=1, show_default=True, help="0 to 1000; higher ones go first.")
@click.option("--scheduling-policy", metavar="ARN", help="For fair share.")
@click.option(
    "--time-limit",
    "limits",
    multiple=True,
    metavar="REASON=SECONDS...",
    help="Cancel what is stuck in RUNNABLE for this reason for so long (600 to 86400).",
)
@click.option("--tags", "--tag", multiple=True, metavar="NAME=VALUE...", help="Tags.")
@update_option
@json_option
@ending
@named
@account_options
def create(
    access: AWSAccess, name: str, environments: tuple[str, ...], priority: int, scheduling_policy: str | None,
    limits: tuple[str, ...], tags: tuple[str, ...], update: bool, as_json: bool,
) -> int:  # fmt: skip
    """Make the job queue NAME.

    Waits until it is VALID. One that is there and like it is left as it is."""
    from batch_helpers.resources.aws import JobQueue, TimeLimit

    time_limits = [TimeLimit(reason, _seconds(text)) for reason, text in pairs("--time-limit", limits).items()]
    spec = JobQueue(name, environments, priority, scheduling_policy, tuple(time_limits), tags=pairs("--tags", tags))
    return told("job queue", name, _desk(access).create(spec, update=update), as_json=as_json)


@command.command("delete")
@click.option("--force", is_flag=True, help="Though it has active jobs, which are terminated.")
@yes_option
@json_option
@ending
@named
@account_options
def delete(access: AWSAccess, name: str, force: bool, yes: bool, as_json: bool) -> int:
    """Delete the job queue NAME.

    It is disabled and deleted; waits until it is gone."""
    desk = _desk(access)
    desk.get(name)
    make_sure(f"Delete job queue {name}{' and terminate its active jobs' if force else ''}?", yes=yes)
    ended = desk.delete(name, force=force)
    if as_json:
        click.echo(json.dumps({"name": name, "result": "deleted", "terminated": dict(ended)}))
    else:
        click.echo(f"job queue {name}: deleted{''.join(f'; {count} {status}' for status, count in ended.items())}")
    return DONE


def _desk(access: AWSAccess) -> JobQueues:
    from batch_helpers.resources.aws import JobQueues

    return JobQueues(access, tell=tell)


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise InvalidInput(f"--time-limit …={text}: give a whole number of seconds")
    return int(text)


def _cells(raw: Raw) -> tuple[Any, ...]:
    order = sorted(raw.get("computeEnvironmentOrder") or (), key=lambda item: int(item["order"]))
    environments = ", ".join(item["computeEnvironment"].rsplit("/", 1)[-1] for item in order)
    reason = raw.get("statusReason") if raw.get("status") == "INVALID" else None
    return raw["jobQueueName"], raw.get("state"), raw.get("status"), raw.get("priority"), environments, reason


add_common_commands(
    command, _desk, _cells, "name, state, status, priority, compute environments in order, and why it is INVALID"
)
