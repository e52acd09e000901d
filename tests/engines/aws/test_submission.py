"""SubmitJob once per decision, whatever the network and the service do."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

from batch_helpers.engines.aws import AWSEngine
from batch_helpers.errors import AccessDenied, AmbiguousAnswer, InvalidJob, SubmitFailed, Throttled, Unreachable
from batch_helpers.job import Job
from tests.engines.aws.conftest import Sleeps
from tests.engines.aws.service import Act, Service, accepted_but, answers, raises, says

URL = "http://127.0.0.1/v1/submitjob"

LOST_AFTER_ACCEPTANCE: dict[str, Act] = {
    "cut short": accepted_but(200, b'{"jobI'),
    "empty": accepted_but(200, b""),
    "without its jobId": accepted_but(200, b'{"jobName": "s1"}'),
    "no object": accepted_but(200, b"[]"),
    "server error": accepted_but(500, b'{"__type": "ServerException", "message": "x"}'),
    "bad gateway": accepted_but(502, b"<html>bad gateway</html>"),
    "unavailable": accepted_but(503, b""),
    "no answer in time": raises(ReadTimeoutError(endpoint_url=URL), accepted=True),
    "connection closed": raises(ConnectionClosedError(endpoint_url=URL), accepted=True),
}


def job(name: str = "s1", queue: str = "q", **fields: Any) -> Job:
    return Job(name, job_definition="align", command=["run", name], **fields).bound(queue, ())


@pytest.mark.parametrize("loss", LOST_AFTER_ACCEPTANCE)
def test_a_job_that_was_accepted_is_adopted_when_its_answer_is_lost(
    loss: str, engine: AWSEngine, service: Service
) -> None:
    service.script["submitjob"].append(LOST_AFTER_ACCEPTANCE[loss])
    assert engine.submit([job()]) == ["job-1"]
    assert (service.count("submitjob"), len(service.jobs)) == (1, 1)


@pytest.mark.parametrize(
    "refusal",
    [
        says(500, "ServerException"),
        says(503, "ServiceUnavailable"),
        answers(),
        raises(ReadTimeoutError(endpoint_url=URL), accepted=False),
    ],
)
def test_a_job_that_left_no_trace_is_sent_again(refusal: Act, engine: AWSEngine, service: Service) -> None:
    service.script["submitjob"].append(refusal)
    assert engine.submit([job()]) == ["job-1"]
    assert (service.count("submitjob"), service.count("listjobs")) == (2, 4)


def test_a_listing_that_lags_is_waited_for(engine: AWSEngine, service: Service, sleeps: Sleeps) -> None:
    service.script["submitjob"].append(accepted_but(200, b""))
    service.script["listjobs"].extend([answers(jobSummaryList=[])] * 3)
    assert engine.submit([job()]) == ["job-1"]
    assert (service.count("submitjob"), service.count("listjobs")) == (1, 4)
    assert sleeps == [0.5, 1.0, 2.0, 4.0]


def test_a_listing_that_was_cut_short_is_never_read_as_no_such_job(engine: AWSEngine, service: Service) -> None:
    service.script["submitjob"].append(accepted_but(200, b""))
    service.script["listjobs"].extend([accepted_but(200, b'{"jobSumm'), answers(nextToken="1"), says(500, "x")])
    assert engine.submit([job()]) == ["job-1"]
    assert service.count("submitjob") == 1


def test_while_nobody_can_look_nothing_is_sent_again(engine: AWSEngine, service: Service) -> None:
    service.script["submitjob"].append(says(500, "ServerException"))
    service.script["listjobs"].extend([says(403, "AccessDeniedException", "no listing for you")])
    with pytest.raises(SubmitFailed, match=r"may have been carried out.*no listing for you.*run again"):
        engine.submit([job()])
    assert service.count("submitjob") == 1


def test_a_look_that_fails_is_followed_by_another(engine: AWSEngine, service: Service) -> None:
    service.script["submitjob"].append(accepted_but(200, b""))
    service.script["listjobs"].extend([says(500, "ServerException")] * 6)
    assert engine.submit([job()]) == ["job-1"]
    assert (service.count("submitjob"), service.count("listjobs")) == (1, 7)


def test_a_job_that_is_not_there_at_the_last_look_is_sent_again_though_an_earlier_look_failed(
    engine: AWSEngine, service: Service
) -> None:
    service.script["submitjob"].append(says(500, "ServerException"))
    service.script["listjobs"].extend([says(500, "ServerException")] * 6)
    assert engine.submit([job()]) == ["job-1"]
    assert service.count("submitjob") == 2


def test_a_first_look_that_saw_nothing_is_not_enough_to_send_again(engine: AWSEngine, service: Service) -> None:
    service.script["submitjob"].append(accepted_but(200, b""))
    service.script["listjobs"].extend([answers(jobSummaryList=[]), *[says(500, "ServerException")] * 18])
    with pytest.raises(SubmitFailed, match=r"may have been carried out.*cannot be looked up"):
        engine.submit([job()])
    assert service.count("submitjob") == 1


def test_a_service_that_never_answers_is_given_up(engine: AWSEngine, service: Service) -> None:
    service.script["submitjob"].extend([says(500, "ServerException")] * 20)
    with pytest.raises(SubmitFailed, match="never was there a trace") as caught:
        engine.submit([job()])
    assert isinstance(caught.value.__cause__, AmbiguousAnswer)
    assert service.count("submitjob") == 4


def test_names_that_differ_only_in_case_are_not_the_same_job(engine: AWSEngine, service: Service) -> None:
    service.add("theirs", job().full_name.upper(), "RUNNING")
    service.script["submitjob"].append(says(500, "ServerException"))
    assert engine.submit([job()]) == ["job-2"]


def test_bug_2_a_job_that_finished_yesterday_is_not_taken_for_the_one_just_sent(
    engine: AWSEngine, service: Service
) -> None:
    service.add("yesterday", job().full_name, "SUCCEEDED", tags={"batch_helpers:submission": "another"})
    service.add("before", job().full_name, "FAILED")
    service.script["submitjob"].append(says(500, "ServerException"))
    assert engine.submit([job()]) == ["job-3"]
    assert service.count("submitjob") == 2


def test_a_job_that_has_already_ended_when_it_is_looked_for_is_not_run_twice(
    engine: AWSEngine, service: Service
) -> None:
    service.add("yesterday", job().full_name, "FAILED", tags={"batch_helpers:submission": "another"})
    service.new_status = "FAILED"
    service.script["submitjob"].append(accepted_but(200, b""))
    assert engine.submit([job()]) == ["job-2"]
    assert service.count("submitjob") == 1


def test_the_newest_of_many_that_have_ended_are_looked_at(engine: AWSEngine, service: Service) -> None:
    for number in range(150):
        service.add(f"old-{number}", job().full_name, "FAILED", createdAt=number + 1)
    service.new_status = "FAILED"
    service.script["submitjob"].append(accepted_but(200, b""))
    assert engine.submit([job()]) == ["job-151"]


def test_of_several_live_jobs_the_furthest_and_then_the_oldest_is_adopted(engine: AWSEngine, service: Service) -> None:
    service.add("young", job().full_name, "RUNNING", createdAt=9000)
    service.add("old", job().full_name, "RUNNING", createdAt=8000)
    service.add("older", job().full_name, "RUNNABLE", createdAt=1000)
    service.script["submitjob"].append(says(500, "ServerException"))
    assert engine.submit([job()]) == ["old"]


def test_a_live_job_that_has_been_told_to_end_is_not_adopted(engine: AWSEngine, service: Service) -> None:
    service.add("dying", job().full_name, "RUNNING", isTerminated=True)
    service.add("cancelled", job().full_name, "RUNNABLE", isCancelled=True)
    service.script["submitjob"].append(says(500, "ServerException"))
    assert engine.submit([job()]) == ["job-3"]


@pytest.mark.parametrize("refusal", [says(429, "TooManyRequestsException"), says(400, "ThrottlingException")])
def test_a_refusal_for_the_rate_is_sent_again_after_a_pause_and_without_a_look(
    refusal: Act, engine: AWSEngine, service: Service, sleeps: Sleeps
) -> None:
    service.script["submitjob"].extend([refusal] * 5)
    assert engine.submit([job()]) == ["job-1"]
    assert (service.count("submitjob"), service.count("listjobs"), len(sleeps)) == (6, 0, 5)
    assert len(set(sleeps)) == 5, "without jitter everybody comes back at once"


def test_a_service_that_is_always_too_busy_is_given_up(engine: AWSEngine, service: Service, sleeps: Sleeps) -> None:
    service.script["submitjob"].extend([says(429, "TooManyRequestsException")] * 50)
    with pytest.raises(SubmitFailed) as caught:
        engine.submit([job()])
    assert isinstance(caught.value.__cause__, Throttled)
    assert len(service.jobs) == 0
    assert max(sleeps) <= 20


def test_a_connection_that_was_never_made_is_tried_again(engine: AWSEngine, service: Service) -> None:
    refusal = raises(EndpointConnectionError(endpoint_url=URL), accepted=False)
    service.script["submitjob"].extend([refusal] * 2)
    assert engine.submit([job()]) == ["job-1"]
    assert service.count("listjobs") == 0
    service.script["submitjob"].extend([refusal] * 9)
    with pytest.raises(SubmitFailed) as caught:
        engine.submit([job()])
    assert isinstance(caught.value.__cause__, Unreachable)


def test_what_the_service_refuses_is_not_sent_again_and_what_was_accepted_is_told(
    service: Service, engine: AWSEngine
) -> None:
    jobs = [job(f"s{number}") for number in range(40)]
    service.script["submitjob"].extend([Service.normal] * 3 + [says(403, "AccessDeniedException", "not you")])
    with pytest.raises(SubmitFailed, match="not you") as caught:
        engine.submit(jobs)
    assert isinstance(caught.value.__cause__, AccessDenied)
    accepted = {place: service.jobs[job_id]["jobName"] for place, job_id in caught.value.submitted.items()}
    assert accepted == {place: jobs[place].full_name for place in accepted}
    assert len(accepted) == len(service.jobs) >= 3
    assert service.count("submitjob") <= 8, "those in flight are waited for, and no more are begun"


def test_ids_come_in_the_order_of_the_jobs(service: Service, engine: AWSEngine) -> None:
    jobs = [job(f"s{number}") for number in range(50)]
    ids = engine.submit(jobs)
    assert [service.jobs[job_id]["jobName"] for job_id in ids] == [one.full_name for one in jobs]


def test_one_invalid_job_keeps_the_whole_batch_from_being_sent(service: Service, engine: AWSEngine) -> None:
    too_many = job("s3").bound("q", [f"id-{number}" for number in range(21)])
    for bad in (job("s2", timeout=5), too_many, Job("s4", job_definition="align")):
        with pytest.raises(InvalidJob):
            engine.submit([job("s1"), bad])
    assert service.posts == []
