"""Watching: what is asked, what is concluded, and that it always ends."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

import pytest

from batch_helpers.errors import Unreachable
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
    last = until_done(watched, engine)[-1]
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
