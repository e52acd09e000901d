"""Which definitions of ours are old, and used by nobody."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from batch_helpers.engines.aws import details
from batch_helpers.engines.aws.api import API
from batch_helpers.engines.aws.contents import PREFIX, REGISTERED_TAG
from batch_helpers.engines.aws.crew import each
from batch_helpers.engines.aws.listing import active_jobs
from batch_helpers.engines.aws.reading import describe_jobs

_OURS = re.compile(rf"{PREFIX}.+-[0-9a-f]{{16}}")
_NEVER = float("inf")


def unused(api: API, before: float, width: int) -> list[str]:
    """name:revision of our active definitions that were registered before this time and that no active job came from.

    before: seconds since the epoch. Ours are told by their names and by the tag that says when they were registered.
    """
    pages = api.pages("describe_job_definitions", "list job definitions", "jobDefinitions.revision", status="ACTIVE")
    old = [f"{raw['jobDefinitionName']}:{raw['revision']}" for raw in pages if _registered(raw) < before]
    used = _used(api, width) if old else set()
    return [name for name in old if name not in used]


def _registered(raw: Mapping[str, Any]) -> float:
    """When a definition of ours was registered; others never were."""
    tag = (raw.get("tags") or {}).get(REGISTERED_TAG)
    if tag is None or not _OURS.fullmatch(raw["jobDefinitionName"]):
        return _NEVER
    try:
        return datetime.fromisoformat(tag).timestamp()
    except ValueError:
        return _NEVER


def _used(api: API, width: int) -> set[str]:
    """name:revision of the definitions that the account's active jobs came from."""
    queues = [
        raw["jobQueueName"] for raw in api.pages("describe_job_queues", "list job queues", "jobQueues.jobQueueName")
    ]
    jobs = [job for listed in each(partial(active_jobs, api), queues, width) for job in listed]
    silent = [job.job_id for job in jobs if not job.job_definition]
    described = map(details.from_description, describe_jobs(api, silent, width))
    return {job.job_definition for job in (*jobs, *described)}
