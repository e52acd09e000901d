"""What the four roles may do: pure.

https://docs.aws.amazon.com/batch/latest/userguide/IAM_policies.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from batch_helpers.resources.aws.roles import MANAGED, PRINCIPALS

USES = tuple(PRINCIPALS)

BUCKETS = "buckets"
"""The name of the policy that lets jobs at their buckets."""

_READ_WRITE = ("s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload")
_LOOK = ("s3:ListBucket", "s3:GetBucketLocation")


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
    return {BUCKETS: {"Version": "2012-10-17", "Statement": [look, read_write]}}
