"""The conductor, on the engine and the store that live in memory."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pytest

from batch_helpers.engine_helpers import connect
from batch_helpers.engines.base import Capabilities
from batch_helpers.errors import (
    CredentialsError,
    InvalidInput,
    InvalidJob,
    OutputConflict,
    SubmitFailed,
    UnknownDependency,
    Unreachable,
)
from batch_helpers.events import read_events
from batch_helpers.helper import BatchHelper
from batch_helpers.job import Job, Status
from batch_helpers.monitor import Snapshot
from batch_helpers.output import Output
from batch_helpers.plan import Action
from batch_helpers.testing import MemoryEngine, MemoryStore


class World:
    """A service and a store that outlive the scripts (helpers) that talk to them."""

    def __init__(self, capabilities: Capabilities | None = None, *, automatic: bool = True) -> None:
        self.store = MemoryStore()
        self.engine = MemoryEngine(self.store, automatic=automatic, capabilities=capabilities)
        self.printed = io.StringIO()

    def script(self, **options: object) -> BatchHelper:
        clock = lambda: self.engine.now  # noqa: E731
        return BatchHelper(
            self.engine,
            self.store,
            clock=clock,
            sleep=self.engine.wait,
            stdout=self.printed,
            **{"job_queue": "q", **options},  # type: ignore[arg-type]
        )

    @property
    def names(self) -> list[str]:
        return [job.name for job in self.engine.submitted]


@pytest.fixture
def world() -> World:
    return World()


def cohort(size: int = 3) -> list[Job]:
    trims = [Job(f"trim-{n}", command=["trim", str(n)], outputs=[f"m://b/trim/{n}"]) for n in range(size)]
    aligns = [
        Job(f"align-{n}", command=["align", str(n)], outputs=[f"m://b/align/{n}"], depends_on=[trims[n]])
        for n in range(size)
    ]
    return [*trims, *aligns, Job("gather", command=["gather"], outputs=["m://b/all"], depends_on=aligns)]


def test_a_cohort_runs_and_runs_again_without_submitting_anything(world: World) -> None:
    first = world.script()
    assert all(first.add_jobs(cohort()))
    assert first.monitor().exit_code == 0
    again = world.script()
    assert again.add_jobs(cohort()) == [None] * 7
    assert again.monitor().decisions[Action.SKIP] == 7
    assert len(world.engine.submitted) == 7
    assert "all 7 jobs skipped: their outputs exist; nothing was submitted" in world.printed.getvalue()


def test_deleting_one_output_runs_only_what_hangs_on_it(world: World) -> None:
    script = world.script()
    script.add_jobs(cohort())
    script.monitor()
    world.store.delete(["m://b/align/1"])
    world.engine.submitted.clear()
    world.script().add_jobs(cohort())
    assert world.names == ["align-1", "gather"]


def test_a_second_script_reuses_what_the_first_one_left_running(world: World) -> None:
    first = world.script().add_jobs(cohort())
    second = world.script()
    assert second.add_jobs(cohort()) == first
    assert second.monitor().decisions[Action.REUSE] == 7
    assert len(world.engine.submitted) == 7


def test_jobs_added_one_by_one_are_the_same_as_all_at_once(world: World) -> None:
    script = world.script()
    for number in range(2):
        trim = script.add_job(f"trim-{number}", command=["trim", str(number)], outputs=[f"m://b/trim/{number}"])
        script.add_job(
            f"align-{number}",
            command=["align", str(number)],
            outputs=[f"m://b/align/{number}"],
            depends_on=[trim, None],
        )
    assert world.engine.submitted[1].depends_on == (trim if number == 0 else world.engine.submitted[1].depends_on[0],)
    assert script.monitor().exit_code == 0
    again = world.script()
    assert again.add_job("trim-0", command=["trim", "0"], outputs=["m://b/trim/0"]) is None


def test_one_by_one_too_what_is_made_from_something_remade_runs_again(world: World) -> None:
    world.store.write("m://b/align/0", b"old")
    script = world.script()
    trim = script.add_job("trim-0", command=["trim", "0"], outputs=["m://b/trim/0"])
    assert script.add_job("align-0", command=["align", "0"], outputs=["m://b/align/0"], depends_on=[trim]) is not None


def test_the_same_job_added_twice_is_one_job(world: World) -> None:
    script = world.script()
    one = script.add_job("a", command=["a"], outputs=["m://b/a"])
    assert script.add_job("a", command=["a"], outputs=["m://b/a"], memory=9000) == one
    assert script.monitor().decisions[Action.SUBMIT] == 1


def test_the_engine_is_asked_before_the_store(world: World) -> None:
    """A job that ends between the two questions must not look missing and inactive at once."""
    job = Job("a", command=["a"], outputs=["m://b/a"])
    job_id = world.script().add_jobs([job])[0]
    assert job_id is not None
    find = world.store.find
    world.store.find = lambda uris: (world.engine.settle(job_id), find(uris))[1]  # type: ignore[method-assign, func-returns-value]
    world.script().add_jobs([job])
    assert len(world.engine.submitted) == 1


def test_a_job_found_active_may_end_before_it_is_watched(world: World) -> None:
    world.engine.automatic = False
    job = Job("a", command=["a"], outputs=["m://b/a"])
    job_id = world.script().add_jobs([job])[0]
    script = world.script()
    script.add_jobs([job])
    world.engine.settle(str(job_id))
    assert script.monitor().counts[Status.SUCCEEDED] == 1


def test_nothing_is_submitted_when_two_jobs_of_a_batch_conflict(world: World) -> None:
    with pytest.raises(OutputConflict):
        world.script().add_jobs(
            [Job("ok"), Job("a", command=["a"], outputs=["m://b/x"]), Job("b", command=["b"], outputs=["m://b/x"])]
        )
    assert world.names == []


def test_nothing_is_submitted_when_the_engine_refuses_one_job_of_a_batch(world: World) -> None:
    def check(jobs: Sequence[Job]) -> None:
        raise InvalidJob(jobs[-1].name, "timeout", 3, "at least 60 s")

    world.engine.check = check  # type: ignore[method-assign]
    with pytest.raises(InvalidJob):
        world.script().add_jobs(cohort())
    assert world.names == []


def test_no_queue_anywhere_is_an_error_that_names_the_job(world: World) -> None:
    with pytest.raises(InvalidJob, match="job 'a': job_queue=None: no queue"):
        world.script(job_queue=None).add_job("a")


def test_a_jobs_own_queue_goes_before_the_helpers(world: World) -> None:
    world.script().add_jobs([Job("a", command=["a"], job_queue="other"), Job("b", command=["b"])])
    assert [job.job_queue for job in world.engine.submitted] == ["other", "q"]


def test_an_active_job_is_found_in_whichever_of_the_named_queues_it_is(world: World) -> None:
    jobs = [Job("a", command=["a"], job_queue="one"), Job("b", command=["b"], job_queue="two")]
    assert world.script().add_jobs(jobs) == world.script().add_jobs(jobs)


def test_an_unknown_job_id_is_an_error_and_a_name_gets_a_hint(world: World) -> None:
    with pytest.raises(UnknownDependency, match="'b' depends on 'nope', which is no jobId that 'memory' knows"):
        world.script().add_job("b", depends_on=["nope"])
    with pytest.raises(UnknownDependency, match="it is the name of a job of this call: pass the Job itself"):
        world.script().add_jobs([Job("a", command=["a"]), Job("b", depends_on=["a"])])


def test_an_unknown_field_and_a_thing_that_is_no_job_are_errors_of_ours(world: World) -> None:
    with pytest.raises(InvalidInput, match="outptus"):
        world.script().add_job("a", outptus=["m://b/x"])
    with pytest.raises(InvalidInput, match="is not a Job"):
        world.script().add_jobs(["a"])  # type: ignore[list-item]
    with pytest.raises(InvalidInput, match="engine 'slurm' is not known; there are: local, aws, azure"):
        connect("slurm")
    with pytest.raises(InvalidInput, match="interval"):
        world.script().monitor(interval=0)


def test_a_dry_run_submits_nothing_and_its_ids_can_be_depended_on(world: World) -> None:
    script = world.script(dry_run=True)
    first = script.add_job("a", command=["a"], outputs=["m://b/a"])
    assert script.add_job("b", command=["b"], outputs=["m://b/b"], depends_on=[first]) is not None
    summary = script.monitor()
    assert (world.names, summary.exit_code) == ([], 0)
    assert "dry run: 0 skipped, 0 reused, 2 would be submitted; nothing was" in world.printed.getvalue()


def test_plan_submits_nothing_and_remembers_nothing(world: World) -> None:
    script = world.script()
    assert script.plan(cohort()).counts[Action.SUBMIT] == 7
    assert world.names == []
    assert all(script.add_jobs(cohort()))


def test_a_failed_job_makes_the_run_fail_and_is_shown_with_its_log(world: World) -> None:
    world.engine.automatic = False
    script = world.script()
    ids = script.add_jobs([Job("bad-1", command=["bad"]), Job("good-1", command=["good"])])
    world.engine.log_lines[str(ids[0])] = [f"line {number}" for number in range(9)] + ["\x1b[31mred"]
    world.engine.settle(str(ids[0]), Status.FAILED, reason="it broke", exit_code=3)
    world.engine.settle(str(ids[1]))
    summary = script.monitor()
    assert summary.exit_code == 1
    assert [detail.short_name for detail in summary.failed] == ["bad-1"]
    printed = world.printed.getvalue()
    assert "FAILED bad-1" in printed
    assert "it broke, exit code 3" in printed
    assert "line 4" not in printed
    assert "line 8" in printed
    assert "\x1b" not in printed
    assert "0 skipped, 0 reused, 2 submitted: 1 succeeded, 1 failed" in printed


def test_a_success_without_its_outputs_is_a_failure_with_its_own_name(world: World) -> None:
    world.engine.automatic = False
    script = world.script()
    job_id = script.add_job("a", command=["a"], outputs=["m://b/a", "m://b/b"])
    world.engine.settle(str(job_id))
    world.store.delete(["m://b/b"])
    summary = script.monitor()
    assert summary.failed[0].reason == "missing outputs: m://b/b"
    assert summary.exit_code == 1


def test_more_dependencies_than_the_service_takes_are_held_until_few_enough_are_left() -> None:
    world = World(Capabilities(max_dependencies=20))
    script = world.script()
    jobs = cohort(30)
    ids = script.add_jobs(jobs)
    assert "gather" not in world.names
    assert str(ids[-1]).startswith("held:")
    report = script.add_job("report", command=["r"], outputs=["m://b/report"], depends_on=[ids[-1]])
    assert str(report).startswith("held:")
    summary = script.monitor()
    assert world.names[-2:] == ["gather", "report"]
    assert all(len(job.depends_on) <= 20 for job in world.engine.submitted)
    assert (summary.exit_code, summary.counts[Status.SUCCEEDED]) == (0, 62)
    assert summary.decisions[Action.HOLD] == 2


def test_a_held_job_added_again_stays_one_job() -> None:
    world = World(Capabilities(max_dependencies=2))
    script = world.script()
    jobs = cohort(3)
    assert script.add_jobs(jobs)[-1] == script.add_jobs(jobs)[-1]
    script.monitor()
    assert world.names.count("gather") == 1


def test_a_held_job_whose_upstream_failed_is_never_submitted_and_counts_as_failed() -> None:
    world = World(Capabilities(max_dependencies=2), automatic=False)
    script = world.script()
    ids = script.add_jobs(cohort(3))
    script.add_job("report", command=["r"], outputs=["m://b/report"], depends_on=[ids[-1]])
    for job_id in ids[:5]:
        world.engine.settle(str(job_id))
    world.engine.settle(str(ids[5]), Status.FAILED, reason="broken")
    summary = script.monitor()
    assert "gather" not in world.names
    reasons = {detail.short_name: detail.reason for detail in summary.failed}
    assert reasons["gather"] == "Dependent Job failed: align-2; this job was not submitted"
    assert reasons["report"] == "Dependent Job failed: gather; this job was not submitted"
    assert summary.exit_code == 1


def test_a_run_that_stops_with_held_jobs_loses_nothing() -> None:
    world = World(Capabilities(max_dependencies=2))
    world.script().add_jobs(cohort(3))
    again = world.script()
    again.add_jobs(cohort(3))
    assert again.monitor().exit_code == 0
    assert world.names.count("gather") == 1


def test_dependants_that_run_either_way_start_when_a_job_has_failed() -> None:
    world = World(Capabilities())
    script = world.script()
    first = Job("first", command=["f"], outputs=["m://b/first"], run_dependents_on_fail=True)
    cleanup = Job("cleanup", command=["c"], outputs=["m://b/cleanup"], depends_on=[first])
    ids = script.add_jobs([first, cleanup])
    assert world.names == ["first"]
    world.engine.settle(str(ids[0]), Status.FAILED)
    summary = script.monitor()
    assert world.names == ["first", "cleanup"]
    assert summary.counts[Status.SUCCEEDED] == 1


def test_cancel_ends_the_jobs_of_this_run_and_drops_the_held_ones() -> None:
    world = World(Capabilities(max_dependencies=2), automatic=False)
    script = world.script()
    stranger = world.script().add_job("stranger", command=["s"])
    script.add_jobs(cohort(3))
    assert len(script.cancel()) == 6
    summary = script.monitor()
    assert (summary.counts[Status.FAILED], summary.held) == (7, ())
    assert world.engine.describe([str(stranger)])[str(stranger)].status.active


def test_a_new_script_cancels_the_jobs_that_it_is_given() -> None:
    world = World(automatic=False)
    ids = world.script().add_jobs(cohort(2))
    assert world.script().cancel(cohort(2)) == ids
    assert not list(world.engine.active(["q"]))
    assert world.script().cancel(cohort(2)) == []


def test_ctrl_c_detaches_and_says_how_to_come_back(world: World) -> None:
    script = world.script()
    script.add_jobs(cohort())

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    world.engine.wait = interrupted  # type: ignore[method-assign]
    summary = script.monitor()
    assert (summary.exit_code, summary.active) == (130, 7)
    last = world.printed.getvalue().strip().splitlines()[-1]
    assert last == "Detached: 7 jobs go on. Run the same script again to come back; helper.cancel() ends them."


def test_a_poll_that_fails_is_a_warning_and_refused_credentials_are_an_error(world: World) -> None:
    script = world.script()
    script.add_jobs(cohort())
    active, failures = world.engine.active, [Unreachable("no route"), Unreachable("no route")]

    def flaky(queues: Sequence[str]) -> object:
        if failures:
            world.engine.now += 100
            raise failures.pop()
        return active(queues)

    world.engine.active = flaky  # type: ignore[method-assign, assignment]
    assert script.monitor().exit_code == 0
    assert "warning: this picture is an older one: no route" in world.printed.getvalue()
    again = world.script()
    world.store.delete(["m://b/all"])
    again.add_jobs(cohort())
    failures.append(CredentialsError("expired"))  # type: ignore[arg-type]
    with pytest.raises(CredentialsError):
        again.monitor()


def test_a_submission_that_stops_on_the_way_keeps_what_was_accepted(world: World) -> None:
    submit = world.engine.submit

    def half(jobs: Sequence[Job]) -> list[str]:
        raise SubmitFailed("the line went dead", {0: submit(jobs[:1])[0]})

    world.engine.submit = half  # type: ignore[method-assign]
    script = world.script()
    with pytest.raises(SubmitFailed):
        script.add_jobs([Job("a", command=["a"]), Job("b", command=["b"])])
    world.engine.submit = submit  # type: ignore[method-assign]
    assert len(script.cancel()) == 1


def test_after_monitor_the_world_is_asked_anew(world: World) -> None:
    script = world.script()
    script.add_jobs(cohort())
    script.monitor()
    assert script.add_jobs(cohort()) == [None] * 7
    world.store.delete(["m://b/trim/0"])
    assert world.names.count("trim-0") == 1
    script.add_jobs(cohort())
    assert world.names.count("trim-0") == 2


def test_an_empty_run_is_no_error(world: World) -> None:
    script = world.script()
    assert script.add_jobs([]) == []
    assert isinstance(script.monitor(), Snapshot)


def test_the_table_has_a_row_for_each_stage_and_their_total(world: World) -> None:
    script = world.script()
    script.add_jobs(cohort())
    script.monitor()
    printed = world.printed.getvalue()
    for row in ("stage", "trim", "align", "gather", "total"):
        assert any(line.startswith(row) for line in printed.splitlines()), row


def test_a_run_writes_its_events_and_they_tell_it_again(world: World, tmp_path: Path) -> None:
    path = str(tmp_path / "run.ndjson")
    script = world.script()
    script.add_jobs(cohort())
    script.monitor(events=path)
    record = read_events(path)
    assert record.snapshot.counts[Status.SUCCEEDED] == 7


def test_a_success_whose_outputs_do_not_count_is_a_failure_with_the_reason(world: World) -> None:
    world.engine.automatic = False
    outputs = [Output("m://b/s1.bam", min_size=9), Output("m://b/parts/", count=3)]
    helper = world.script()
    job_id = helper.add_job("s1", command=["make"], outputs=outputs)
    assert job_id is not None
    world.engine.settle(job_id)
    world.store.write("m://b/s1.bam", b"short")
    world.store.delete(["m://b/parts/part-00001"])
    (failed,) = helper.monitor().failed
    assert failed.reason == "missing outputs: m://b/s1.bam is too small: 5 bytes, wants 9, and 1 more"
    reasons = [decision.reason for decision in world.script().plan([Job("s1", command=["make"], outputs=outputs)])]
    assert reasons[0].endswith("outputs missing: m://b/s1.bam is too small: 5 bytes, wants 9 (2 of 2)")


def test_a_forgotten_job_is_judged_by_what_its_outputs_must_be(world: World) -> None:
    world.engine.automatic = False
    helper = world.script()
    job_id = helper.add_job("s1", command=["make"], outputs=[Output("m://b/parts/", marker="_SUCCESS")])
    assert job_id is not None
    world.store.write("m://b/parts/half", b"")
    world.engine.forget(job_id)
    (failed,) = helper.monitor().failed
    assert "lost" in failed.reason
    assert "m://b/parts/ has no _SUCCESS" in failed.reason


def test_a_dependant_lost_with_its_script_runs_again_when_its_output_is_older_than_its_input(world: World) -> None:
    def pair(*, dated: bool) -> list[Job]:
        align = Job("align", command=["a"], outputs=["m://b/bam"])
        return [
            align,
            Job("call", command=["c"], inputs=["m://b/bam"], outputs=["m://b/vcf"], depends_on=[align],
                newer_than_inputs=dated),
        ]  # fmt: skip

    world.store.write("m://b/vcf", b"made from an earlier bam")
    jobs = pair(dated=True)
    assert [str(decision.action) for decision in world.script().plan(jobs)] == ["submit", "submit"]
    world.script().add_jobs(jobs[:1])  # and here the script is killed
    world.engine.wait(1)
    assert [str(decision.action) for decision in world.script().plan(pair(dated=False))] == ["skip", "skip"]
    told = [str(decision) for decision in world.script().plan(pair(dated=True))]
    assert told == ["skip: its output exists", "submit: out of date: m://b/vcf is older than its input m://b/bam"]
    helper = world.script()
    helper.add_jobs(pair(dated=True))
    assert helper.monitor().exit_code == 0
    assert [decision.action for decision in world.script().plan(pair(dated=True))] == [Action.SKIP] * 2


def test_a_success_that_leaves_its_old_output_is_a_failure_where_it_must_be_newer(world: World) -> None:
    world.engine.automatic = False
    world.store.write("m://b/bam", b"old")
    world.store.write("m://b/fq", b"new")
    helper = world.script()
    job_id = helper.add_job("s1", command=["a"], inputs=["m://b/fq"], outputs=["m://b/bam"], newer_than_inputs=True)
    assert job_id is not None
    written, world.store.write = world.store.write, lambda *_args, **_options: True  # type: ignore[method-assign]
    world.engine.settle(job_id)
    world.store.write = written  # type: ignore[method-assign]
    (failed,) = helper.monitor().failed
    assert failed.reason == "missing outputs: out of date: m://b/bam is older than its input m://b/fq"


def test_the_option_for_arrays_has_no_effect_where_there_are_none(tmp_path: Path) -> None:
    store = MemoryStore()
    jobs = [Job(f"s{n}", command=["x"], outputs=[f"memory://b/{n}"]) for n in range(3)]
    ids = BatchHelper(MemoryEngine(store), store, job_queue="q", array=True).add_jobs(jobs, array=True)
    assert len(set(ids)) == 3
    assert connect("local", directory=str(tmp_path / "state"), array=True).add_jobs([], array=True) == []
