"""One budget for every call to AWS Batch, whichever engine makes it; CloudWatch has its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from batch_helpers.aws_client import AWSAccess
from batch_helpers.budget import Budget, Priority
from batch_helpers.budget.bucket import BURST
from batch_helpers.engines.aws import AWSEngine
from batch_helpers.engines.aws.rates import default_rate
from batch_helpers.errors import InvalidInput
from batch_helpers.job import Job
from tests.engines.aws.conftest import VirtualTime
from tests.engines.aws.service import Service, access_to, on_a_socket, says


class Turns(Budget):
    """Remembers who asked for a turn."""

    def __init__(self) -> None:
        time = VirtualTime()
        super().__init__(40, clock=time.clock, sleep=time.sleep)
        self.asked: list[Priority] = []

    def turn(self, priority: Priority = Priority.SUBMIT) -> Any:
        self.asked.append(priority)
        return super().turn(priority)


def jobs(number: int) -> list[Job]:
    return [Job(f"s{place}", job_definition="align", command=[str(place)]).bound("q", ()) for place in range(number)]


CALLS: dict[str, tuple[Callable[[AWSEngine], object], list[Priority]]] = {
    "submit": (lambda engine: engine.submit(jobs(1)), [Priority.SUBMIT]),
    "define": (lambda engine: engine.define("x", {"type": "container"}), [Priority.POLL, Priority.SUBMIT]),
    "active": (lambda engine: list(engine.active(["q"])), [Priority.POLL] * 5),
    "describe": (lambda engine: engine.describe(["a"]), [Priority.POLL]),
    "terminate one": (lambda engine: engine.terminate(["a"], "x"), [Priority.CANCEL]),
    "terminate two": (lambda engine: engine.terminate(["a", "b"], "x"), [Priority.CANCEL]),
    "cancel one": (lambda engine: engine.cancel(["a"], "x"), [Priority.CANCEL]),
    "cancel two": (lambda engine: engine.cancel(["a", "b"], "x"), [Priority.CANCEL]),
}


@pytest.mark.parametrize("call", CALLS)
def test_every_call_stands_in_line_with_its_own_priority(call: str, service: Service) -> None:
    work, expected = CALLS[call]
    for job_id in ("a", "b"):
        service.add(job_id, "n", "SUCCEEDED")
    turns = Turns()
    work(AWSEngine(access_to(service), rate=turns))
    assert turns.asked == expected
    assert len(service.posts) == len(expected)


def test_what_is_sent_again_stands_in_line_again(service: Service) -> None:
    service.script["submitjob"].extend([says(429, "TooManyRequestsException"), says(500, "ServerException")])
    turns = Turns()
    AWSEngine(access_to(service), rate=turns, sleep=lambda _: None).submit(jobs(1))
    assert len(turns.asked) == len(service.posts) == 3 + 4


def test_a_throttle_slows_all_calls_that_follow(service: Service) -> None:
    clock = VirtualTime()
    budget = Budget(40, clock=clock.clock, sleep=clock.sleep)
    engine = AWSEngine(access_to(service), rate=budget, sleep=lambda _: None, concurrency=1)
    engine.submit(jobs(200))
    began = clock.now
    engine.submit(jobs(40))
    at_full_rate = clock.now - began
    service.script["submitjob"].append(says(429, "TooManyRequestsException"))
    engine.submit(jobs(1))
    assert budget.rate < 21
    began = clock.now
    engine.submit(jobs(40))
    assert clock.now - began > 1.4 * at_full_rate
    assert at_full_rate == pytest.approx(1, rel=0.1)


def test_other_errors_slow_nobody(service: Service) -> None:
    clock = VirtualTime()
    budget = Budget(40, clock=clock.clock, sleep=clock.sleep)
    service.script["listjobs"].extend([says(500, "ServerException")] * 3)
    list(AWSEngine(access_to(service), rate=budget, sleep=lambda _: None).active(["q"]))
    assert budget.rate == 40


@pytest.mark.parametrize(
    ("endpoint", "batch", "logs"),
    [
        ("https://batch.us-east-1.amazonaws.com", 40, 10),
        ("https://vpce-1.batch.eu-west-1.vpce.amazonaws.com", 40, 10),
        ("http://batch.internal:4566", 40, 10),
        ("http://127.0.0.1:4566", 1000, 1000),
        ("http://localhost:4566", 1000, 1000),
        ("http://[::1]:4566", 1000, 1000),
        ("http://127.0.0.1.example.com", 40, 10),
    ],
)
def test_an_endpoint_of_this_machine_is_nobodys_account(endpoint: str, batch: float, logs: float) -> None:
    assert (default_rate("batch", endpoint), default_rate("logs", endpoint)) == (batch, logs)


@pytest.mark.parametrize("rate", [0, -5, "fast"])
def test_a_rate_that_is_none_is_refused_when_the_engine_is_made(rate: Any) -> None:
    with pytest.raises(InvalidInput, match="rate="):
        AWSEngine(rate=rate)


@pytest.mark.slow
def test_engines_of_one_account_share_its_budget() -> None:
    service = Service()
    with on_a_socket(service, {}) as access:
        here = [AWSEngine(AWSAccess(session=access.session, endpoint_url=access.endpoint_url), rate=50) for _ in "ab"]
        began = time.monotonic()
        threads = [threading.Thread(target=engine.submit, args=(jobs(30),)) for engine in here]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert time.monotonic() - began >= 60 / 50 - BURST - 0.05
    assert service.count("submitjob") == 60
