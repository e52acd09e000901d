"""ComputeEnvironment and JobQueue -> the requests that make and update them. Pure.

https://docs.aws.amazon.com/batch/latest/APIReference/API_CreateComputeEnvironment.html
https://docs.aws.amazon.com/batch/latest/APIReference/API_CreateJobQueue.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from batch_helpers.resources.aws.changes import Change
from batch_helpers.resources.aws.environment import ComputeEnvironment
from batch_helpers.resources.aws.queue import JobQueue

CREATED_AS = frozenset({"computeEnvironmentName", "jobQueueName", "type", "tags"})
"""Members that an update does not take, at the top of a request; tags have calls of their own."""

FIXED = frozenset({"spotIamFleetRole"})
"""Members of computeResources that no update changes."""


def environment_body(spec: ComputeEnvironment) -> dict[str, Any]:
    """CreateComputeEnvironment of it."""
    body: dict[str, Any] = {
        "computeEnvironmentName": spec.name,
        "type": "MANAGED",
        "state": "ENABLED",
        "computeResources": _fargate(spec) if spec.is_fargate else _instances(spec),
    }
    return body | _given(serviceRole=spec.service_role, tags=dict(spec.tags))


def queue_body(spec: JobQueue, environments: Sequence[str]) -> dict[str, Any]:
    """CreateJobQueue of it. environments: the ARNs of its compute environments, in order."""
    body: dict[str, Any] = {
        "jobQueueName": spec.name,
        "state": "ENABLED",
        "priority": spec.priority,
        "computeEnvironmentOrder": environment_order(environments),
        "jobStateTimeLimitActions": [
            {"reason": limit.reason, "state": "RUNNABLE", "maxTimeSeconds": limit.seconds, "action": "CANCEL"}
            for limit in spec.time_limits
        ],
    }
    return body | _given(schedulingPolicyArn=spec.scheduling_policy, tags=dict(spec.tags))


def environment_order(environments: Iterable[str]) -> list[dict[str, Any]]:
    """computeEnvironmentOrder of these, the first one first."""
    return [{"order": place, "computeEnvironment": one} for place, one in enumerate(environments, start=1)]


def update_body(differing: Iterable[Change]) -> dict[str, Any]:
    """The members of an update that make these changes, but for tags."""
    body: dict[str, Any] = {}
    for change in differing:
        if change.path[0] not in CREATED_AS:
            inner = body
            for name in change.path[:-1]:
                inner = inner.setdefault(name, {})
            inner[change.path[-1]] = change.wanted
    return body


def _fargate(spec: ComputeEnvironment) -> dict[str, Any]:
    return {
        "type": spec.type,
        "maxvCpus": spec.max_vcpus,
        "subnets": list(spec.subnets),
        "securityGroupIds": list(spec.security_group_ids),
    }


def _instances(spec: ComputeEnvironment) -> dict[str, Any]:
    body = {
        **_fargate(spec),
        "minvCpus": spec.min_vcpus,
        "instanceTypes": list(spec.types_of_instances),
        "allocationStrategy": spec.strategy,
        "instanceRole": spec.instance_role,
    }
    image = _given(imageType=spec.image_type, imageIdOverride=spec.image_id if spec.image_type else None)
    return body | _given(
        launchTemplate=_launch_template(spec.launch_template) if spec.launch_template else None,
        ec2Configuration=[image] if image else None,
        imageId=None if spec.image_type else spec.image_id,
        ec2KeyPair=spec.key_pair,
        bidPercentage=spec.bid_percentage,
        spotIamFleetRole=spec.spot_fleet_role,
        tags=dict(spec.tags),
    )


def _launch_template(text: str) -> dict[str, str]:
    name, _, version = text.partition(":")
    which = "launchTemplateId" if name.startswith("lt-") else "launchTemplateName"
    return {which: name, **_given(version=version)}


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value}
