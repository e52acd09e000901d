"""Limits on what a submission may say: https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from batch_helpers.serve.limits.names import TAGS
from batch_helpers.serve.wire.errors import ClientException

PAYLOAD_KIB = 30
DEPENDENCIES = 20
ARRAY_SIZE = range(2, 10_001)
PRIORITY = range(10_000)
OVERRIDES = 8192
SHARE = 255
SEQUENTIAL, N_TO_N = "SEQUENTIAL", "N_TO_N"


def check_payload(size: int) -> None:
    """30 KiB for the whole request."""
    check_size("Job", size, PAYLOAD_KIB)


def check_size(what: str, size: int, most: int) -> None:
    """`size` in bytes, `most` in KiB."""
    if size > most * 1024:
        raise ClientException(f"{what} size must be less than {most} KiB, got {math.ceil(size / 1024)} KiB")


def check_array_size(size: int | None) -> None:
    """2 to 10,000: https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html"""
    if size is None or size not in ARRAY_SIZE:
        raise ClientException(f"Array size must be between {ARRAY_SIZE[0]} and {ARRAY_SIZE[-1]}, got {size}")


def check_dependencies(dependencies: Sequence[Mapping[str, str]], *, is_array: bool) -> None:
    """At most 20; the two types are for arrays, and only SEQUENTIAL goes without a jobId."""
    if len(dependencies) > DEPENDENCIES:
        raise ClientException(f"Job cannot have more than {DEPENDENCIES} dependencies")
    for item in dependencies:
        kind, job_id = item.get("type"), item.get("jobId")
        if kind is not None and not is_array:
            raise ClientException(f"Dependency type {kind} is only valid for array jobs")
        if job_id is None and kind != SEQUENTIAL:
            raise ClientException("Dependency must have a jobId, unless its type is SEQUENTIAL")
        if job_id is not None and kind == SEQUENTIAL:
            raise ClientException("Dependency of type SEQUENTIAL can't have a jobId")


def check_n_to_n(job_id: str, size: int | None, upstream_size: int | None) -> None:
    """N_TO_N needs two arrays of one size."""
    if size != upstream_size:
        raise ClientException(
            f"Dependency of type N_TO_N needs an array job of size {size}: {job_id} has {upstream_size}"
        )


def check_priority(priority: int) -> None:
    """0 to 9,999."""
    if priority not in PRIORITY:
        raise ClientException(f"Scheduling priority must be between {PRIORITY[0]} and {PRIORITY[-1]}, got {priority}")


def check_share(share: str | None, *, fair: bool) -> None:
    """A share identifier goes with a queue that has a scheduling policy, and with no other."""
    if fair and not share:
        raise ClientException("shareIdentifier must be specified: the job queue has a scheduling policy")
    if share and not fair:
        raise ClientException("shareIdentifier is not valid: the job queue has no scheduling policy")
    if share and not (len(share.removesuffix("*")) <= SHARE and share.removesuffix("*").isalnum()):
        raise ClientException(
            "shareIdentifier must be at most 255 alphanumeric characters, with an optional * at the end"
        )


def fate_of_overrides(sent: Sequence[Mapping[str, Any]]) -> str | None:
    """Why such a job is accepted and then fails: ECS takes 8,192 characters of overrides, as JSON, or None.

    sent: command and environment of each container. Parameters count where they have been put into the command:
    github.com/ASFHyP3/hyp3/issues/3041.
    """
    if sum(len(json.dumps(item, separators=(",", ":"), ensure_ascii=False)) for item in sent) > OVERRIDES:
        return f"Container Overrides length must be at most {OVERRIDES}"
    return None


def fate_of_tags(job: Mapping[str, str], definition: Mapping[str, str], *, propagated: bool) -> str | None:
    """Why such a job is accepted and then fails: its tags and its definition's go to one task, or None."""
    together = len({**definition, **job})
    return f"Number of tags must be at most {TAGS}, got {together}" if propagated and together > TAGS else None
