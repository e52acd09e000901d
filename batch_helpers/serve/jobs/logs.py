"""Where an attempt's log goes: https://docs.aws.amazon.com/batch/latest/userguide/using_awslogs.html"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

GROUP = "/aws/batch/job"
UNNAMED = "default"
"""What a container without a name is called in log streams."""

_TASK_BYTES = 16


class Place(NamedTuple):
    """A log group and a stream in it."""

    group: str
    stream: str


def task_of(job_id: str, attempt: int) -> str:
    """The id of the ECS task that an attempt would be; the same for the same attempt, always."""
    return hashlib.blake2b(f"{job_id}/{attempt}".encode(), digest_size=_TASK_BYTES).hexdigest()


def task_in(stream: str) -> str:
    """The task that a stream's name ends with."""
    return stream.rpartition("/")[2]


def container_in(stream: str) -> str:
    """The container that a stream's name tells of."""
    return stream.split("/")[-2:][0]


def place_of(definition: str, container: Mapping[str, Any], task: str) -> Place:
    """Where the log of a task goes: `<prefix>/<container>/<task>`; the prefix is the definition's name unless told."""
    options = container.get("logConfiguration", {}).get("options", {})
    prefix = options.get("awslogs-stream-prefix", definition.partition(":")[0])
    return Place(options.get("awslogs-group", GROUP), f"{prefix}/{container.get('name', UNNAMED)}/{task}")
