"""Limits on how much may be asked at once, and what a page holds."""

from __future__ import annotations

from collections.abc import Sequence

from batch_helpers.serve.wire.errors import ClientException

DESCRIBED_JOBS = 100
DESCRIBED_RESOURCES = 100
BULK_JOBS = 50
JOBS_BY_STATUS = 1000
JOBS_BY_FILTER = 100


def check_described_jobs(job_ids: Sequence[str]) -> None:
    """100: https://docs.aws.amazon.com/batch/latest/APIReference/API_DescribeJobs.html"""
    if len(job_ids) > DESCRIBED_JOBS:
        raise ClientException(f"Maximum number of jobs supported is {DESCRIBED_JOBS}")


def check_bulk(job_ids: Sequence[str]) -> None:
    """50: https://docs.aws.amazon.com/batch/latest/APIReference/API_TerminateJobs.html"""
    if not 1 <= len(job_ids) <= BULK_JOBS:
        raise ClientException(f"Number of jobs must be between 1 and {BULK_JOBS}, got {len(job_ids)}")


def check_described_resources(names: Sequence[str]) -> None:
    """100: https://docs.aws.amazon.com/batch/latest/APIReference/API_DescribeJobQueues.html"""
    if len(names) > DESCRIBED_RESOURCES:
        raise ClientException(f"Maximum number of entries supported is {DESCRIBED_RESOURCES}, got {len(names)}")


def resource_page(max_results: int | None) -> int:
    """How many resources a page holds: 1 to 100, and 100 unless told."""
    if max_results is None:
        return DESCRIBED_RESOURCES
    if not 1 <= max_results <= DESCRIBED_RESOURCES:
        raise ClientException(f"maxResults must be between 1 and {DESCRIBED_RESOURCES}, got {max_results}")
    return max_results


def job_page(max_results: int | None, *, filtered: bool) -> int:
    """How many jobs a page holds: never more than 1,000, or 100 with a filter, whatever was asked.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html
    """
    if max_results is not None and max_results < 1:
        raise ClientException(f"maxResults must be at least 1, got {max_results}")
    most = JOBS_BY_FILTER if filtered else JOBS_BY_STATUS
    return min(max_results or most, most)
