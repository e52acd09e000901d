"""Amazon Resource Names: made for what this endpoint holds, and taken apart when a client sends one."""

from __future__ import annotations

import re
from typing import NamedTuple

ACCOUNT = "123456789012"
"""The account that every ARN of this endpoint names; ARNs of any other account are understood too."""

ENVIRONMENT, QUEUE, DEFINITION = "compute-environment", "job-queue", "job-definition"
POLICY, JOB = "scheduling-policy", "job"

_ARN = re.compile(r"arn:aws[a-z-]*:batch:[a-z0-9-]*:\d*:([a-z-]+)/(.+)")


class Arns:
    """The ARNs of one region."""

    def __init__(self, region: str) -> None:
        self.region = region
        self._start = f"arn:aws:batch:{region}:{ACCOUNT}:"

    def arn(self, kind: str, name: str) -> str:
        return f"{self._start}{kind}/{name}"

    def ecs(self, kind: str, name: str) -> str:
        """The ARN of something that ECS would hold for us: a cluster, a container instance or a task."""
        return f"arn:aws:ecs:{self.region}:{ACCOUNT}:{kind}/{name}"


class Named(NamedTuple):
    """What an ARN names."""

    kind: str
    name: str


def parsed(arn: str) -> Named | None:
    """The kind and the name in a Batch ARN, or None when it is none."""
    match = _ARN.fullmatch(arn)
    return Named(match[1], match[2]) if match else None


def name_of(kind: str, reference: str) -> str:
    """The name in a name or an ARN; something that cannot exist when it is an ARN of another kind."""
    if not reference.startswith("arn:"):
        return reference
    named = parsed(reference)
    return named.name if named and named.kind == kind else reference
