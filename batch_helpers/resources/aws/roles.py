"""The words for a role that is not there: how to make it. Pure."""

from __future__ import annotations

import json
import shlex

from batch_helpers.resources.aws.checks import short

SERVICE_LINKED = "AWSServiceRoleForBatch"

_SERVICE_POLICY = "arn:aws:iam::aws:policy/service-role/AWSBatchServiceRole"
_INSTANCE_POLICY = "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"


def how_to_make_service_role(role: str) -> str:
    """What makes the role of a compute environment, by this name or ARN."""
    name = short(role)
    if name == SERVICE_LINKED:
        return "leave it out, or run: aws iam create-service-linked-role --aws-service-name batch.amazonaws.com"
    return f"leave it out, run `batch-helpers setup`, or: {_role(name, 'batch.amazonaws.com', _SERVICE_POLICY)}"


def how_to_make_instance_profile(profile: str) -> str:
    """What makes the instance profile of a compute environment, by this name or ARN, and its role."""
    name = short(profile)
    quoted = shlex.quote(name)
    return (
        f"run `batch-helpers setup`, or: {_role(name, 'ec2.amazonaws.com', _INSTANCE_POLICY)} && aws iam "
        f"create-instance-profile --instance-profile-name {quoted} && aws iam add-role-to-instance-profile "
        f"--instance-profile-name {quoted} --role-name {quoted}"
    )


def _role(name: str, service: str, policy: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    quoted = shlex.quote(name)
    return (
        f"aws iam create-role --role-name {quoted} --assume-role-policy-document {shlex.quote(trust)} && "
        f"aws iam attach-role-policy --role-name {quoted} --policy-arn {policy}"
    )
