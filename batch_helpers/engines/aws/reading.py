"""What the service knows of single jobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from batch_helpers.engines.aws.api import API
from batch_helpers.engines.aws.crew import chunks, each

DESCRIBED = 100
"""Jobs in one description: https://docs.aws.amazon.com/batch/latest/APIReference/API_DescribeJobs.html"""


def describe_jobs(api: API, job_ids: Sequence[str], width: int) -> Iterator[dict[str, Any]]:
    """The service's own descriptions of these jobs; those that it has forgotten are absent."""

    def describe(some: Sequence[str]) -> list[dict[str, Any]]:
        jobs: list[dict[str, Any]] = api.ask("describe_jobs", "describe jobs", "jobs.jobId", jobs=list(some))["jobs"]
        return jobs

    wanted = list(dict.fromkeys(job_ids))
    return (raw for page in each(describe, chunks(wanted, DESCRIBED), width) for raw in page)
