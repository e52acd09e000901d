"""Watching: what is asked, what is concluded, and that it always ends."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest

from batch_helpers.errors import ServiceError, Unreachable
from batch_helpers.job import Job, JobDetail, Status
from batch_helpers.monitor import BLIND_AFTER, LOST_AFTER, Snapshot, Watch, watch
from batch_helpers.testing import MemoryEngine


class Asked(MemoryEngine):
    """Counts what it is asked."""

    def __init__(self, **options: bool) -> None:
        super().__init__(**options)
        self.described: list[str] = []
        self.listed = 0

    def describe(self, job_ids: Sequence[str]) -> dict[str, JobDetail]:
        self.described.extend(job_ids)
        return super().describe(job_ids)

    def active(self, queues: Collection[str]) -> Iterator[JobDetail]:
        self.listed += 1
        return super().active(queues)


def watching(engine: MemoryEngine, *jobs: Job) -> tuple[Watch, list[str]]:
    watched = Watch(engine, engine.store, lambda: engine.now)
    bound = [job.bound("q", ()) for job in jobs]
    ids = engine.submit(bound)
    known = engine.describe(ids)
    for job, job_id in zip(bound, ids, strict=True):
        watched.add(job, known[job_id])
    return watched, ids


def until_done(watched: Watch, engine: MemoryEngine, interval: float = 60) -> list[Snapshot]:
    return list(
        watch(
            watched,
            engine.wait,
            interval=interval,
            busy=lambda: bool(watched.open),
            clock=lambda: engine.now,
            sleep=engine.wait,
        )
    )


def jobs(number: int) -> list[Job]:
    return [Job(f"a-{place}", command=["a", str(place)], outputs=[f"m://b/{place}"]) for place in range(number)]


def test_nothing_that_has_finished_is_asked_about_twice() -> None:
    engine = Asked()
    watched, ids = watching(engine, *jobs(10))
    engine.described.clear()
    engine.settle(ids[0])
    for _ in range(3):
        watched.poll()
    assert engine.described == ids[:1]


def test_a_poll_of_a_finished_run_asks_nothing() -> None:
    engine = Asked()
    watched, ids = watching(engine, *jobs(1))
    engine.settle(ids[0])
    watched.poll()
    listed = engine.listed
    watched.poll()
    assert engine.listed == listed


def test_a_forgotten_job_whose_outputs_are_there_has_succeeded() -> None:
    engine = MemoryEngine()
    watched, ids = watching(engine, *jobs(1))
    engine.settle(ids[0])
    engine.forget(ids[0])
    last = until_done(watched, engine)[-1]
    assert last.counts[Status.SUCCEEDED] == 1
    assert last.elapsed <= LOST_AFTER + 60


def test_a_forgotten_job_without_its_outputs_is_lost_within_a_bounded_time() -> None:
    engine = MemoryEngine()
    watched, ids = watching(engine, *jobs(1), Job("no-outputs"))
    for job_id in ids:
        engine.forget(job_id)
    last = until_done(watched, engine)[-1]
    assert last.elapsed <= LOST_AFTER + 60
    reasons = [detail.reason for detail in last.failed]
    assert reasons[0].startswith("lost: the service has forgotten this job, and outputs are missing: m://b/0")
    assert "declares no outputs to judge by" in reasons[1]


def test_a_job_that_the_service_does_not_show_for_a_moment_is_not_lost() -> None:
    engine = MemoryEngine()
    watched, ids = watching(engine, *jobs(1))
    hidden = engine._details.pop(ids[0])
    watched.poll()
    engine.now += LOST_AFTER - 1
    watched.poll()
    engine._details[ids[0]] = hidden
    engine.now += 10
    assert watched.poll().active == 1
    engine._details.pop(ids[0])
    engine.now += 5
    assert watched.poll().active == 1, "the clock of the first absence must have been reset"


def test_a_job_that_moves_between_the_listing_and_the_description_stays_active() -> None:
    engine = MemoryEngine()
    watched, ids = watching(engine, *jobs(1))
    engine.active = lambda queues: iter(())  # type: ignore[method-assign]
    assert watched.poll().active == 1
    assert ids[0] in watched.open


def test_an_hour_of_failed_polls_ends_with_the_last_error() -> None:
    engine = MemoryEngine()
    watched, _ = watching(engine, *jobs(1))

    def dead(queues: Collection[str]) -> Iterator[JobDetail]:
        raise Unreachable("the network is down")

    engine.active = dead  # type: ignore[method-assign]
    with pytest.raises(Unreachable):
        until_done(watched, engine)
    assert BLIND_AFTER <= engine.now <= BLIND_AFTER + 120


def test_an_hour_long_run_is_watched_without_waiting() -> None:
    engine = MemoryEngine(automatic=True)
    chain = jobs(1)
    for number in range(1, 60):
        chain.append(Job(f"a-{number}", command=["a", str(number)]))
    watched, ids = watching(engine, *chain[:1])
    for job in chain[1:]:
        bound = job.bound("q", ids[-1:])
        ids.extend(engine.submit([bound]))
        watched.add(bound, engine.describe(ids[-1:])[ids[-1]])
    last = until_done(watched, engine, interval=480)[-1]
    assert last.counts[Status.SUCCEEDED] == 60
    assert last.elapsed >= 3600


def test_polls_keep_a_distance_of_what_they_cost() -> None:
    engine = MemoryEngine()
    watched, ids = watching(engine, *jobs(1))
    times: list[float] = []

    def slow(queues: Collection[str]) -> Iterator[JobDetail]:
        times.append(engine.now)
        engine.now += 2
        if len(times) == 4:
            engine.settle(ids[0])
        return MemoryEngine.active(engine, queues)

    engine.active = slow  # type: ignore[method-assign]
    early = lambda seconds: None  # noqa: E731
    list(
        watch(watched, early, interval=60, busy=lambda: bool(watched.open), clock=lambda: engine.now, sleep=engine.wait)
    )
    assert {later - sooner for sooner, later in pairwise(times)} == {42}


def test_the_picture_tells_rate_and_time_left() -> None:
    engine = MemoryEngine()
    watched, ids = watching(engine, *jobs(4))
    assert watched.poll().remaining is None
    engine.now += 10
    engine.settle(ids[0])
    picture = watched.poll()
    assert (picture.rate, picture.remaining) == (0.1, 30)
    assert picture.stages == {"a": {Status.RUNNABLE: 3, Status.SUCCEEDED: 1}}


def test_a_snapshot_does_not_change_with_the_next_poll() -> None:
    engine = MemoryEngine()
    watched, ids = watching(engine, *jobs(1))
    before = watched.poll()
    engine.settle(ids[0])
    watched.poll()
    assert before.counts[Status.SUCCEEDED] == 0
    assert before.jobs[ids[0]].status is Status.RUNNABLE
    assert before.exit_code == 3


def test_the_pause_grows_while_nothing_changes_and_shrinks_when_something_does() -> None:
    engine = MemoryEngine()
    watched, ids = watching(engine, *jobs(4))
    pauses: list[float] = []

    def wait(seconds: float) -> None:
        pauses.append(seconds)
        engine.now += seconds
        if len(pauses) >= 6:
            engine.settle(ids[len(pauses) - 6])

    busy = lambda: bool(watched.open)  # noqa: E731
    list(watch(watched, wait, interval=60, busy=busy, clock=lambda: engine.now, sleep=engine.wait))
    assert pauses == [15, 30, 60, 60, 60, 60, 30, 15, 7.5]


def test_a_poll_that_fails_is_no_change_and_polls_go_on_less_often() -> None:
    engine = MemoryEngine()
    watched, ids = watching(engine, *jobs(1))
    pauses: list[float] = []

    def unreachable(queues: Collection[str]) -> Iterator[JobDetail]:
        if len(pauses) < 4:
            raise Unreachable("no network")
        engine.settle(ids[0])
        return MemoryEngine.active(engine, queues)

    engine.active = unreachable  # type: ignore[method-assign]
    busy = lambda: bool(watched.open)  # noqa: E731
    list(watch(watched, pauses.append, interval=60, busy=busy, clock=lambda: engine.now, sleep=engine.wait))
    assert pauses == [15, 30, 60, 60]


def test_nobody_waits_behind_jobs_that_cannot_be_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batch_helpers.monitor.DESCRIBED_AT_ONCE", 4)
    engine = MemoryEngine()
    watched, ids = watching(engine, *jobs(9))
    asked: list[list[str]] = []

    def failing(job_ids: Sequence[str]) -> dict[str, JobDetail]:
        asked.append(list(job_ids))
        if ids[6] in job_ids:
            raise ServiceError("this one cannot be described")
        return MemoryEngine.describe(engine, job_ids)

    for job_id in ids:
        engine.settle(job_id)
    engine.describe = failing  # type: ignore[method-assign]
    first = watched.poll()
    assert "cannot be described" in first.warning
    assert first.counts[Status.SUCCEEDED] == 4
    for _ in range(4):
        engine.now += 1
        last = watched.poll()
    assert list(watched.open) == [ids[6]]
    assert last.counts[Status.SUCCEEDED] == 8


def test_failures_of_parts_that_were_told_are_known_when_a_later_part_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batch_helpers.monitor.DESCRIBED_AT_ONCE", 1)
    engine = MemoryEngine()
    watched, ids = watching(engine, *jobs(2))

    def failing(job_ids: Sequence[str]) -> dict[str, JobDetail]:
        if ids[1] in job_ids:
            raise ServiceError("no answer")
        return MemoryEngine.describe(engine, job_ids)

    for job_id in ids:
        engine.settle(job_id, Status.FAILED, reason="x")
    engine.describe = failing  # type: ignore[method-assign]
    assert watched.poll().warning
    assert watched.newly_failed == [ids[0]]


class Telling(MemoryEngine):
    """Knows that some have ended, and not which ones."""

    array = False
    told = 0

    def look(self, queues: Collection[str], watched: Collection[str]) -> Iterator[JobDetail]:
        for number, detail in enumerate(self.active(queues)):
            yield replace(detail, status=Status.SUCCEEDED) if number < self.told else detail


def test_children_that_have_ended_as_far_as_their_number_goes_are_counted_and_stay_watched() -> None:
    engine = Telling()
    watched, ids = watching(engine, *jobs(3))
    engine.told = 2
    snapshot = watched.poll()
    assert (snapshot.counts[Status.SUCCEEDED], snapshot.counts[Status.RUNNABLE], snapshot.finished) == (2, 1, 2)
    assert list(watched.open) == ids
    assert not any(detail.status is Status.SUCCEEDED for detail in snapshot.jobs.values())
    engine.told = 0
    engine.settle(ids[2])
    snapshot = watched.poll()
    assert (snapshot.counts[Status.SUCCEEDED], snapshot.finished, len(watched.open)) == (1, 1, 2)
