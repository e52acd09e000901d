"""What became of jobs while nobody looked: told by their outputs, and by what the service still knows of failures."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from batch_helpers.aws_client import AWSAccess
from batch_helpers.engines.aws import AWSEngine
from batch_helpers.helper import BatchHelper
from batch_helpers.job import Job, Status
from batch_helpers.monitor import LOST_AFTER
from batch_helpers.serve import serve
from batch_helpers.serve.endpoint import Endpoint
from batch_helpers.serve.outcomes import Outcome
from batch_helpers.testing import MemoryEngine, MemoryStore
from tests.servers import session

OOM = "OutOfMemoryError: Container killed due to memory usage"


def test_a_job_that_failed_while_nobody_looked_runs_again_and_its_decision_says_why() -> None:
    engine = MemoryEngine()
    job = Job("s1", command=["make"], outputs=["m://b/s1"])
    (job_id,) = BatchHelper(engine, engine.store, job_queue="q").add_jobs([job])
    assert job_id is not None
    engine.now = time.time() - 7200 - 5
    engine.settle(job_id, Status.FAILED, reason=OOM, exit_code=137)
    (decision,) = BatchHelper(engine, engine.store, job_queue="q").plan([job])
    assert str(decision) == "submit: failed 2 h ago, out of memory; outputs missing: m://b/s1 (1 of 1)"
    other = Job("s2", command=["make"], outputs=["m://b/s2"])
    (decision,) = BatchHelper(engine, engine.store, job_queue="q").plan([other])
    assert str(decision) == "submit: outputs missing: m://b/s2 (1 of 1)"


def test_the_last_of_several_failures_is_told() -> None:
    engine = MemoryEngine()
    job = Job("s1", command=["make"], outputs=["m://b/s1"])
    for hours, reason in ((5, OOM), (1, "Host EC2 (instance i-1) terminated.")):
        (job_id,) = BatchHelper(engine, engine.store, job_queue="q").add_jobs([job])
        assert job_id is not None
        engine.now = time.time() - 3600 * hours - 5
        engine.settle(job_id, Status.FAILED, reason=reason)
    (decision,) = BatchHelper(engine, engine.store, job_queue="q").plan([job])
    assert decision.reason.startswith("failed 1 h ago, spot")


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    with serve(tmp_path, instant=True) as endpoint:
        yield endpoint


class Lab:
    """Scripts against one endpoint and one store; time passes only while they sleep."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.store, self.now = MemoryStore(), 0.0
        self.access = AWSAccess(session=session(), endpoint_url=endpoint.url)

    def script(self) -> BatchHelper:
        engine = AWSEngine(self.access, rate=1000, sleep=self.sleep)
        clock = lambda: self.now  # noqa: E731
        return BatchHelper(engine, self.store, job_queue="local", clock=clock, sleep=self.sleep, stdout=io.StringIO())

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def cohort() -> list[Job]:
    names = ("good", "bad", "empty", "old-good", "old-empty")
    return [Job(name, image="busybox", command=["make", name], outputs=[f"m://b/{name}"]) for name in names]


@pytest.mark.slow
def test_a_run_that_is_taken_up_days_later_runs_what_is_missing_and_nothing_else(endpoint: Endpoint) -> None:
    lab, jobs = Lab(endpoint), cohort()
    endpoint.script([Outcome("bad-*", exit_code=137, reason=OOM)])
    ids = lab.script().add_jobs(jobs)  # and here the script is killed
    for name in ("good", "old-good"):
        lab.store.write(f"m://b/{name}", b"")
    endpoint.forget([str(job_id) for job_id in ids[3:]])
    before = endpoint.counters.requests["ListJobs"]
    told = {decision.job.name: str(decision) for decision in lab.script().plan(jobs)}
    assert told == {
        "good": "skip: its output exists",
        "bad": "submit: failed just now, out of memory; outputs missing: m://b/bad (1 of 1)",
        "empty": "submit: outputs missing: m://b/empty (1 of 1)",
        "old-good": "skip: its output exists",
        "old-empty": "submit: outputs missing: m://b/old-empty (1 of 1)",
    }
    assert endpoint.counters.requests["ListJobs"] - before <= 6
    assert endpoint.counters.requests["DescribeJobs"] == 0


@pytest.mark.slow
def test_a_script_that_slept_through_it_all_ends_within_a_bounded_time_with_the_truth(endpoint: Endpoint) -> None:
    lab, jobs = Lab(endpoint), cohort()
    endpoint.script([Outcome("bad-*", exit_code=137, reason=OOM)])
    helper = lab.script()
    ids = helper.add_jobs(jobs)
    for name in ("good", "old-good"):
        lab.store.write(f"m://b/{name}", b"")
    endpoint.forget([str(job_id) for job_id in ids[3:]])
    began = lab.now
    snapshot = helper.monitor(interval=20)
    assert snapshot.exit_code == 1
    assert {detail.short_name: detail.reason.partition(":")[0] for detail in snapshot.failed} == {
        "bad": "Essential container in task exited; OutOfMemoryError",
        "empty": "missing outputs",
        "old-empty": "lost",
    }
    assert snapshot.counts[Status.SUCCEEDED] == 2
    assert LOST_AFTER <= lab.now - began <= LOST_AFTER + 60
