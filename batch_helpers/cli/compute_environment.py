"""`batch-helpers compute-environment`: where the jobs of AWS Batch run."""

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
from batch_helpers.cli.configured import configured
from batch_helpers.cli.names import named
from batch_helpers.cli.outcome import DONE, ending
from batch_helpers.cli.pairs import Several, pairs
from batch_helpers.cli.where import json_option

if TYPE_CHECKING:
    from batch_helpers.aws_client import AWSAccess
    from batch_helpers.resources.aws import ComputeEnvironments
    from batch_helpers.resources.aws.desk import Raw

_SET = "default: the settings'"


@click.group("compute-environment", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Make, list, switch and delete compute environments of AWS Batch."""


@command.command("create", cls=Several)
@click.option("--type", default="FARGATE", show_default=True, help="FARGATE, FARGATE_SPOT, EC2 or SPOT.")
@click.option("--max-vcpus", type=int, help=f"The most vCPUs; {_SET}, or 256.")
@click.option("--subnets", multiple=True, metavar="ID...", help=f"Of one VPC, at most 16; {_SET}.")
@click.option("--security-group-ids", multiple=True, metavar="ID...", help=f"At most 5; {_SET}.")
@click.option("--service-role", help=f"Role of AWS Batch, by ARN; {_SET}, or AWS's own.")
@click.option("--min-vcpus", type=int, default=0, help="EC2, SPOT: vCPUs that are there, and cost, without jobs.")
@click.option("--instance-role", help=f"EC2, SPOT: instance profile, by name or ARN; {_SET}.")
@click.option(
    "--instance-types", multiple=True, metavar="TYPE...", help="EC2, SPOT: types or families; default optimal."
)
@click.option("--allocation-strategy", help="EC2, SPOT: by default the one that AWS advises.")
@click.option("--gpu", is_flag=True, help="EC2, SPOT: instances with GPUs.")
@click.option("--launch-template", metavar="NAME[:VERSION]", help="EC2, SPOT: a launch template, by name or lt-… id.")
@click.option("--image-id", metavar="AMI", help="EC2, SPOT: machine image.")
@click.option("--image-type", help="EC2, SPOT: kind of machine image, such as ECS_AL2023_NVIDIA.")
@click.option("--key-pair", help="EC2, SPOT: for logging in to instances.")
@click.option("--bid-percentage", type=int, help="SPOT: the most, in per cent of the On-Demand price.")
@click.option("--spot-fleet-role", help="SPOT with BEST_FIT: role of the fleet.")
@click.option("--tags", "--tag", multiple=True, metavar="NAME=VALUE...", help="Tags.")
@update_option
@json_option
@ending
@named
@account_options
def create(access: AWSAccess, name: str, update: bool, as_json: bool, tags: tuple[str, ...], **given: Any) -> int:
    """Make the compute environment NAME.

    Waits until it is VALID. One that is there and like it is left as it is."""
    from batch_helpers.resources.aws import ComputeEnvironment

    settings, is_fargate = configured(), str(given["type"]).startswith("FARGATE")
    for field, setting in (
        ("max_vcpus", "maxvCpus"),
        ("subnets", "subnets"),
        ("security_group_ids", "securityGroupIds"),
        ("service_role", "serviceRole"),
    ):
        given[field] = settings.first(setting, given[field]) or given[field]
    if not is_fargate:
        given["instance_role"] = settings.first("instanceRole", given["instance_role"])
    spec = ComputeEnvironment(name, **given, tags=pairs("--tags", tags))
    return told("compute environment", name, _desk(access).create(spec, update=update), as_json=as_json)


@command.command("delete")
@yes_option
@json_option
@ending
@named
@account_options
def delete(access: AWSAccess, name: str, yes: bool, as_json: bool) -> int:
    """Delete the compute environment NAME.

    It is disabled, taken out of its job queues, and deleted; waits until it is gone."""
    desk = _desk(access)
    desk.get(name)
    make_sure(f"Delete compute environment {name}?", yes=yes)
    queues = desk.delete(name)
    if as_json:
        click.echo(json.dumps({"name": name, "result": "deleted", "detached": list(queues)}))
    else:
        click.echo(f"compute environment {name}: deleted{''.join(f'; out of {queue}' for queue in queues)}")
    return DONE


def _desk(access: AWSAccess) -> ComputeEnvironments:
    from batch_helpers.resources.aws import ComputeEnvironments

    return ComputeEnvironments(access, tell=tell)


def _cells(raw: Raw) -> tuple[Any, ...]:
    resources = raw.get("computeResources") or {}
    reason = raw.get("statusReason") if raw.get("status") == "INVALID" else None
    kind = resources.get("type") or raw.get("type")
    return raw["computeEnvironmentName"], raw.get("state"), raw.get("status"), kind, resources.get("maxvCpus"), reason


add_common_commands(command, _desk, _cells, "name, state, status, type, most vCPUs, and why it is INVALID")
