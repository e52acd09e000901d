"""Limits on compute environments and job queues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from batch_helpers.serve.wire.errors import ClientException

ENVIRONMENTS = QUEUES = 50
ENVIRONMENTS_PER_QUEUE = 3
TIME_LIMIT_SECONDS = range(600, 86_401)

_FARGATE = ("FARGATE", "FARGATE_SPOT")
_NOT_FARGATE = (
    "minvCpus",
    "desiredvCpus",
    "instanceTypes",
    "instanceRole",
    "allocationStrategy",
    "bidPercentage",
    "tags",
)


def check_room(what: str, there: int, most: int) -> None:
    """50 environments and 50 queues in a region."""
    if there >= most:
        raise ClientException(f"{what} limit exceeded: there are {there} of {most}")


def check_compute_resources(kind: str, resources: Mapping[str, Any] | None) -> None:
    """A managed environment has them, an unmanaged one has not.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_ComputeResource.html
    """
    if kind == "UNMANAGED":
        if resources is not None:
            raise ClientException("computeResources is not applicable for UNMANAGED compute environments.")
        return
    if resources is None:
        raise ClientException("computeResources is required for MANAGED compute environments.")
    if not resources.get("subnets"):
        raise ClientException("Resource subnets is required.")
    check_vcpus(resources)
    if resources["type"] in _FARGATE:
        _check_fargate(resources)
    else:
        _check_ec2(resources)


def check_vcpus(resources: Mapping[str, Any]) -> None:
    """minvCpus <= desiredvCpus <= maxvCpus, none of them negative."""
    least, most = resources.get("minvCpus", 0), resources.get("maxvCpus")
    if most is not None and not 0 <= least <= resources.get("desiredvCpus", least) <= most:
        raise ClientException("minvCpus, desiredvCpus and maxvCpus should be in ascending order and not negative")


def _check_fargate(resources: Mapping[str, Any]) -> None:
    for name in _NOT_FARGATE:
        if name in resources:
            raise ClientException(f"{name} is not applicable for Fargate.")
    if not resources.get("securityGroupIds"):
        raise ClientException("Resource securityGroupIds is required.")


def _check_ec2(resources: Mapping[str, Any]) -> None:
    if not resources.get("instanceRole"):
        raise ClientException("Instance role is required.")
    if "minvCpus" not in resources:
        raise ClientException("Resource minvCpus is required.")
    fleet = resources.get("allocationStrategy", "BEST_FIT") == "BEST_FIT"
    if resources["type"] == "SPOT" and fleet and not resources.get("spotIamFleetRole"):
        raise ClientException("Spot IAM fleet role is required.")


def check_environments_of_queue(kinds: Sequence[str]) -> None:
    """1 to 3 environments, all Fargate or none; `kinds` are their types.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_CreateJobQueue.html
    """
    if not 1 <= len(kinds) <= ENVIRONMENTS_PER_QUEUE:
        raise ClientException(
            f"Job queue must have 1 to {ENVIRONMENTS_PER_QUEUE} compute environments, got {len(kinds)}"
        )
    if len({kind in _FARGATE for kind in kinds}) > 1:
        raise ClientException("Job queue can't mix EC2 and Fargate compute environments")


def check_time_limits(actions: Sequence[Mapping[str, Any]]) -> None:
    """600 to 86,400 seconds, and only CANCEL."""
    for action in actions:
        if action["maxTimeSeconds"] not in TIME_LIMIT_SECONDS:
            raise ClientException(
                f"maxTimeSeconds must be between {TIME_LIMIT_SECONDS[0]} and {TIME_LIMIT_SECONDS[-1]},"
                f" got {action['maxTimeSeconds']}"
            )
        if action["action"] != "CANCEL":
            raise ClientException("the action of jobStateTimeLimitActions must be CANCEL")
