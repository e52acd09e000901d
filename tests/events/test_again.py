"""Only what failed is submitted once more."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch_helpers.diagnose import Cause
from batch_helpers.events import Entry, RunRecord, read_events
from batch_helpers.events.again import failed_jobs
from batch_helpers.job import Job, JobDetail, Status
from tests.events.runs import Script, cohort

OOM = "OutOfMemoryError: x"


@pytest.fixture
def script(tmp_path: Path) -> Script:
    return Script(tmp_path / "run.ndjson")


def again(script: Script) -> list[Job]:
    script.poll()
    script.poll(1)
    read = failed_jobs(read_events(script.log.path))
    live = failed_jobs(script.record())
    assert [(job.name, job.key) for job in read] == [(job.name, job.key) for job in live]
    return read


def test_only_the_failed_jobs_come_back_and_they_are_the_same_work(script: Script) -> None:
    jobs = cohort(3)
    ids = script.add(*jobs)
    script.poll()
    script.engine.settle(ids[0])
    script.engine.settle(ids[1], Status.FAILED, reason=OOM)
    (job,) = again(script)
    assert (job.fingerprint, job.job_queue) == (jobs[1].fingerprint, "q")


def test_dependencies_among_the_failed_are_kept_and_those_on_what_is_done_dropped(script: Script) -> None:
    done, first = script.add(*cohort(2))
    (second,) = script.add(Job("call", command=["c"], depends_on=[done, first]))
    (third,) = script.add(Job("gather", command=["g"], depends_on=[second]))
    script.poll()
    script.engine.settle(done)
    script.engine.settle(first, Status.FAILED, reason=OOM)
    jobs = {job.name: job for job in again(script)}
    assert list(jobs) == ["align-s1", "call", "gather"]
    assert jobs["align-s1"].depends_on == ()
    assert jobs["call"].depends_on == (jobs["align-s1"],)
    assert jobs["gather"].depends_on == (jobs["call"],)
    assert third


def test_what_is_still_active_is_waited_for(script: Script) -> None:
    running, other = script.add(*cohort(2))
    (second,) = script.add(Job("call", command=["c"], depends_on=[running, other]))
    script.poll()
    script.engine.settle(other, Status.FAILED, reason=OOM)
    jobs = {job.name: job for job in again(script)}
    assert jobs["call"].depends_on == (running, jobs["align-s1"])
    assert second


def test_a_dependency_on_work_that_was_done_again_is_one_on_its_successor(script: Script) -> None:
    (first,) = script.add(*cohort(1))
    script.poll()
    script.engine.settle(first, Status.FAILED, reason=OOM)
    script.poll()
    (grown,) = script.add(*cohort(1, memory=8192), replaces=first)
    script.engine.settle(grown)
    (last,) = script.add(Job("call", command=["c"]))
    script.work[last] = Job("call", command=["c"], depends_on=[first])
    script.poll()
    script.engine.settle(last, Status.FAILED, reason=OOM)
    (job,) = again(script)
    assert (job.name, job.depends_on) == ("call", ())


def test_jobs_given_as_dependencies_are_found_by_their_work(script: Script) -> None:
    upstream = cohort(1)[0]
    (first,) = script.add(upstream)
    (second,) = script.add(Job("call", command=["c"]))
    script.work[second] = Job("call", command=["c"], depends_on=[upstream, Job("skipped", command=["s"])])
    script.poll()
    for job_id in (first, second):
        script.engine.settle(job_id, Status.FAILED, reason=OOM)
    script.poll()
    record = read_events(script.log.path)
    jobs = {job.name: job for job in failed_jobs(record)}
    assert jobs["call"].depends_on == (jobs["align-s0"],)


def test_a_dependency_that_nobody_here_knows_is_left_to_the_engine(script: Script) -> None:
    (first,) = script.add(*cohort(1))
    script.work[first] = Job("align-s0", command=["align", "0"], depends_on=["a-strange-id"])
    script.poll()
    script.engine.settle(first, Status.FAILED, reason=OOM)
    (job,) = again(script)
    assert job.depends_on == ("a-strange-id",)


def test_causes_can_be_chosen(script: Script) -> None:
    ids = script.add(*cohort(2))
    script.poll()
    script.engine.settle(ids[0], Status.FAILED, reason=OOM)
    script.engine.settle(ids[1], Status.FAILED, reason="Your Spot Task was interrupted.")
    script.poll(1)
    assert [job.name for job in failed_jobs(script.record(), {Cause.SPOT_RECLAIM})] == ["align-s1"]


def test_a_stranger_s_job_cannot_come_back(script: Script) -> None:
    (first,) = script.add(*cohort(1))
    script.work.clear()
    script.poll()
    script.engine.settle(first, Status.FAILED, reason=OOM)
    assert again(script) == []


def test_a_chain_of_thousands_is_no_problem() -> None:
    entries = {}
    for number in range(5000):
        upstream = [f"id-{number - 1}"] if number else []
        job = Job(f"link-{number}", command=["l", str(number)], depends_on=upstream)
        entries[f"id-{number}"] = Entry(JobDetail(f"id-{number}", job.full_name, Status.FAILED, reason=OOM), job)
    jobs = failed_jobs(RunRecord(entries=entries))
    assert len(jobs) == 5000
    assert jobs[-1].depends_on == (jobs[-2],)
