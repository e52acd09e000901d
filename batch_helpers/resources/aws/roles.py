"""The roles that AWS Batch needs: who assumes them, what they may do, and how one is made. Pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from batch_helpers.resources.aws.checks import short

SERVICE_LINKED = "AWSServiceRoleForBatch"

PRINCIPALS: Mapping[str, str] = MappingProxyType(
    {
        "service": "batch.amazonaws.com",
        "instance": "ec2.amazonaws.com",
        "execution": "ecs-tasks.amazonaws.com",
        "task": "ecs-tasks.amazonaws.com",
    }
)
"""Who assumes a role, by its use: AWS Batch itself, machines, whoever starts containers, and the jobs' own calls.

https://docs.aws.amazon.com/batch/latest/userguide/IAM_policies.html
"""

MANAGED: Mapping[str, str] = MappingProxyType(
    {
        "service": "arn:aws:iam::aws:policy/service-role/AWSBatchServiceRole",
        "instance": "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role",
        "execution": "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy",
    }
)
"""AWS's own policies for these uses; what jobs may do is for their owner to say."""


def trust_policy(use: str) -> dict[str, Any]:
    """The service that uses the role may assume it, and nobody else."""
    statement = {"Effect": "Allow", "Principal": {"Service": PRINCIPALS[use]}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def how_to_make(use: str, role: str) -> str:
    """What makes the role of this use, by its name or ARN."""
    if use == "service":
        return how_to_make_service_role(role)
    if use == "instance":
        return how_to_make_instance_profile(role)
    return f"run `batch-helpers setup`, or: {_role(short(role), use)}"


def how_to_make_service_role(role: str) -> str:
    """What makes the role of a compute environment, by this name or ARN."""
    name = short(role)
    if name == SERVICE_LINKED:
        return "leave it out, or run: aws iam create-service-linked-role --aws-service-name batch.amazonaws.com"
    return f"leave it out, run `batch-helpers setup`, or: {_role(name, 'service')}"


def how_to_make_instance_profile(profile: str) -> str:
    """What makes the instance profile of a compute environment, by this name or ARN, and its role."""
    name = short(profile)
    quoted = shlex.quote(name)
    return (
        f"run `batch-helpers setup`, or: {_role(name, 'instance')} && aws iam "
        f"create-instance-profile --instance-profile-name {quoted} && aws iam add-role-to-instance-profile "
        f"--instance-profile-name {quoted} --role-name {quoted}"
    )


def _role(name: str, use: str) -> str:
    quoted, trust = shlex.quote(name), shlex.quote(json.dumps(trust_policy(use)))
    made = f"aws iam create-role --role-name {quoted} --assume-role-policy-document {trust}"
    if use not in MANAGED:
        return made
    return f"{made} && aws iam attach-role-policy --role-name {quoted} --policy-arn {MANAGED[use]}"
