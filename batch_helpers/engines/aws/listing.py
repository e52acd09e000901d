"""The jobs of a queue, by pages of a thousand summaries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from batch_helpers.engines.aws.api import API
from batch_helpers.engines.aws.details import from_summary, has_children
from batch_helpers.job import ACTIVE, JobDetail, Status

LISTED = 1000
"""Jobs on a page of one status: https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html"""

FAILED_PAGES = 10

_FEW = 2000
"""As many RUNNABLE jobs are looked at twice rather than that one be missed."""

_STARTED = frozenset({"STARTING", "RUNNING"})


def active_jobs(api: API, queue: str) -> list[JobDetail]:
    """Every job of a queue that has not ended, as it was last seen, but for those that have been told to end.

    The states are listed in the order in which a job moves, so that one that moves on meanwhile is seen twice rather
    than never. A retry moves the other way, from RUNNING back to RUNNABLE: therefore those that wait are listed once
    more after those that run, unless there are too many of them.
    """
    seen: dict[str, JobDetail] = {}
    for status in ACTIVE:
        seen |= _listed(api, queue, status)
    waiting = sum(job.status is Status.RUNNABLE for job in seen.values())
    if seen and waiting <= _FEW:
        seen |= _listed(api, queue, Status.RUNNABLE)
    return list(seen.values())


def failed_jobs(api: API, queue: str) -> list[JobDetail]:
    """The jobs of a queue that failed and are still known, the newest first; those of FAILED_PAGES pages at most."""
    found = _listed(api, queue, Status.FAILED, most=FAILED_PAGES)
    return sorted(found.values(), key=when_stopped, reverse=True)


def jobs_named(api: API, queue: str, name: str) -> Iterator[JobDetail]:
    """The jobs of a queue with exactly this name, in any state, but for those that have been told to end.

    The service compares names without regard to case.
    """
    doing = f"look for jobs named {name!r} in queue {queue!r}"
    named = [{"name": "JOB_NAME", "values": [name]}]
    for raw in api.pages("list_jobs", doing, "jobSummaryList.jobId", jobQueue=queue, filters=named):
        if raw.get("jobName") == name and not is_ending(raw):
            yield from_summary(raw, queue)


def newest_jobs(api: API, queue: str, since: float) -> list[JobDetail] | None:
    """The active jobs of a queue that were submitted since then, in one call; None when it takes more than that.

    since: seconds since the epoch. A listing with a filter gives a hundred jobs, of all statuses:
    https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html
    """
    after = [{"name": "AFTER_CREATED_AT", "values": [str(max(0, int(since * 1000)))]}]
    answer = api.ask(
        "list_jobs", f"list the newest jobs of queue {queue!r}", "jobSummaryList.jobId", jobQueue=queue, filters=after
    )
    if answer.get("nextToken"):
        return None
    found = [from_summary(raw, queue) for raw in answer["jobSummaryList"] if not is_ending(raw)]
    return [job for job in found if job.status.active]


def when_stopped(job: JobDetail) -> float:
    """For sorting; jobs that do not tell come last among the newest."""
    return job.stopped_at or job.created_at or 0.0


def _listed(api: API, queue: str, status: Status, most: int | None = None) -> dict[str, JobDetail]:
    doing = f"list the {status} jobs of queue {queue!r}"
    request = {"jobQueue": queue, "jobStatus": str(status), "maxResults": LISTED}
    pages = api.pages("list_jobs", doing, "jobSummaryList.jobId", most=most, **request)
    return {raw["jobId"]: from_summary(raw, queue) for raw in pages if not is_ending(raw)}


def is_ending(raw: dict[str, Any]) -> bool:
    """Whether an active job has been told to end. To cancel what has started, children of arrays too, does nothing."""
    status = raw.get("status")
    if status in ("SUCCEEDED", "FAILED"):
        return False
    goes_on = status in _STARTED or has_children(raw)
    return bool(raw.get("isTerminated") or (raw.get("isCancelled") and not goes_on))
