"""A run that recovers: what failed for a passing reason is submitted again, and what hung on it follows."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import pytest

from batch_helpers.diagnose import Cause
from batch_helpers.engines.base import Capabilities
from batch_helpers.errors import InvalidInput, InvalidJob, NotFound, SubmitFailed
from batch_helpers.events import read_events
from batch_helpers.events.again import failed_jobs
from batch_helpers.helper import BatchHelper
from batch_helpers.job import REPLACES_TAG, Job, JobDetail, Status
from batch_helpers.monitor import Snapshot
from batch_helpers.recovery import Recovery
from batch_helpers.testing import MemoryEngine

pytestmark = pytest.mark.timeout(20)
OOM = "OutOfMemoryError: Container killed due to memory usage"
SPOT = "Host EC2 (instance i-0123) terminated."
PULL = "CannotPullContainerError: i/o timeout"
Fate = Callable[[Job, int], str | None]


class Scripted(MemoryEngine):
    """Each wait ends what is ready: with the reason that `fate` gives for a job and its try, or well."""

    def __init__(self, fate: Fate, *, capabilities: Capabilities | None = None) -> None:
        super().__init__(capabilities=capabilities or Capabilities(max_dependencies=2))
        self.fate = fate

    def wait(self, seconds: float) -> None:
        self.now += seconds
        for detail in [item for item in self.active(["spot", "on-demand"]) if item.status is Status.RUNNABLE]:
            job = self.jobs[detail.job_id]
            reason = self.fate(job, sum(other.key == job.key for other in self.submitted))
            self.settle(detail.job_id, Status.FAILED if reason else Status.SUCCEEDED, reason=reason or "")


def script(engine: MemoryEngine, **options: object) -> BatchHelper:
    given: dict[str, object] = {"job_queue": "spot", "stdout": io.StringIO(), **options}
    return BatchHelper(engine, engine.store, clock=lambda: engine.now, sleep=engine.wait, **given)  # type: ignore[arg-type]


def too_small(needed: int) -> Fate:
    return lambda job, number: OOM if job.name.startswith("align") and (job.memory or 0) < needed else None


def chain(samples: int = 1) -> list[Job]:
    aligns = [
        Job(f"align-{n}", command=["align", str(n)], memory=4096, outputs=[f"m://b/{n}.bam"]) for n in range(samples)
    ]
    calls = [Job(f"call-{align.name}", command=["call", align.name], outputs=[f"m://b/{align.name}.vcf"],
                 depends_on=[align]) for align in aligns]  # fmt: skip
    return [*aligns, *calls, Job("gather", command=["gather"], outputs=["m://b/all"], depends_on=calls)]


def submissions(engine: MemoryEngine) -> Counter[str]:
    return Counter(job.name for job in engine.submitted)


def test_a_job_out_of_memory_ends_well_with_more_memory(capsys: pytest.CaptureFixture[str]) -> None:
    engine = Scripted(too_small(16384))
    helper = script(engine, memory_growth=2)
    helper.add_jobs(chain()[:1])
    summary = helper.monitor()
    assert (summary.exit_code, summary.counts[Status.SUCCEEDED], len(summary.jobs)) == (0, 1, 1)
    assert [job.memory for job in engine.submitted] == [4096, 8192, 16384]
    assert len({job.fingerprint for job in engine.submitted}) == 1
    assert "submitted again: 1 x out of memory: memory 4 GiB -> 8 GiB, e.g. align-0 as " in capsys.readouterr().err


def test_a_new_try_names_the_job_whose_place_it_takes() -> None:
    engine = Scripted(too_small(8192))
    helper = script(engine, memory_growth=2)
    first = helper.add_jobs([Job("align-0", command=["a"], memory=4096, tags={"sample": "0"})])
    helper.monitor()
    assert engine.submitted[1].tags == {"sample": "0", REPLACES_TAG: first[0]}


def test_without_growth_it_stays_failed_and_the_summary_says_what_to_do() -> None:
    helper = script(Scripted(too_small(8192)))
    helper.add_jobs(chain(3))
    summary = helper.monitor()
    assert summary.exit_code == 1
    causes = [(group.count, group.cause) for group in summary.failures]
    assert causes == [(3, Cause.OUT_OF_MEMORY), (3, Cause.UPSTREAM), (1, Cause.UPSTREAM)]
    assert str(summary.failures[0]) == (
        "3 x out of memory at 4 GiB, e.g. align-0: raise memory to 8 GiB or pass memory_growth=2"
    )


def test_what_hung_on_the_failed_try_waits_for_the_new_one() -> None:
    engine = Scripted(too_small(8192))
    helper = script(engine, memory_growth=2)
    helper.add_jobs(chain(2))
    summary = helper.monitor()
    assert summary.exit_code == 0
    assert summary.counts[Status.SUCCEEDED] == 5
    assert submissions(engine) == {"align-0": 2, "align-1": 2, "call-align-0": 2, "call-align-1": 2, "gather": 2}
    ids = {job.name: job_id for job_id, job in engine.jobs.items()}
    assert engine.jobs[ids["call-align-0"]].depends_on == (ids["align-0"],)
    assert set(engine.jobs[ids["gather"]].depends_on) == {ids["call-align-0"], ids["call-align-1"]}


def test_what_is_seen_to_fall_before_its_upstream_is_follows_too() -> None:
    class Racing(Scripted):
        """Jobs fail, and others with them, after they were listed as active and before those are."""

        def active(self, queues: Collection[str]) -> Iterator[JobDetail]:
            listed = list(super().active(queues))
            doomed = [item for item in listed if (self.jobs[item.job_id].memory or 8192) < 8192]
            for item in doomed:
                self.settle(item.job_id, Status.FAILED, reason=OOM)
            return iter(doomed or listed)

    engine = Racing(too_small(8192))
    helper = script(engine, memory_growth=2)
    helper.add_jobs(chain(2))
    assert helper.monitor().exit_code == 0
    assert submissions(engine) == {"align-0": 2, "align-1": 2, "call-align-0": 2, "call-align-1": 2, "gather": 2}


def test_a_held_job_waits_for_the_new_try() -> None:
    engine = Scripted(too_small(8192))
    helper = script(engine, memory_growth=2)
    helper.add_jobs(chain(3))
    summary = helper.monitor()
    assert summary.exit_code == 0
    assert submissions(engine)["gather"] == 1, "it waits for three jobs, and the service takes two"


def test_a_job_whose_other_upstream_stays_failed_is_not_submitted_again() -> None:
    engine = Scripted(lambda job, number: {"a": OOM if number == 1 else None, "b": "Strange"}.get(job.name))
    helper = script(engine, memory_growth=2)
    one, two = Job("a", command=["a"], memory=1), Job("b", command=["b"])
    helper.add_jobs([one, two, Job("c", command=["c"], depends_on=[one, two])])
    summary = helper.monitor()
    assert {detail.short_name for detail in summary.failed} == {"b", "c"}
    assert submissions(engine) == {"a": 2, "b": 1, "c": 1}


def test_a_job_reclaimed_too_often_goes_to_the_fallback_queue() -> None:
    engine = Scripted(lambda job, number: SPOT if job.job_queue == "spot" else None)
    helper = script(engine, recovery=Recovery(fallback_queue="on-demand", max_reclaims=2))
    helper.add_jobs(chain())
    assert helper.monitor().exit_code == 0
    queues = [job.job_queue for job in engine.submitted if job.name == "align-0"]
    assert queues == ["spot", "spot", "on-demand"]


def test_another_script_sees_what_runs_on_the_fallback_queue() -> None:
    engine = Scripted(lambda job, number: SPOT if job.job_queue == "spot" else None)
    jobs = [Job("align-0", command=["a"])]
    first = script(engine, recovery=Recovery(fallback_queue="on-demand", max_reclaims=1))
    first.add_jobs(jobs)
    engine.wait(1)
    first._watch.poll()
    first._conductor.step()
    assert [item.queue for item in engine.active(["spot", "on-demand"])] == ["on-demand"]
    again = script(engine, fallback_queue="on-demand")
    again.add_jobs(jobs)
    assert len(engine.submitted) == 2
    assert again.monitor().exit_code == 0


def test_an_image_that_cannot_be_pulled_is_tried_a_few_times() -> None:
    engine = Scripted(lambda job, number: PULL)
    helper = script(engine, recovery=Recovery(start_retries=2))
    helper.add_jobs(chain())
    summary = helper.monitor()
    assert submissions(engine) == {"align-0": 3, "call-align-0": 3, "gather": 3}
    assert summary.counts[Status.FAILED] == 3
    assert len(summary.jobs) == 3, "earlier tries do not count"


@pytest.mark.parametrize("reason", ["Essential container in task exited", "Job attempt duration exceeded timeout", "x"])
def test_an_applications_own_failure_is_final(reason: str) -> None:
    engine = Scripted(lambda job, number: reason)
    helper = script(engine, memory_growth=2, fallback_queue="on-demand")
    helper.add_jobs(chain())
    assert helper.monitor().exit_code == 1
    assert submissions(engine) == {"align-0": 1, "call-align-0": 1, "gather": 1}


def test_nothing_is_lost_when_the_script_dies_before_the_new_try() -> None:
    engine = Scripted(too_small(8192))
    script(engine, memory_growth=2).add_jobs(chain())
    engine.wait(1)
    helper = script(engine, memory_growth=2)
    helper.add_jobs(chain())
    summary = helper.monitor()
    assert summary.exit_code == 0
    assert set(engine.store.objects) == {"m://b/0.bam", "m://b/align-0.vcf", "m://b/all"}


def test_a_job_that_another_script_submitted_still_waits_for_its_upstream() -> None:
    engine = Scripted(lambda job, number: "Strange" if job.name == "align-0" else None)
    script(engine).add_jobs(chain())
    helper = script(engine)
    helper.add_jobs(chain())
    summary = helper.monitor()
    assert summary.counts[Status.FAILED] == 3
    assert set(engine.store.objects) == set(), "nothing runs without what it was to be made from"


def test_what_another_script_submitted_follows_the_new_try_too() -> None:
    engine = Scripted(too_small(8192))
    script(engine).add_jobs(chain())
    helper = script(engine, memory_growth=2)
    helper.add_jobs(chain())
    assert helper.monitor().exit_code == 0
    last = {job.name: job for job in engine.submitted}
    assert len(last["call-align-0"].depends_on) == 1


def test_what_cannot_be_submitted_now_is_submitted_at_the_next_poll(capsys: pytest.CaptureFixture[str]) -> None:
    engine, jobs = Scripted(too_small(8192)), chain(4)
    helper = script(engine, memory_growth=2)
    helper.add_jobs(jobs)
    submit, refusals = engine.submit, [1]

    def flaky(wanted: Sequence[Job]) -> list[str]:
        if refusals:
            refusals.pop()
            raise SubmitFailed("1 of 4 jobs were submitted, then: 503", {2: submit(wanted[2:3])[0]})
        return submit(wanted)

    engine.submit = flaky  # type: ignore[method-assign]
    assert helper.monitor().exit_code == 0
    assert submissions(engine)["align-2"] == 2, "what was accepted is not sent again"
    assert max(submissions(engine).values()) == 2
    assert "left for the next poll, because they could not be submitted: 1 of 4 jobs" in capsys.readouterr().err


def test_a_service_that_takes_nothing_any_more_is_an_error_after_a_while() -> None:
    engine = Scripted(too_small(8192))
    helper = script(engine, memory_growth=2)
    helper.add_jobs(chain())

    def refuse(wanted: Sequence[Job]) -> list[str]:
        raise SubmitFailed(f"0 of {len(wanted)} jobs were submitted, then: 503", {})

    engine.submit = refuse  # type: ignore[method-assign]
    with pytest.raises(SubmitFailed):
        helper.monitor()


def test_a_job_that_the_engine_cannot_give_more_stays_failed(capsys: pytest.CaptureFixture[str]) -> None:
    engine = Scripted(too_small(1 << 20))
    helper = script(engine, memory_growth=2)

    def check(jobs: Sequence[Job]) -> None:
        for job in jobs:
            if (job.memory or 0) > 8192:
                raise InvalidJob(job.name, "memory", job.memory, "this machine has 8192 MiB")

    engine.check = check  # type: ignore[method-assign]
    helper.add_jobs(chain())
    assert helper.monitor().exit_code == 1
    assert submissions(engine)["align-0"] == 2
    assert "align-0 stays failed, it cannot be submitted again: job 'align-0': memory=16384" in capsys.readouterr().err


def test_a_fallback_queue_that_does_not_exist_is_told_of_before_anything_is_submitted() -> None:
    engine = Scripted(lambda job, number: None)

    def check(jobs: Sequence[Job]) -> None:
        for job in jobs:
            if job.job_queue == "on-demnad":
                raise NotFound("job_queue='on-demnad' does not exist")

    engine.check = check  # type: ignore[method-assign]
    with pytest.raises(NotFound, match="on-demnad"):
        script(engine, fallback_queue="on-demnad").add_jobs(chain())
    assert engine.submitted == []


def test_a_policy_is_given_once() -> None:
    with pytest.raises(InvalidInput, match="memory_growth=2 is given beside recovery"):
        script(Scripted(too_small(1)), recovery=Recovery(), memory_growth=2)


def test_events_tell_what_took_the_place_of_what(tmp_path: Path) -> None:
    engine = Scripted(too_small(16384))
    helper = script(engine, memory_growth=2)
    helper.add_jobs(chain(2))
    summary = helper.monitor(events=str(tmp_path / "run.ndjson"))
    record = read_events(str(tmp_path / "run.ndjson"))
    assert len(record.entries) == len(engine.submitted)
    assert {entry.job_id for entry in record} == set(summary.jobs)
    assert record.snapshot.counts == summary.counts
    assert record.failures == []


def test_cancelled_jobs_are_not_submitted_again() -> None:
    engine = Scripted(lambda job, number: SPOT)
    helper = script(engine)
    helper.add_jobs(chain(3))
    helper.cancel()
    assert helper.monitor().counts[Status.FAILED] == 7
    assert set(submissions(engine).values()) == {1}


def broken(samples: int, **options: object) -> tuple[MemoryEngine, BatchHelper, Snapshot]:
    engine = Scripted(lambda job, number: "Strange" if job.name.startswith("align") else None)
    helper = script(engine, **options)
    firsts = [Job(f"trim-{n}", command=["trim", str(n)], outputs=[f"m://b/t{n}"]) for n in range(3)]
    last = Job("report", command=["report"], depends_on=firsts, outputs=["m://b/report"])
    helper.add_jobs([*chain(samples)[:samples], *firsts, last])
    return engine, helper, helper.monitor(max_failures=0.5)


def test_a_run_pauses_when_too_much_of_it_fails_alike(capsys: pytest.CaptureFixture[str]) -> None:
    engine, helper, summary = broken(5)
    assert summary.exit_code == 1
    assert summary.paused.startswith("paused: 5 of 9 jobs (55.6%) failed alike: 5 x unknown, e.g. align-0: ")
    assert "1 jobs are held back. Mend it and run the same script again" in summary.paused
    assert summary.paused in capsys.readouterr().err
    assert [job.name for job in summary.held] == ["report"]
    assert "report" not in submissions(engine)
    assert summary.paused in str(helper._stdout.getvalue())  # type: ignore[union-attr]


def test_what_is_added_to_a_paused_run_is_held_back_until_it_is_resumed() -> None:
    engine, helper, _ = broken(5)
    before = len(engine.submitted)
    assert helper.add_jobs([Job("more", command=["more"])]) != [None]
    assert len(engine.submitted) == before
    assert helper.monitor(max_failures=0.5).exit_code == 1
    assert len(engine.submitted) == before
    summary = helper.monitor()
    assert submissions(engine)["more"] == submissions(engine)["report"] == 1
    assert (summary.paused, summary.counts[Status.SUCCEEDED], summary.counts[Status.FAILED]) == ("", 5, 5)


def test_failures_that_are_tried_again_do_not_pause_a_run() -> None:
    engine = Scripted(too_small(8192))
    helper = script(engine, memory_growth=2)
    helper.add_jobs(chain(5))
    summary = helper.monitor(max_failures=0.05)
    assert (summary.paused, summary.exit_code) == ("", 0)


def test_a_paused_run_submits_nothing_again_and_does_when_it_is_resumed() -> None:
    fates = {"align": "Strange", "trim": OOM}
    engine = Scripted(lambda job, number: fates[job.name.partition("-")[0]] if number == 1 else None)
    helper = script(engine, memory_growth=2)
    trims = [Job(f"trim-{n}", command=["trim", str(n)], memory=100) for n in range(2)]
    helper.add_jobs([*chain(3)[:3], *trims])
    summary = helper.monitor(max_failures=0.5)
    assert summary.paused
    assert "2 jobs are held back" in summary.paused
    assert set(submissions(engine).values()) == {1}
    assert helper.monitor().counts[Status.SUCCEEDED] == 2
    assert submissions(engine)["trim-0"] == 2


def test_a_share_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(InvalidInput, match="max_failures=5"):
        script(Scripted(too_small(1))).monitor(max_failures=5)


def test_what_is_added_again_in_the_same_script_takes_the_place_of_its_failed_try(tmp_path: Path) -> None:
    engine = Scripted(lambda job, number: "Strange" if number == 1 else None)
    helper, events = script(engine), str(tmp_path / "run.ndjson")
    helper.add_jobs(chain())
    assert helper.monitor(events=events).counts[Status.FAILED] == 3
    helper.add_jobs(chain())
    summary = helper.monitor(events=events)
    assert (summary.exit_code, summary.counts[Status.SUCCEEDED], len(summary.jobs)) == (0, 3, 3)
    assert read_events(events).snapshot.counts == summary.counts


def test_a_script_that_is_run_again_into_the_same_events_counts_each_work_once(tmp_path: Path) -> None:
    engine, events = Scripted(lambda job, number: "Strange" if number == 1 else None), str(tmp_path / "run.ndjson")
    for _ in range(2):
        helper = script(engine)
        helper.add_jobs(chain())
        summary = helper.monitor(events=events)
    record = read_events(events)
    assert summary.exit_code == 0
    assert (record.snapshot.counts, record.failures) == (summary.counts, [])
    assert len(record.entries) == 6, "the failed tries are kept, and were paid for"


def test_a_retry_from_the_events_begins_with_the_memory_that_was_reached(tmp_path: Path) -> None:
    engine, events = Scripted(too_small(1 << 20)), str(tmp_path / "run.ndjson")
    helper = script(engine, memory_growth=2, memory_cap=16384)
    helper.add_jobs(chain()[:1])
    last = next(iter(helper.monitor(events=events).jobs))
    (again,) = failed_jobs(read_events(events))
    assert (again.memory, again.tags[REPLACES_TAG]) == (16384, last)
