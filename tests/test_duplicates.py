"""Two live jobs of the same work: whoever sees them leaves one, and what hung on the other follows."""

from __future__ import annotations

import io
import itertools
from collections.abc import Collection, Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_helpers.duplicates import kept_instead, together, twins
from batch_helpers.errors import AccessDenied
from batch_helpers.helper import BatchHelper
from batch_helpers.job import Job, JobDetail, Status
from batch_helpers.monitor import LOST_AFTER
from batch_helpers.testing import MemoryEngine


def detail(job_id: str, status: Status, created: float | None = 0) -> JobDetail:
    return JobDetail(job_id, "a-0123456789abcdef", status, created_at=created)


def test_the_one_furthest_along_is_kept() -> None:
    found = twins([detail("a", Status.RUNNABLE, 1), detail("b", Status.RUNNING, 2), detail("c", Status.STARTING, 0)])
    assert found.kept.job_id == "b"
    waiting, started = ([rival.job_id for _, rival in found.rivals(started=started)] for started in (False, True))
    assert (waiting, started) == (["a"], ["c"])


def test_on_a_tie_the_older_one_is_kept_whoever_looks() -> None:
    same = [detail("b", Status.RUNNABLE, 2), detail("a", Status.RUNNABLE, 2), detail("c", Status.RUNNABLE, 1)]
    assert {twins(order).kept.job_id for order in itertools.permutations(same)} == {"c"}
    assert {twins(order).kept.job_id for order in itertools.permutations(same[:2])} == {"a"}
    assert twins([detail("x", Status.RUNNABLE, None), detail("y", Status.RUNNABLE, 5)]).kept.job_id == "y"


def test_the_reason_tells_which_one_was_kept() -> None:
    found = twins([detail("a", Status.RUNNING), detail("b", Status.RUNNABLE)])
    reason = found.reason(found.others[0]) + "; Essential container in task exited"
    assert kept_instead(JobDetail("b", "n", Status.FAILED, reason=reason)) == "a"
    assert kept_instead(JobDetail("b", "n", Status.FAILED, reason="out of memory")) is None
    assert kept_instead(JobDetail("b", "n", Status.RUNNABLE, reason=reason)) is None


def chain() -> list[Job]:
    one = Job("one", command=["1"], outputs=["m://b/1"])
    two = Job("two", command=["2"], outputs=["m://b/2"], depends_on=[one])
    return [one, two, Job("three", command=["3"], outputs=["m://b/3"], depends_on=[two])]


def script(engine: MemoryEngine, out: io.StringIO | None = None) -> BatchHelper:
    return BatchHelper(
        engine, engine.store, job_queue="q", clock=lambda: engine.now, sleep=engine.wait, stdout=out or io.StringIO()
    )


def blind(engine: MemoryEngine, jobs: list[Job]) -> BatchHelper:
    """A script that was started in the same second as another: it saw nothing of the other's."""
    helper, active = script(engine), engine.active
    engine.active = lambda queues: iter(())  # type: ignore[method-assign]
    try:
        helper.add_jobs(jobs)
    finally:
        engine.active = active  # type: ignore[method-assign]
    return helper


def runs(engine: MemoryEngine) -> dict[str, int]:
    """How often each job really ran to its end."""
    ended = [item for item in engine.describe(list(engine.jobs)).values() if item.status is Status.SUCCEEDED]
    return {name: sum(item.short_name == name for item in ended) for name in ("one", "two", "three")}


def test_two_scripts_in_the_same_second_end_in_one_run_of_each_job(capsys: pytest.CaptureFixture[str]) -> None:
    engine = MemoryEngine(unique=False, automatic=True)
    first, second = blind(engine, chain()), blind(engine, chain())
    assert len(engine.submitted) == 6
    assert first.monitor().exit_code == 0
    assert second.monitor().exit_code == 0
    assert runs(engine) == {"one": 1, "two": 1, "three": 1}
    assert "one was submitted twice: " in capsys.readouterr().err


def test_what_hung_on_a_duplicate_is_submitted_again_behind_the_one_that_was_kept() -> None:
    engine = MemoryEngine(unique=False)
    one, two, _ = chain()
    older = blind(engine, [one])
    newer = blind(engine, [one, two])
    engine.now = 1
    older._watch.poll()
    older._conductor.step()
    newer._watch.poll()
    newer._conductor.step()
    live = {item.short_name: item for item in engine.active(["q"])}
    assert set(live) == {"one", "two"}
    assert engine.jobs[live["two"].job_id].depends_on == (live["one"].job_id,)


def test_what_fell_with_an_upstream_that_was_still_listed_as_active_stays_failed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Racing(MemoryEngine):
        """The first job fails, and the others with it, after it was listed and before they are."""

        def active(self, queues: Collection[str]) -> Iterator[JobDetail]:
            listed = [item for item in super().active(queues) if item.short_name == "one"]
            for item in listed:
                self.settle(item.job_id, Status.FAILED)
            return iter(listed)

    engine = Racing()
    helper = script(engine)
    helper.add_jobs(chain())
    summary = helper.monitor()
    assert [item.short_name for item in summary.failed] == ["one", "two", "three"]
    assert len(engine.submitted) == 3
    assert "again" not in capsys.readouterr().err


def test_a_duplicate_that_runs_already_is_left_alone() -> None:
    engine = MemoryEngine(unique=False)
    one = chain()[0]
    first, second = blind(engine, [one]), blind(engine, [one])
    for job_id in engine.jobs:
        engine.advance(job_id, Status.RUNNING)
    first._watch.poll()
    first._conductor.step()
    assert len(list(engine.active(["q"]))) == 2
    assert len(second._watch.open) == 1


def both_started(engine: MemoryEngine) -> tuple[BatchHelper, BatchHelper]:
    one, two, _ = chain()
    scripts = blind(engine, [one, two]), blind(engine, [one, two])
    for job_id, job in engine.jobs.items():
        if job.name == "one":
            engine.advance(job_id, Status.RUNNING)
    return scripts


def test_a_duplicate_that_runs_already_is_told_of_once(capsys: pytest.CaptureFixture[str]) -> None:
    engine = MemoryEngine(unique=False)
    helper, _ = both_started(engine)
    for _ in range(3):
        helper._watch.poll()
        helper._conductor.step()
    told = capsys.readouterr().err
    assert told.count("one runs twice: ") == 1
    assert "monitor(end_duplicates=True)" in told


def test_a_duplicate_that_runs_already_is_ended_when_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    engine = MemoryEngine(unique=False, automatic=True)
    first, second = both_started(engine)
    assert first.monitor(end_duplicates=True).exit_code == 0
    assert second.monitor(end_duplicates=True).exit_code == 0
    assert runs(engine) == {"one": 1, "two": 1, "three": 0}
    assert "one was submitted twice: " in capsys.readouterr().err


def test_a_duplicate_that_may_not_be_ended_stops_nobody_and_is_told_of_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Guarded(MemoryEngine):
        def cancel(self, job_ids: Sequence[str], reason: str) -> None:
            raise AccessDenied("not yours")

    engine = Guarded(unique=False)
    one = chain()[0]
    for _ in range(2):
        blind(engine, [one])
    helper = script(engine)
    assert helper.add_jobs([one]) == [next(iter(engine.jobs))]
    for _ in range(3):
        helper._watch.poll()
        helper._conductor.step()
    assert capsys.readouterr().err.count("could not be cancelled: not yours") == 1


def test_a_plan_reuses_the_one_that_will_be_kept() -> None:
    engine = MemoryEngine(unique=False)
    one = chain()[0]
    blind(engine, [one])
    engine.now = 5
    blind(engine, [one])
    oldest = next(iter(engine.jobs))
    assert script(engine).add_jobs([one]) == [oldest]


def test_a_third_script_that_finds_two_ends_the_later_one_when_it_adds_the_job(
    capsys: pytest.CaptureFixture[str],
) -> None:
    engine = MemoryEngine(unique=False)
    one = chain()[0]
    blind(engine, [one])
    second = blind(engine, [one])
    kept, later = engine.jobs
    third = script(engine)
    third.plan([one])
    assert len(list(engine.active(["q"]))) == 2, "a plan changes nothing"
    assert third.add_jobs([one]) == [kept]
    assert [item.job_id for item in engine.active(["q"])] == [kept]
    assert f"one was submitted twice: {kept} is kept, {later} cancelled" in capsys.readouterr().err
    second._watch.poll()
    second._conductor.step()
    assert list(second._watch.open) == [kept]


def test_duplicates_that_a_plan_has_seen_long_ago_are_forgotten(capsys: pytest.CaptureFixture[str]) -> None:
    engine = MemoryEngine(unique=False)
    one = chain()[0]
    for _ in range(2):
        blind(engine, [one])
    helper = script(engine)
    helper.plan([one])
    for job_id in list(engine.jobs):
        engine.settle(job_id, Status.FAILED)
    helper.monitor()
    blind(engine, [one])
    assert helper.add_jobs([one]) == [list(engine.jobs)[-1]]
    assert "twice" not in capsys.readouterr().err


def test_two_that_ended_each_other_are_followed_by_a_new_one() -> None:
    engine = MemoryEngine(unique=False)
    one = chain()[0]
    first, second = blind(engine, [one]), blind(engine, [one])
    ids = list(engine.jobs)
    engine.settle(ids[0], Status.FAILED, reason=f"duplicate of {ids[1]}")
    engine.settle(ids[1], Status.FAILED, reason=f"duplicate of {ids[0]}")
    engine.automatic = True
    assert first.monitor().exit_code == 0
    assert second.monitor().exit_code == 0


@pytest.mark.parametrize("forgotten", [True, False])
def test_a_job_that_failed_gives_way_to_a_live_one_that_another_script_has_submitted_since(forgotten: bool) -> None:
    engine = MemoryEngine(unique=False)
    one = chain()[0]
    first = blind(engine, [one])
    (lost,) = engine.jobs
    if forgotten:
        engine.forget(lost)
    else:
        engine.settle(lost, Status.FAILED, reason="out of luck")
    second = blind(engine, [one])
    if forgotten:
        first._watch.poll()
        engine.now += LOST_AFTER
    engine.automatic = True
    assert first.monitor().exit_code == 0
    assert second.monitor().exit_code == 0


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_interleaving_of_two_scripts_ends_with_one_effective_run_of_each_job(data: st.DataObject) -> None:
    engine = MemoryEngine(unique=False)
    helpers = [blind(engine, chain()), blind(engine, chain())]
    for _ in range(40):
        live = [item for item in engine.active(["q"]) if item.status is not Status.PENDING]
        moves = ["poll-0", "poll-1", *(f"move {item.job_id}" for item in live)]
        move = data.draw(st.sampled_from(moves))
        engine.now += 1
        if move.startswith("poll"):
            helper = helpers[int(move[-1])]
            helper._watch.poll()
            helper._conductor.step()
        else:
            job_id = move.split()[1]
            status = engine.describe([job_id])[job_id].status
            following = {Status.RUNNABLE: Status.STARTING, Status.STARTING: Status.RUNNING}
            if status in following:
                engine.advance(job_id, following[status])
            else:
                engine.settle(job_id)
    engine.automatic = True
    assert helpers[0].monitor().exit_code == 0
    assert helpers[1].monitor().exit_code == 0
    assert set(engine.store.objects) == {"m://b/1", "m://b/2", "m://b/3"}
    left = {item.status for item in engine.active(["q"])}
    assert left <= {Status.STARTING, Status.RUNNING}, "only what had started may go on beside its twin"


def test_children_that_give_way_to_those_of_another_array_with_their_index_are_told_so_together() -> None:
    def child(parent: str, index: int, key: str, born: int) -> JobDetail:
        return JobDetail(f"{parent}:{index}", f"n-{key * 16}", Status.RUNNABLE, created_at=born)

    pairs = [twins([child("old", n, key, 1), child("new", n, key, 2)]) for n, key in enumerate("abc")]
    crossed = twins([child("old", 3, "d", 1), child("new", 0, "d", 2)])
    groups = together(pair for item in [*pairs, crossed] for pair in item.rivals(started=False))
    told = {reason: [rival.job_id for _, rival in rivals] for reason, rivals in groups.items()}
    assert told == {"duplicate of old:*": ["new:0", "new:1", "new:2"], "duplicate of old:3": ["new:0"]}
    ended = JobDetail("new:2", "n", Status.FAILED, reason="duplicate of old:*; Essential container in task exited")
    assert kept_instead(ended) == "old:2"
