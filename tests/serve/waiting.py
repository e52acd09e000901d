"""Waiting for what must become true, with an end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

Found = TypeVar("Found")

PATIENCE = 30.0


def until(look: Callable[[], Found | None], patience: float = PATIENCE) -> Found:
    """What `look` returns, as soon as it is something."""
    deadline = time.monotonic() + patience
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.02)


def job(batch: Any, job_id: str) -> dict[str, Any]:
    """A job as DescribeJobs shows it."""
    (found,) = batch.describe_jobs(jobs=[job_id])["jobs"]
    return dict(found)


def reached(batch: Any, job_id: str, *statuses: str, patience: float = PATIENCE) -> dict[str, Any]:
    """The job, when it has one of these states."""

    def look() -> dict[str, Any] | None:
        found = job(batch, job_id)
        return found if found["status"] in statuses else None

    return until(look, patience)


def ended(batch: Any, *job_ids: str) -> list[dict[str, Any]]:
    """The jobs, when all of them have ended."""
    return [reached(batch, job_id, "SUCCEEDED", "FAILED") for job_id in job_ids]
