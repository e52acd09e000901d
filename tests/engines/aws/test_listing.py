"""The jobs of queues: which are listed, in which order, and what of a bad answer."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from batch_helpers.engines.aws import AWSEngine
from batch_helpers.engines.aws.listing import FAILED_PAGES
from batch_helpers.errors import AmbiguousAnswer, NotFound, ServiceError
from batch_helpers.job import Status
from tests.engines.aws.service import Act, Service, accepted_but, answers, says

PASSED = ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"]


def asked(service: Service, queue: str = "q") -> list[str]:
    return [body["jobStatus"] for body in service.bodies("listjobs") if body["jobQueue"] == queue]


def test_every_state_is_listed_in_the_order_in_which_a_job_moves(engine: AWSEngine, service: Service) -> None:
    for status in Status:
        service.add(f"id-{status}", f"job-{status}", status)
    found = [detail.job_id for detail in engine.active(["q"])]
    assert found == [f"id-{status}" for status in PASSED]
    assert asked(service)[:5] == PASSED
    assert {body["maxResults"] for body in service.bodies("listjobs")} == {1000}
    assert service.count("describejobs") == 0


def test_an_idle_queue_costs_five_calls(engine: AWSEngine, service: Service) -> None:
    service.add("old", "ended", "SUCCEEDED")
    assert list(engine.active(["q"])) == []
    assert asked(service) == PASSED


def then(status: str) -> Act:
    """The listing as it is, and then the job goes on to another state."""

    def act(service: Service, operation: str, body: dict[str, Any]) -> tuple[int, bytes]:
        answer = service.normal(operation, body)
        service.jobs["id"]["status"] = status
        return answer

    return act


def test_a_job_that_moves_on_between_two_calls_is_told_once_and_as_it_is_now(
    engine: AWSEngine, service: Service
) -> None:
    service.add("id", "moving", "RUNNABLE")
    service.script["listjobs"].extend([Service.normal, Service.normal, then("RUNNING")])
    assert [(detail.job_id, detail.status) for detail in engine.active(["q"])] == [("id", Status.RUNNING)]


@pytest.mark.parametrize("listed_before", [3, 4])
def test_a_job_that_is_retried_meanwhile_and_waits_again_is_not_missed(
    listed_before: int, engine: AWSEngine, service: Service
) -> None:
    service.add("another", "there", "SUBMITTED")
    service.add("id", "retried", "RUNNING")
    service.script["listjobs"].extend([Service.normal] * (listed_before - 1) + [then("RUNNABLE")])
    assert [(detail.job_id, detail.status) for detail in engine.active(["q"])][1:] == [("id", Status.RUNNABLE)]


def test_a_long_line_is_not_listed_twice(engine: AWSEngine, service: Service) -> None:
    for number in range(2001):
        service.add(f"id-{number}", "n", "RUNNABLE")
    assert len(list(engine.active(["q"]))) == 2001
    assert asked(service).count("RUNNABLE") == 3, "three pages"


def test_queues_are_listed_side_by_side_and_the_states_of_each_one_after_the_other(
    engine: AWSEngine, service: Service
) -> None:
    queues = ["a", "b", "c"]
    all_begun = threading.Barrier(len(queues), timeout=10)
    for queue in queues:
        service.add(f"id-{queue}", "n", "RUNNING", jobQueue=queue)
    service.on_arrival["listjobs"] = lambda body: body["jobStatus"] == "SUBMITTED" and all_begun.wait()
    assert [(detail.job_id, detail.queue) for detail in engine.active(queues)] == [(f"id-{q}", q) for q in queues]
    for queue in queues:
        assert asked(service, queue) == [*PASSED, "RUNNABLE"]


@pytest.mark.parametrize(
    ("status", "flag", "alive"),
    [
        ("RUNNING", "isTerminated", False),
        ("STARTING", "isTerminated", False),
        ("RUNNABLE", "isTerminated", False),
        ("RUNNABLE", "isCancelled", False),
        ("PENDING", "isCancelled", False),
        ("STARTING", "isCancelled", True),
        ("RUNNING", "isCancelled", True),
    ],
)
def test_a_job_that_has_been_told_to_end_is_not_active_any_more(
    status: str, flag: str, alive: bool, engine: AWSEngine, service: Service
) -> None:
    service.add("dying", "n", status, **{flag: True})
    service.add("living", "n", status, **{flag: False})
    assert {detail.job_id for detail in engine.active(["q"])} == {"living", *(["dying"] if alive else [])}
    assert engine.describe(["dying"])["dying"].status == status


class TestFailed:
    def test_they_come_with_their_reasons_and_the_newest_first(self, engine: AWSEngine, service: Service) -> None:
        for number, queue in enumerate(["q", "p", "q", "p"]):
            container = {"reason": f"OutOfMemoryError {number}", "exitCode": 137}
            more = {"stoppedAt": 1000 * (number + 1), "statusReason": "Essential container in task exited"}
            service.add(f"id-{number}", "n", "FAILED", jobQueue=queue, container=container, **more)
        service.add("well", "n", "SUCCEEDED")
        found = list(engine.failed(["q", "p", "q"]))
        assert [detail.job_id for detail in found] == ["id-3", "id-2", "id-1", "id-0"]
        assert found[0].reason == "Essential container in task exited; OutOfMemoryError 3"
        assert (found[0].stopped_at, found[0].exit_code, found[0].queue) == (4.0, 137, "p")
        assert (service.count("listjobs"), service.count("describejobs")) == (2, 0)

    def test_a_job_that_was_terminated_has_failed(self, engine: AWSEngine, service: Service) -> None:
        service.add("ended", "n", "FAILED", isTerminated=True)
        assert [detail.job_id for detail in engine.failed(["q"])] == ["ended"]

    def test_no_more_than_a_few_pages_are_read(self, engine: AWSEngine, service: Service) -> None:
        service.page = 3
        for number in range(100):
            service.add(f"id-{number}", "n", "FAILED")
        assert len(list(engine.failed(["q"]))) == 3 * FAILED_PAGES
        assert service.count("listjobs") == FAILED_PAGES == 10

    def test_no_queue_is_no_call(self, engine: AWSEngine, service: Service) -> None:
        assert list(engine.failed([])) == []
        assert service.posts == []


def test_pages_are_followed_and_an_empty_one_is_not_the_end(engine: AWSEngine, service: Service) -> None:
    service.page = 10
    for number in range(25):
        service.add(f"id-{number}", f"job-{number}", "SUBMITTED")
    service.script["listjobs"].append(answers(jobSummaryList=[], nextToken="0"))
    assert len(list(engine.active(["q"]))) == 25
    assert service.count("listjobs") == 1 + 3 + 4 + 1


def test_a_page_token_that_repeats_does_not_go_on_for_ever(engine: AWSEngine, service: Service) -> None:
    tokens = ["first", "second", "first", "second", "first"]
    service.script["listjobs"].extend(answers(jobSummaryList=[], nextToken=token) for token in tokens)
    with pytest.raises(ServiceError, match="same page token twice"):
        list(engine.active(["q"]))


def test_a_page_that_was_cut_short_is_asked_again(engine: AWSEngine, service: Service) -> None:
    service.add("id", "there", "SUBMITTED")
    service.script["listjobs"].extend([accepted_but(200, b'{"jobSummaryLi'), answers(), says(500, "x")])
    assert [detail.job_id for detail in engine.active(["q"])] == ["id"]


def test_a_page_that_always_comes_cut_short_is_an_error_and_never_nothing_there(
    engine: AWSEngine, service: Service
) -> None:
    service.script["listjobs"].extend([answers()] * 50)
    with pytest.raises(AmbiguousAnswer, match=r"list the SUBMITTED jobs of queue 'q'.*jobSummaryList"):
        list(engine.active(["q"]))
    assert service.count("listjobs") == 6


@pytest.mark.parametrize("items", [[None], [{}], [{"jobName": "n", "status": "RUNNING"}]])
def test_a_page_with_a_job_that_has_no_id_is_asked_again(items: list[Any], engine: AWSEngine, service: Service) -> None:
    service.add("id", "there", "SUBMITTED")
    service.script["listjobs"].append(answers(jobSummaryList=items))
    service.script["describejobs"].append(answers(jobs=items))
    assert [detail.job_id for detail in engine.active(["q"])] == ["id"]
    assert set(engine.describe(["id"])) == {"id"}


def test_queues_may_be_given_as_arns_and_are_told_by_name(engine: AWSEngine, service: Service) -> None:
    service.add("id", "there", "RUNNING")
    arn = "arn:aws:batch:us-east-1:123456789012:job-queue/q"
    assert [detail.queue for detail in engine.active([arn])] == ["q"]
    assert service.bodies("listjobs")[0]["jobQueue"] == arn


def test_a_queue_that_is_named_twice_is_listed_once(engine: AWSEngine, service: Service) -> None:
    service.add("id", "there", "RUNNING")
    arn = "arn:aws:batch:us-east-1:123456789012:job-queue/q"
    assert len(list(engine.active(["q", "q", arn]))) == 1
    assert service.count("listjobs") == 6


def test_a_queue_that_does_not_exist_is_an_error(engine: AWSEngine, service: Service) -> None:
    service.script["listjobs"].append(says(400, "ClientException", "JobQueue none not found."))
    with pytest.raises(NotFound, match="queue 'none'"):
        list(engine.active(["none"]))
