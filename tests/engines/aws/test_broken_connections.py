"""What botocore really does when a socket breaks after the service has accepted a request."""

from __future__ import annotations

import pytest

from batch_helpers.engines.aws import AWSEngine
from batch_helpers.job import Job
from tests.engines.aws.service import (
    Breakage,
    Service,
    cut_body,
    cut_headers,
    hang_up,
    keep_silent,
    on_a_socket,
    reset,
    rubbish,
)

pytestmark = pytest.mark.slow

BREAKAGES = [cut_body, cut_headers, hang_up, keep_silent, reset, rubbish]


def job(number: int = 0) -> Job:
    return Job(f"s{number}", job_definition="align", command=[str(number)]).bound("q", ())


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_an_accepted_job_whose_answer_breaks_is_sent_once_and_adopted(breakage: Breakage) -> None:
    service = Service()
    with on_a_socket(service, {"submitjob": [breakage]}) as access:
        assert AWSEngine(access, sleep=lambda _: None).submit([job()]) == ["job-1"]
    assert [operation for operation, _ in service.posts] == ["submitjob", "listjobs"]


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_a_listing_that_breaks_is_asked_again_and_never_nothing_there(breakage: Breakage) -> None:
    service = Service()
    service.add("id", "there", "SUBMITTED")
    with on_a_socket(service, {"listjobs": [breakage] * 2}) as access:
        assert [found.job_id for found in AWSEngine(access, sleep=lambda _: None).active(["q"])] == ["id"]
    assert service.count("listjobs") == 2 + 6


def test_many_jobs_over_a_bad_line_are_each_there_once() -> None:
    service = Service()
    with on_a_socket(service, {"submitjob": BREAKAGES * 5, "listjobs": BREAKAGES * 3}) as access:
        jobs = [job(number) for number in range(60)]
        ids = AWSEngine(access, sleep=lambda _: None).submit(jobs)
    assert [service.jobs[job_id]["jobName"] for job_id in ids] == [one.full_name for one in jobs]
    assert len(service.jobs) == service.count("submitjob") == 60
