"""What is asked about jobs: listings and descriptions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from batch_helpers.engines.aws.api import API
from batch_helpers.engines.aws.crew import chunks, each
from batch_helpers.engines.aws.details import from_summary
from batch_helpers.job import JobDetail, Status

LISTED = 1000
"""Jobs on a page of one status: https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html"""

DESCRIBED = 100
"""Jobs in one description: https://docs.aws.amazon.com/batch/latest/APIReference/API_DescribeJobs.html"""


def list_jobs(api: API, queue: str, status: Status) -> Iterator[JobDetail]:
    """The jobs of a queue in one state."""
    doing = f"list the {status} jobs of queue {queue!r}"
    pages = api.pages(
        "list_jobs", doing, "jobSummaryList.jobId", jobQueue=queue, jobStatus=str(status), maxResults=LISTED
    )
    return (from_summary(raw, queue) for raw in pages)


def jobs_named(api: API, queue: str, name: str) -> Iterator[JobDetail]:
    """The jobs of a queue with exactly this name, in any state, but for those that have been told to end.

    The service compares names without regard to case.
    """
    doing = f"look for jobs named {name!r} in queue {queue!r}"
    named = [{"name": "JOB_NAME", "values": [name]}]
    for raw in api.pages("list_jobs", doing, "jobSummaryList.jobId", jobQueue=queue, filters=named):
        if raw.get("jobName") == name and not (raw.get("isTerminated") or raw.get("isCancelled")):
            yield from_summary(raw, queue)


def describe_jobs(api: API, job_ids: Sequence[str], width: int) -> Iterator[dict[str, Any]]:
    """The service's own descriptions of these jobs; those that it has forgotten are absent."""

    def describe(some: Sequence[str]) -> list[dict[str, Any]]:
        jobs: list[dict[str, Any]] = api.ask("describe_jobs", "describe jobs", "jobs.jobId", jobs=list(some))["jobs"]
        return jobs

    wanted = list(dict.fromkeys(job_ids))
    return (raw for page in each(describe, chunks(wanted, DESCRIBED), width) for raw in page)
