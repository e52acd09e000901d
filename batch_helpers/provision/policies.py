"""What the four roles may do, and who may assume them: pure.

https://docs.aws.amazon.com/batch/latest/userguide/IAM_policies.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from batch_helpers.doctor.checks.roles import MANAGED, PRINCIPALS

USES = tuple(PRINCIPALS)
"""service: of AWS Batch itself; instance: of machines; execution: starts containers; task: the jobs' own."""

BUCKETS = "buckets"
"""The name of the policy that lets jobs at their buckets."""

_READ_WRITE = ("s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload")
_LOOK = ("s3:ListBucket", "s3:GetBucketLocation")


def trust_policy(use: str) -> dict[str, Any]:
    """The service that uses the role may assume it, and nobody else."""
    return _policy([{"Effect": "Allow", "Principal": {"Service": PRINCIPALS[use]}, "Action": "sts:AssumeRole"}])


def managed_policies(use: str, partition: str = "aws") -> tuple[str, ...]:
    """The ARNs of AWS's own policies for this use; the task role has none."""
    return (MANAGED[use].replace("arn:aws:", f"arn:{partition}:", 1),) if use in MANAGED else ()


def inline_policies(use: str, buckets: Sequence[str], partition: str = "aws") -> Mapping[str, dict[str, Any]]:
    """Policies of the role's own, by name: jobs may list, read and write these buckets, and no others."""
    if use != "task" or not buckets:
        return {}
    places = [f"arn:{partition}:s3:::{bucket}" for bucket in buckets]
    look = {"Sid": "List", "Effect": "Allow", "Action": list(_LOOK), "Resource": places}
    objects = [f"{place}/*" for place in places]
    read_write = {"Sid": "ReadAndWrite", "Effect": "Allow", "Action": list(_READ_WRITE), "Resource": objects}
    return {BUCKETS: _policy([look, read_write])}


def _policy(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}
