"""Where the jobs that are shown come from, and what can be done with them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from batch_helpers.errors import InvalidInput
from batch_helpers.helper import BatchHelper
from batch_helpers.job import Job, Status
from batch_helpers.testing import MemoryEngine
from batch_helpers.tui.sources import Source
from tests.events.runs import Script, cohort


class Counting(MemoryEngine):
    """Counts what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def active(self, queues):  # type: ignore[no-untyped-def]
        self.asked.append("active")
        return super().active(queues)

    def describe(self, job_ids):  # type: ignore[no-untyped-def]
        self.asked.append(f"describe {len(job_ids)}")
        return super().describe(job_ids)

    def failed(self, queues):  # type: ignore[no-untyped-def]
        self.asked.append("failed")
        return super().failed(queues)


@pytest.fixture
def engine() -> Counting:
    return Counting()


@pytest.fixture
def helper(engine: Counting) -> BatchHelper:
    return BatchHelper(engine, engine.store, job_queue="q", clock=lambda: engine.now, stdout=io.StringIO())


def statuses(source: Source) -> dict[str, Status]:
    return {entry.name: entry.status for entry in source.refresh()}


def test_a_queue_shows_what_is_active_follows_it_and_knows_what_failed_before(
    engine: Counting, helper: BatchHelper
) -> None:
    ids = helper.add_jobs(cohort(3))
    engine.settle(str(ids[0]), Status.FAILED, reason="Strange")
    source = Source(lambda: helper, queue="q", clock=lambda: engine.now)
    assert statuses(source) == {
        "align-s0": Status.FAILED, "align-s1": Status.RUNNABLE, "align-s2": Status.RUNNABLE,
    }  # fmt: skip
    engine.settle(str(ids[1]))
    assert statuses(source)["align-s1"] is Status.SUCCEEDED
    helper.add_jobs([Job("late", command=["l"])])
    assert statuses(source)["late"] is Status.RUNNABLE


def test_news_are_asked_for_in_bulk_and_failures_of_old_once(engine: Counting, helper: BatchHelper) -> None:
    ids = helper.add_jobs(cohort(30))
    source = Source(lambda: helper, queue="q")
    source.refresh()
    engine.asked.clear()
    for job_id in ids[:20]:
        engine.settle(str(job_id))
    source.refresh()
    source.refresh()
    assert engine.asked == ["active", "describe 20", "active"]


def test_a_run_goes_on_to_be_followed_when_nobody_writes_its_events_any_more(
    tmp_path: Path, engine: Counting, helper: BatchHelper
) -> None:
    script = Script(tmp_path / "run.ndjson", engine)
    ids = script.add(*cohort(2))
    script.poll()
    helper.add_jobs([Job("stranger", command=["s"])])
    source = Source(lambda: helper, events=script.log.path)
    source.refresh()
    engine.settle(ids[0], Status.FAILED, reason="OutOfMemoryError: x")
    record = source.refresh()
    assert {entry.name for entry in record} == {"align-s0", "align-s1"}
    assert record.entries[ids[0]].status is Status.FAILED
    assert record.entries[ids[0]].job is not None
    engine.settle(ids[1])
    source.refresh()
    engine.asked.clear()
    source.refresh()
    assert engine.asked == []


def test_events_alone_are_shown_without_an_engine(tmp_path: Path) -> None:
    script = Script(tmp_path / "run.ndjson")
    script.add(*cohort(2))
    script.poll()
    source = Source(events=script.log.path)
    assert not source.live
    assert len(source.refresh().entries) == 2
    for act in (lambda: source.cancel(["x"]), lambda: source.retry(["x"]), lambda: source.logs("x")):
        with pytest.raises(InvalidInput, match="--offline"):
            act()


def test_cancelling_ends_the_job(engine: Counting, helper: BatchHelper) -> None:
    ids = [str(job_id) for job_id in helper.add_jobs(cohort(2))]
    source = Source(lambda: helper, queue="q")
    source.refresh()
    assert source.cancel(ids[:1]) == "1 jobs are being ended"
    found = source.refresh().entries
    assert (found[ids[0]].status, found[ids[0]].detail.reason) == (Status.FAILED, "cancelled by the user")
    assert found[ids[1]].status.active


def test_retrying_takes_the_place_of_the_failed_job(tmp_path: Path, engine: Counting, helper: BatchHelper) -> None:
    script = Script(tmp_path / "run.ndjson", engine)
    ids = script.add(*cohort(3))
    script.poll()
    for job_id in ids[:2]:
        engine.settle(job_id, Status.FAILED, reason="Strange")
    script.poll(1)
    source = Source(lambda: helper, events=script.log.path)
    source.refresh()
    assert source.retry(ids[:1]) == "1 jobs submitted again"
    record = source.refresh()
    assert statuses(source) == {
        "align-s0": Status.RUNNABLE, "align-s1": Status.FAILED, "align-s2": Status.RUNNABLE,
    }  # fmt: skip
    assert ids[0] in record.superseded
    (new,) = [entry for entry in record if entry.replaces == ids[0]]
    engine.settle(new.job_id)
    assert statuses(source)["align-s0"] is Status.SUCCEEDED


def test_a_job_whose_work_is_not_known_cannot_be_retried(engine: Counting, helper: BatchHelper) -> None:
    (job_id,) = helper.add_jobs(cohort(1))
    engine.settle(str(job_id), Status.FAILED)
    source = Source(lambda: helper, queue="q")
    source.refresh()
    with pytest.raises(InvalidInput, match="not known here"):
        source.retry([str(job_id)])


def test_logs_are_the_engine_s(engine: Counting, helper: BatchHelper) -> None:
    engine.log_lines["id"] = ["one", "two"]
    assert list(Source(lambda: helper, queue="q").logs("id")) == ["one", "two"]
