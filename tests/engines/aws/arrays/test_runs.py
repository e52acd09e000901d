"""Whole runs of cohorts as arrays, on this package's own endpoint."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from batch_helpers.errors import InvalidInput, NotFound, SubmitFailed
from batch_helpers.helper import BatchHelper
from batch_helpers.job import Job, Status
from batch_helpers.monitor import Snapshot
from batch_helpers.plan import Action
from batch_helpers.serve import Outcome
from tests.engines.aws.arrays.conftest import Cloud

pytestmark = pytest.mark.slow


def stage(name: str, number: int, upstream: list[Job] | None = None, **fields: object) -> list[Job]:
    waits = upstream or [None] * number  # type: ignore[list-item]
    return [
        Job(
            f"{name}-{n}",
            image="busybox",
            command=[name, str(n)],
            outputs=[f"s3://bucket/{name}/{n}"],
            depends_on=[waits[n]],
            **fields,  # type: ignore[arg-type]
        )
        for n in range(number)
    ]


def gather(upstream: list[Job]) -> Job:
    return Job("gather", image="busybox", command=["gather"], outputs=["s3://bucket/all"], depends_on=upstream)


def parents(ids: list[str | None]) -> Counter[str]:
    return Counter(str(job_id).partition(":")[0] for job_id in ids)


def actions(helper: BatchHelper, jobs: list[Job]) -> dict[Action, int]:
    return {action: count for action, count in helper.plan(jobs).counts.items() if count}


def until(helper: BatchHelper, enough: object) -> Snapshot:
    """Polls and steps, as monitor() does, until a picture is as it should be."""
    deadline = time.monotonic() + 60
    while True:
        snapshot = helper._watch.poll()
        if helper._conductor.step():
            snapshot = helper._watch.snapshot()
        if enough(snapshot):  # type: ignore[operator]
            return snapshot
        assert time.monotonic() < deadline, snapshot.counts
        time.sleep(0.05)


class TestSizes:
    @pytest.mark.parametrize(("number", "sizes"), [(1, [1]), (2, [2]), (9, [9])])
    def test_a_job_by_itself_is_no_array(self, held: Cloud, number: int, sizes: list[int]) -> None:
        ids = held.helper().add_jobs(stage("s", number))
        assert sorted(held.accepted(), reverse=True) == sizes
        assert len(set(ids)) == number

    def test_only_jobs_that_are_alike_go_together(self, held: Cloud) -> None:
        jobs = [*stage("a", 2), *stage("b", 2), *stage("c", 2, memory=512), *stage("d", 2, attempts=2)]
        jobs += stage("e", 2, tags={"x": "y"}) + stage("f", 2, vcpus=2)
        assert len(set(parents(held.helper().add_jobs([*jobs, *stage("g", 3)])))) == 7

    def test_it_is_an_option_of_one_call_too(self, held: Cloud) -> None:
        helper = held.helper(array=False)
        helper.add_jobs(stage("a", 3), array=True)
        helper.add_jobs(stage("b", 3))
        assert held.accepted() == [3, 1, 1, 1]

    def test_a_cohort_that_is_too_large_is_refused_as_a_whole_without_a_place(self, held: Cloud) -> None:
        jobs = [*stage("small", 2), *stage("large", 3000)]
        with pytest.raises(InvalidInput, match=r"an array of 3000 jobs.*spill='s3://bucket/prefix'"):
            held.helper(spill=False).add_jobs(jobs)
        assert held.submitted == 0

    def test_a_middling_one_rides_in_a_definition(self, held: Cloud) -> None:
        ids = held.helper(spill=False).add_jobs(stage("s", 500))
        assert len(parents(ids)) == 1
        assert not held.outputs.objects
        assert actions(held.helper(spill=False), stage("s", 500)) == {Action.REUSE: 500}

    def test_jobs_of_a_definition_carry_their_table_in_their_command(self, held: Cloud) -> None:
        engine = held.helper().engine
        container = {"image": "busybox", "command": ["cat", "Ref::sample", "Ref::mode"], "memory": 64, "vcpus": 1}
        defaults = {"sample": "none", "mode": "fast"}
        request = {"type": "container", "containerProperties": container, "parameters": defaults}
        engine._batch.ask("register_job_definition", "x", jobDefinitionName="cat", **request)  # type: ignore[attr-defined]
        jobs = [Job(f"c-{n}", job_definition="cat", parameters={"sample": f"s{n}"}) for n in range(3)]
        ids = held.helper(spill=False).add_jobs(jobs)
        assert held.accepted() == [3]
        described = engine._batch.ask("describe_jobs", "x", jobs=[str(ids[2])])["jobs"]  # type: ignore[attr-defined]
        assert "\n2 c-2-" in described[0]["container"]["command"][4]
        assert " set -- cat s2 fast #2\n" in described[0]["container"]["command"][4]
        assert described[0]["jobDefinition"].endswith("/cat:1")
        assert actions(held.helper(), jobs) == {Action.REUSE: 3}


class TestRerun:
    def test_only_what_is_missing_runs(self, instant: Cloud) -> None:
        jobs = stage("s", 10)
        instant.make(*jobs[::2])
        instant.helper().add_jobs(jobs)
        assert instant.accepted() == [5]

    def test_active_children_are_adopted_one_by_one_by_whoever_comes(self, held: Cloud) -> None:
        jobs = stage("s", 300)
        ids = held.helper().add_jobs(jobs[:200])
        for array in (True, False):
            plan = held.helper(array=array).plan(jobs)
            assert plan.counts[Action.REUSE] == 200
            assert [decision.job_id for decision in plan][:200] == ids
        held.helper().add_jobs(jobs)
        assert held.accepted() == [200, 100]

    def test_failed_children_become_a_smaller_array_and_the_decision_says_why(self, instant: Cloud) -> None:
        jobs = stage("s", 20)
        instant.endpoint.script([Outcome(array_index=n, exit_code=3) for n in (4, 7)])
        first = instant.helper()
        first.add_jobs(jobs)
        instant.make(*(job for n, job in enumerate(jobs) if n not in (4, 7)))
        snapshot = until(first, lambda seen: not seen.active)
        assert snapshot.exit_code == 1
        assert [detail.short_name for detail in snapshot.failed] == ["s-4", "s-7"]
        assert all(detail.exit_code == 3 and detail.attempts for detail in snapshot.failed)
        instant.endpoint.script([])
        again = instant.helper()
        submitted = [decision for decision in again.plan(jobs) if decision.action is Action.SUBMIT]
        assert [decision.job.name for decision in submitted] == ["s-4", "s-7"]
        assert all(decision.reason.startswith("failed ") for decision in submitted), submitted[0].reason
        again.add_jobs(jobs)
        instant.make(*jobs)
        assert until(again, lambda seen: not seen.active).exit_code == 0
        assert instant.accepted() == [20, 2]

    def test_a_child_that_left_no_output_has_failed(self, instant: Cloud) -> None:
        jobs = stage("s", 5)
        helper = instant.helper()
        helper.add_jobs(jobs)
        instant.make(*jobs[:4])
        [failed] = until(helper, lambda seen: not seen.active).failed
        assert (failed.short_name, failed.reason) == ("s-4", "missing outputs: s3://bucket/s/4")

    def test_a_lost_answer_leads_to_no_second_array(self, held: Cloud) -> None:
        held.endpoint.faults.lose_reply("SubmitJob")
        ids = held.helper().add_jobs(stage("s", 10))
        assert held.accepted() == [10]
        assert len(set(ids)) == 10

    def test_children_that_ran_out_of_memory_become_an_array_with_more(self, held: Cloud) -> None:
        first = stage("a", 10, memory=128)
        second = stage("b", 10, first)
        killed = {"exit_code": 137, "reason": "OutOfMemoryError: Container killed due to memory usage"}
        outcomes = [Outcome("a-*", array_index=n, hold="RUNNABLE", **killed) for n in (2, 3, 5)]  # type: ignore[arg-type]
        held.endpoint.script([*outcomes, Outcome(hold="RUNNABLE")])
        helper = held.helper(memory_growth=2)
        helper.add_jobs([*first, *second])
        until(helper, lambda seen: seen.counts[Status.RUNNABLE] == 10)
        held.endpoint.script([Outcome("b-*", hold="RUNNABLE")])
        held.make(*first)
        held.endpoint.release()
        until(helper, lambda seen: seen.counts[Status.RUNNABLE] == 10 and len(held.accepted()) == 4)
        assert held.accepted() == [10, 10, 3, 3]
        held.make(*second)
        held.endpoint.release()
        assert until(helper, lambda seen: not seen.active).exit_code == 0


class TestStages:
    def test_sample_waits_for_sample_and_the_last_for_all_of_them(self, instant: Cloud) -> None:
        first = stage("a", 50)
        second = stage("b", 50, first)
        helper = instant.helper()
        ids = helper.add_jobs([*reversed(second), gather(second), *first])
        assert instant.accepted() == [50, 50, 1]
        assert not helper._conductor.run.held
        batch = helper.engine._batch  # type: ignore[attr-defined]
        wanted = [str(ids[0]).partition(":")[0], str(ids[50])]
        described = batch.ask("describe_jobs", "look", "jobs", jobs=wanted)["jobs"]
        waits = {raw["jobName"].split("-")[0]: raw["dependsOn"] for raw in described}
        assert waits["b"] == [{"jobId": str(ids[-1]).partition(":")[0], "type": "N_TO_N"}]
        assert waits["gather"] == [{"jobId": wanted[0]}]
        instant.make(*first, *second, gather(second))
        assert until(helper, lambda seen: not seen.active).exit_code == 0

    def test_ten_thousand_are_gathered_by_one_dependency(self, held: Cloud) -> None:
        samples = stage("s", 10_000)
        helper = held.helper()
        ids = helper.add_jobs([*samples, gather(samples)])
        assert held.accepted() == [10_000, 1]
        assert not str(ids[-1]).startswith("held:")

    def test_what_cannot_be_said_to_the_service_is_held_and_submitted_in_time(self, held: Cloud) -> None:
        first = stage("a", 6)
        pairs = [
            Job(
                f"pair-{n}",
                image="busybox",
                command=["pair"],
                outputs=[f"s3://bucket/p{n}"],
                depends_on=first[2 * n : 2 * n + 2],
            )
            for n in range(3)
        ]
        last = stage("z", 3, pairs)
        held.endpoint.script(
            [Outcome("a-*", array_index=5, exit_code=1, hold="RUNNABLE"), Outcome("a-*", hold="RUNNABLE")]
        )
        helper = held.helper()
        ids = helper.add_jobs([*first, *pairs, *last])
        assert held.accepted() == [6]
        assert all(str(job_id).startswith("held:") for job_id in ids[6:])
        held.make(*first, *pairs, *last)
        held.endpoint.release()
        snapshot = until(helper, lambda seen: not seen.active)
        assert sorted(detail.short_name for detail in snapshot.failed) == ["a-5", "pair-2", "z-2"]
        assert held.accepted() == [6, 2, 2]

    def test_jobs_that_wait_for_some_children_do_not_fail_with_the_others(self, held: Cloud) -> None:
        first = stage("a", 4)
        some = Job("some", image="busybox", command=["some"], outputs=["s3://bucket/some"], depends_on=first[:3])
        held.endpoint.script([Outcome(array_index=3, exit_code=1, hold="RUNNABLE"), Outcome("a-*", hold="RUNNABLE")])
        helper = held.helper()
        helper.add_jobs([*first, some])
        held.make(*first, some)
        held.endpoint.release()
        snapshot = until(helper, lambda seen: not seen.active)
        assert [detail.short_name for detail in snapshot.failed] == ["a-3"]

    def test_a_script_without_arrays_goes_on_behind_children(self, held: Cloud) -> None:
        first = stage("a", 4)
        second = stage("b", 4, first)
        held.helper().add_jobs(first)
        helper = held.helper(array=False)
        ids = helper.add_jobs([*first, *second, gather(first)])
        assert held.accepted() == [4, 1]
        assert [str(job_id).startswith("held:") for job_id in ids] == [False] * 4 + [True] * 4 + [False]
        held.endpoint.script([])
        held.make(*first, *second, gather(first))
        held.endpoint.release()
        assert until(helper, lambda seen: not seen.active).exit_code == 0
        assert held.accepted() == [4, 1, 1, 1, 1, 1]

    def test_a_driver_that_was_killed_between_two_stages_is_taken_up(self, held: Cloud) -> None:
        first = stage("a", 30)
        second = stage("b", 30, first)
        last = gather(second)
        held.helper().add_jobs(first)
        after = held.helper()
        assert actions(after, [*first, *second, last]) == {Action.REUSE: 30, Action.SUBMIT: 31}
        after.add_jobs([*first, *second, last])
        assert held.accepted() == [30, 30, 1]
        held.endpoint.script([])
        held.endpoint.release()
        held.make(*first, *second, last)
        assert until(after, lambda seen: not seen.active).exit_code == 0

    def test_a_stage_of_which_some_samples_are_done_goes_on_sample_by_sample(self, held: Cloud) -> None:
        first = stage("a", 30)
        held.make(*first[:10])
        helper = held.helper()
        helper.add_jobs([*first, *stage("b", 30, first)])
        assert sorted(held.accepted()) == [10, 20, 20]

    def test_more_than_twenty_single_jobs_are_waited_for_too(self, held: Cloud) -> None:
        singles = [Job(f"{n}x", image="busybox", command=[str(n)], outputs=[f"s3://bucket/{n}"]) for n in range(21)]
        helper = held.helper()
        ids = helper.add_jobs([*singles, gather(singles)])
        assert str(ids[-1]).startswith("held:")


class TestTables:
    def test_a_table_that_is_gone_is_no_reason_to_run_anything_twice(self, held: Cloud) -> None:
        jobs = stage("s", 1500)
        helper = held.helper()
        helper.add_jobs(jobs)
        [table] = held.outputs.objects
        held.outputs.delete([table])
        with pytest.raises(NotFound, match=rf"cannot tell which jobs the array job .*{table}.*terminate it"):
            held.helper().add_jobs(jobs)
        assert held.accepted() == [1500]
        assert helper._watch.poll().active == 1500
        [seen] = held.helper().engine.look(["local"], ["a job of another run"])  # type: ignore[attr-defined]
        assert seen.key is None

    def test_a_malformed_one_is_told_of(self, held: Cloud) -> None:
        jobs = stage("s", 1500)
        held.helper().add_jobs(jobs)
        [table] = held.outputs.objects
        held.outputs.write(table, held.outputs.read(table)[:-5])
        with pytest.raises(Exception, match=rf"{table} is malformed"):
            held.helper().plan(jobs)

    def test_a_place_that_cannot_be_written_stops_it_before_anything_is_submitted(self, held: Cloud) -> None:
        helper = held.helper()

        def refuse(uri: str, data: bytes, *, only_if_absent: bool = False) -> bool:
            raise NotFound(f"{uri}: no such bucket")

        held.outputs.write = refuse  # type: ignore[method-assign]
        with pytest.raises(NotFound, match="no such bucket"):
            helper.add_jobs(stage("s", 1500))
        assert held.submitted == 0


class TestPolling:
    def test_a_poll_of_ten_arrays_costs_two_calls_and_counts_exactly(self, held: Cloud) -> None:
        helper = held.helper()
        jobs = [job for n in range(10) for job in stage(f"s{n}", 20)]
        helper.add_jobs(jobs)
        until(helper, lambda seen: seen.counts[Status.RUNNABLE] == 200)
        before = sum(held.endpoint.counters.requests.values())
        assert helper._watch.poll().counts[Status.RUNNABLE] == 200
        assert sum(held.endpoint.counters.requests.values()) - before == 2

    def test_successes_of_a_large_array_are_counted_before_they_are_told_one_by_one(self, instant: Cloud) -> None:
        instant.endpoint.script([Outcome(array_index=n, hold="RUNNING") for n in range(3)])
        jobs = stage("s", 1500)
        helper = instant.helper()
        helper.add_jobs(jobs)
        instant.make(*jobs)
        snapshot = until(
            helper, lambda seen: seen.counts[Status.SUCCEEDED] == 1497 and seen.counts[Status.RUNNING] == 3
        )
        assert snapshot.active == 3
        instant.endpoint.release()
        snapshot = until(helper, lambda seen: not seen.active)
        assert (snapshot.exit_code, snapshot.counts[Status.SUCCEEDED], len(snapshot.jobs)) == (0, 1500, 1500)
        assert all(detail.stopped_at for detail in snapshot.jobs.values())
        assert instant.endpoint.counters.requests["DescribeJobs"] < 40

    def test_very_many_failures_are_told_from_the_listing(self, instant: Cloud) -> None:
        instant.endpoint.script([Outcome(exit_code=7)])
        helper = instant.helper()
        helper.add_jobs(stage("s", 600))
        failed = until(helper, lambda seen: not seen.active).failed
        assert {(detail.exit_code, detail.reason) for detail in failed} == {(7, "Essential container in task exited")}
        assert len(failed) == 600
        assert not all(detail.attempts for detail in failed)

    def test_children_that_the_service_has_forgotten_get_their_verdict_without_a_call_for_each(
        self, held: Cloud
    ) -> None:
        jobs = stage("s", 500)
        now = [0.0]
        helper = held.helper()
        helper._watch._clock = lambda: now[0]
        ids = helper.add_jobs(jobs)
        helper._watch.poll()
        held.endpoint.script([])
        held.endpoint.release()
        deadline = time.monotonic() + 30
        parent = str(ids[0]).partition(":")[0]
        while held.helper().engine.describe([parent])[parent].status.active:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        held.endpoint.forget([parent])
        held.make(*jobs[:499])
        before = held.endpoint.counters.requests["DescribeJobs"]
        helper._watch.poll()
        now[0] += 61
        snapshot = helper._watch.poll()
        assert (snapshot.counts[Status.SUCCEEDED], snapshot.counts[Status.FAILED]) == (499, 1)
        assert held.endpoint.counters.requests["DescribeJobs"] - before <= 6


class TestEnding:
    def test_an_array_is_ended_by_one_call(self, held: Cloud) -> None:
        helper = held.helper()
        helper.add_jobs(stage("s", 300))
        helper.cancel()
        snapshot = until(helper, lambda seen: not seen.active)
        assert snapshot.counts[Status.FAILED] == 300
        calls = held.endpoint.counters.requests
        assert calls["TerminateJob"] + calls["TerminateJobs"] == 1

    def test_some_children_are_ended_and_the_others_go_on(self, held: Cloud) -> None:
        jobs = stage("s", 10)
        helper = held.helper()
        helper.add_jobs(jobs)
        until(helper, lambda seen: seen.counts[Status.RUNNABLE] == 10)
        assert len(held.helper().cancel(jobs[:4])) == 4
        snapshot = until(helper, lambda seen: seen.counts[Status.FAILED] == 4)
        assert snapshot.counts[Status.RUNNABLE] == 6
        assert [detail.short_name for detail in snapshot.failed] == ["s-0", "s-1", "s-2", "s-3"]


class TestDuplicates:
    @pytest.mark.parametrize("arrays", [(True, True), (True, False), (False, True)])
    def test_two_scripts_at_once_come_to_one_job_of_each_work(self, held: Cloud, arrays: tuple[bool, bool]) -> None:
        jobs = stage("s", 12)
        drivers = [held.helper(array=array) for array in arrays]
        plans = [driver.plan(jobs) for driver in drivers]
        for driver, plan in zip(drivers, plans, strict=True):
            driver._conductor.carry_out(plan)
        for driver in drivers:
            until(driver, lambda seen: seen.counts[Status.RUNNABLE] + seen.counts[Status.PENDING] == 12)
        held.endpoint.script([])
        held.endpoint.release()
        held.make(*jobs)
        for driver in drivers:
            assert until(driver, lambda seen: not seen.active).exit_code == 0
        ran = [detail for detail in self.everything(held) if detail["status"] == "SUCCEEDED"]
        assert len(ran) == 12
        if all(arrays):
            calls = held.endpoint.counters.requests
            assert calls["CancelJob"] + calls["CancelJobs"] <= 2

    def test_which_child_has_started_is_asked_and_not_guessed(self, held: Cloud) -> None:
        held.endpoint.script([Outcome("*-array-*", array_index=3, hold="RUNNING"), Outcome(hold="RUNNABLE")])
        jobs = stage("s", 4)
        older, younger = held.helper(array=False), held.helper()
        plan = younger.plan(jobs)
        older.add_jobs(jobs)
        younger._conductor.carry_out(plan)
        until(younger, lambda seen: seen.counts[Status.RUNNING] == 1 and seen.counts[Status.RUNNABLE] == 3)
        until(older, lambda seen: seen.counts[Status.RUNNING] == 1 and seen.counts[Status.RUNNABLE] == 3)
        ended = [
            job["jobName"][:3]
            for job in self.everything(held)
            if job["status"] == "FAILED" and job["jobName"][1] == "-"
        ]
        assert [name for name in ended if name != "s-a"] == ["s-3"]

    def test_children_that_had_started_when_their_array_was_cancelled_are_still_active(self, held: Cloud) -> None:
        held.endpoint.script([Outcome(array_index=2, hold="RUNNING"), Outcome(hold="RUNNABLE")])
        jobs = stage("s", 4)
        helper = held.helper()
        ids = helper.add_jobs(jobs)
        until(helper, lambda seen: seen.counts[Status.RUNNING] == 1 and seen.counts[Status.RUNNABLE] == 3)
        helper.engine.cancel([str(job_id) for job_id in ids], "enough")
        plan = held.helper().plan(jobs)
        assert [decision.action for decision in plan] == [Action.SUBMIT, Action.SUBMIT, Action.REUSE, Action.SUBMIT]

    def test_two_scripts_with_two_stages_come_to_one_job_of_each_work(self, held: Cloud) -> None:
        first = stage("a", 8)
        second = stage("b", 8, first)
        drivers = [held.helper(), held.helper()]
        plans = [driver.plan([*first, *second, gather(second)]) for driver in drivers]
        for driver, plan in zip(drivers, plans, strict=True):
            driver._conductor.carry_out(plan)
        for _ in range(3):
            for driver in drivers:
                driver._watch.poll()
                driver._conductor.step()
        held.endpoint.script([])
        held.endpoint.release()
        held.make(*first, *second, gather(second))
        for driver in drivers:
            assert until(driver, lambda seen: not seen.active).exit_code == 0
        ran = [detail for detail in self.everything(held) if detail["status"] == "SUCCEEDED"]
        assert len(ran) == 17

    def everything(self, cloud: Cloud) -> list[dict[str, str]]:
        """Every job, and every child of an array in its parent's place."""
        api = cloud.helper().engine._batch  # type: ignore[attr-defined]
        newest = [{"name": "AFTER_CREATED_AT", "values": ["0"]}]
        jobs = list(api.pages("list_jobs", "look", "jobSummaryList", jobQueue="local", filters=newest))
        found = [job for job in jobs if "size" not in job.get("arrayProperties", {})]
        for job in jobs:
            for status in Status if job not in found else ():
                request = {"arrayJobId": job["jobId"], "jobStatus": str(status)}
                found += api.pages("list_jobs", "look", "jobSummaryList", **request)
        return found


def test_a_submission_that_breaks_off_tells_what_was_accepted(held: Cloud) -> None:
    helper = held.helper()
    held.endpoint.faults.fail("SubmitJob", skip=1, times=None)
    helper.engine._sleep = helper.engine._dispatch._sleep = lambda seconds: None  # type: ignore[attr-defined]
    with pytest.raises(SubmitFailed) as caught:
        helper.add_jobs([*stage("a", 4), *stage("b", 4)])
    assert len(caught.value.submitted) == 4
    held.endpoint.faults.clear()
    held.helper().add_jobs([*stage("a", 4), *stage("b", 4)])
    assert held.accepted() == [4, 4]
