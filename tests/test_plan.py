"""What is done with each job, and the words that say why."""

from __future__ import annotations

import pytest

from batch_helpers.engines.base import Capabilities
from batch_helpers.errors import CycleError, OutputConflict, UnknownDependency
from batch_helpers.job import Job, JobDetail, Status
from batch_helpers.plan import Action, Plan, World, plan, submission_order


def job(name: str, outputs: tuple[str, ...] | None = None, **fields: object) -> Job:
    outs = (f"s3://b/{name}.out",) if outputs is None else outputs
    return Job(name, command=["run", name], outputs=outs, **fields)  # type: ignore[arg-type]


def running(
    work: Job, job_id: str = "6f0c1234-aaaa", status: Status = Status.RUNNABLE, queue: str = "spot"
) -> JobDetail:
    return JobDetail(job_id, work.full_name, status, queue=queue)


def actions(decided: Plan) -> dict[str, Action]:
    return {decision.job.name: decision.action for decision in decided}


def said(decided: Plan, name: str) -> str:
    return next(str(decision) for decision in decided if decision.job.name == name)


def test_a_job_whose_outputs_all_exist_is_skipped() -> None:
    work = job("s1", outputs=("s3://b/1", "s3://b/2", "s3://b/3"))
    assert str(plan([work], World(found=set(work.outputs))).decisions[0]) == "skip: all 3 outputs exist"


def test_a_missing_output_is_named_and_counted() -> None:
    work = job("s7", outputs=("s3://b/s7.bam", "s3://b/s7.bai", "s3://b/s7.log"))
    decided = plan([work], World(found={"s3://b/s7.bai", "s3://b/s7.log"}))
    assert said(decided, "s7") == "submit: outputs missing: s3://b/s7.bam (1 of 3)"


def test_a_job_without_outputs_always_runs_and_says_so() -> None:
    assert said(plan([job("note", outputs=())]), "note") == "submit: it declares no outputs, so it always runs"


def test_an_identical_active_job_is_reused_and_its_state_and_queue_are_named() -> None:
    work = job("s1")
    decided = plan([work], World(active={work.key: running(work)}))
    assert decided.decisions[0].job_id == "6f0c1234-aaaa"
    assert said(decided, "s1") == "reuse: 6f0c1234… is RUNNABLE in queue spot"


def test_a_job_that_is_active_is_reused_even_when_its_outputs_are_there_already() -> None:
    work = job("s1")
    assert actions(plan([work], World(found=set(work.outputs), active={work.key: running(work)})))["s1"] is Action.REUSE


def test_a_job_with_more_memory_is_the_same_work() -> None:
    small, large = job("s1", memory=1000), job("s1", memory=9000)
    assert actions(plan([large], World(active={small.key: running(small)})))["s1"] is Action.REUSE


def test_two_identical_jobs_in_one_call_become_one() -> None:
    decided = plan([job("s1"), job("s1"), job("s2")])
    assert (len(decided), list(decided.places)) == (2, [0, 0, 1])


def test_identical_jobs_without_outputs_become_one_too() -> None:
    decided = plan([job("n", outputs=()), job("n", outputs=())])
    assert (len(decided), list(decided.places)) == (1, [0, 0])


def test_identical_jobs_wait_for_the_sum_of_their_dependencies() -> None:
    first, second = job("a"), job("b")
    decided = plan([first, second, job("c", depends_on=[first]), job("c", depends_on=[second])])
    assert decided.decisions[2].upstream == (0, 1)


def test_two_different_jobs_that_write_one_output_are_a_conflict() -> None:
    decided = plan([job("s7"), Job("s7-v2", command=["other"], outputs=["s3://b/s7.out"])])
    assert said(decided, "s7") == "conflict: s7 and s7-v2 both write s3://b/s7.out"
    assert set(actions(decided).values()) == {Action.CONFLICT}
    with pytest.raises(OutputConflict, match="s7 and s7-v2 both write"):
        decided.check()


def test_a_conflict_leaves_the_jobs_after_it_alone() -> None:
    x = Job("x", command=["x"], outputs=["s3://b/a", "s3://b/b"])
    other = Job("y", command=["y"], outputs=["s3://b/a"])
    decided = plan([other, x, x, job("z")])
    assert actions(decided) == {"y": Action.CONFLICT, "x": Action.CONFLICT, "z": Action.SUBMIT}
    assert list(decided.places) == [0, 1, 1, 2]


def test_one_file_spelled_in_two_ways_is_still_one_file(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    decided = plan(
        [Job("a", command=["a"], outputs=["o.txt"]), Job("b", command=["b"], outputs=[f"file://{tmp_path}/o.txt"])]
    )
    assert set(actions(decided).values()) == {Action.CONFLICT}


def test_an_output_claimed_by_an_earlier_call_is_a_conflict() -> None:
    earlier = Job("old", command=["old"], outputs=["s3://b/s1.out"])
    decided = plan([job("s1")], World(claimed={"s3://b/s1.out": earlier}))
    assert said(decided, "s1") == "conflict: old, added before, and s1 both write s3://b/s1.out"
    assert actions(plan([job("s1")], World(claimed={"s3://b/s1.out": job("s1")})))["s1"] is Action.SUBMIT


def test_what_is_made_from_something_that_is_made_anew_runs_again() -> None:
    trim = job("trim-s3")
    align = job("align-s3", depends_on=[trim])
    gather = job("gather", depends_on=[align])
    decided = plan([trim, align, gather], World(found={*align.outputs, *gather.outputs}))
    assert set(actions(decided).values()) == {Action.SUBMIT}
    assert said(decided, "align-s3") == "submit: trim-s3 runs again, so its outputs are out of date"
    assert said(decided, "gather") == "submit: align-s3 runs again, so its outputs are out of date"


def test_what_is_made_from_an_active_job_runs_again() -> None:
    trim = job("trim")
    align = job("align", depends_on=[trim])
    decided = plan([trim, align], World(found={*trim.outputs, *align.outputs}, active={trim.key: running(trim)}))
    assert actions(decided) == {"trim": Action.REUSE, "align": Action.SUBMIT}


def test_an_upstream_without_outputs_makes_nothing_out_of_date() -> None:
    note = job("note", outputs=())
    align = job("align", depends_on=[note])
    assert actions(plan([note, align], World(found=set(align.outputs))))["align"] is Action.SKIP


def test_only_the_branch_below_a_missing_output_runs_again() -> None:
    trims = [job(f"trim-{number}") for number in range(3)]
    aligns = [job(f"align-{number}", depends_on=[trims[number]]) for number in range(3)]
    gather = job("gather", depends_on=aligns)
    everything = [*trims, *aligns, gather]
    found = {uri for item in everything for uri in item.outputs} - set(aligns[1].outputs)
    decided = plan(everything, World(found=found))
    assert {name for name, action in actions(decided).items() if action is Action.SUBMIT} == {"align-1", "gather"}


def test_an_intermediate_that_nobody_needs_any_more_is_not_made_again() -> None:
    sam = job("sam", intermediate=True)
    bam = job("bam", depends_on=[sam])
    decided = plan([sam, bam], World(found=set(bam.outputs)))
    assert actions(decided) == {"sam": Action.SKIP, "bam": Action.SKIP}
    assert "intermediate, and every job that needs it is done" in said(decided, "sam")


def test_a_chain_of_intermediates_is_made_only_when_its_end_is_wanted() -> None:
    one = job("one", intermediate=True)
    two = job("two", intermediate=True, depends_on=[one])
    end = job("end", depends_on=[two])
    assert set(actions(plan([one, two, end])).values()) == {Action.SUBMIT}
    assert set(actions(plan([one, two, end], World(found=set(end.outputs)))).values()) == {Action.SKIP}
    assert actions(plan([one, two, end], World(found=set(two.outputs)))) == {
        "one": Action.SKIP, "two": Action.SKIP, "end": Action.SUBMIT,
    }  # fmt: skip


def test_an_intermediate_made_again_for_one_dependant_leaves_the_others_alone() -> None:
    sam = job("sam", intermediate=True)
    first, second = job("first", depends_on=[sam]), job("second", depends_on=[sam])
    decided = plan([sam, first, second], World(found=set(first.outputs)))
    assert actions(decided) == {"sam": Action.SUBMIT, "first": Action.SKIP, "second": Action.SUBMIT}


def test_an_active_intermediate_whose_upstream_is_made_anew_makes_its_dependants_run_again() -> None:
    raw = job("raw")
    sam = job("sam", intermediate=True, depends_on=[raw])
    bam = job("bam", depends_on=[sam])
    active = {work.key: running(work, f"id-{work.name}") for work in (raw, sam)}
    decided = plan([raw, sam, bam], World(found=set(bam.outputs), active=active))
    assert actions(decided)["bam"] is Action.SUBMIT
    regenerated = plan([raw, sam, bam], World(found={*raw.outputs, *bam.outputs}, active={sam.key: active[sam.key]}))
    assert actions(regenerated)["bam"] is Action.SKIP


def test_an_intermediate_without_dependants_is_an_ordinary_job() -> None:
    assert actions(plan([job("sam", intermediate=True)]))["sam"] is Action.SUBMIT


def test_dependencies_that_are_done_are_not_waited_for() -> None:
    done, active, fresh = job("done"), job("active"), job("fresh")
    last = job("last", depends_on=[done, active, fresh, None, "other-id"])
    decided = plan([done, active, fresh, last], World(found=set(done.outputs), active={active.key: running(active)}))
    assert decided.decisions[3].upstream == (1, 2, "other-id")


def test_a_job_of_an_earlier_call_may_be_depended_on_by_the_object_or_an_equal_one() -> None:
    world = World(settled={(earlier := job("earlier")): "id-1"})
    assert plan([job("a", depends_on=[earlier])], world).decisions[0].upstream == ("id-1",)
    twin = job("twin")
    assert plan([job("twin"), job("b", depends_on=[twin])]).decisions[1].upstream == (0,)


def test_a_dependency_that_was_never_given_is_an_error_with_both_names() -> None:
    with pytest.raises(UnknownDependency, match="'align' depends on 'trim', which is neither among the jobs given"):
        plan([job("align", depends_on=[job("trim")])])


def test_jobs_whose_order_does_not_matter_may_be_given_before_what_they_need() -> None:
    first = job("first")
    decided = plan([job("last", depends_on=[first]), first])
    assert list(decided.batches()) == [[1], [0]]


def test_merged_jobs_that_wait_for_each_other_are_a_cycle_that_is_shown() -> None:
    a = job("a")
    b = job("b", depends_on=[a])
    with pytest.raises(CycleError, match=r"a -> b -> a|b -> a -> b"):
        plan([a, b, job("a", depends_on=[b])])


def test_more_dependencies_than_the_service_takes_are_held() -> None:
    many = [job(f"s{number}") for number in range(21)]
    gather = job("gather", depends_on=many)
    after = job("after", depends_on=[gather])
    decided = plan([*many, gather, after], World(capabilities=Capabilities(max_dependencies=20)))
    assert "waits for 21 jobs, and the service takes 20" in said(decided, "gather")
    assert said(decided, "after").startswith("hold: waits for gather, which is held")
    assert (
        actions(plan([*many[:20], job("g", depends_on=many[:20])], World(capabilities=Capabilities(20))))["g"]
        is Action.SUBMIT
    )


def test_dependants_that_run_either_way_are_held_where_the_service_cannot_start_them() -> None:
    first = job("first", run_dependents_on_fail=True)
    second = job("second", depends_on=[first])
    assert actions(plan([first, second]))["second"] is Action.HOLD
    able = World(capabilities=Capabilities(failure_dependencies=True))
    assert actions(plan([first, second], able))["second"] is Action.SUBMIT


def test_what_depends_on_a_placeholder_is_held() -> None:
    assert actions(plan([job("a", depends_on=["held:1"])], World(held={"held:1"})))["a"] is Action.HOLD


def test_a_remade_job_of_an_earlier_call_makes_what_depends_on_its_id_run_again() -> None:
    align = job("align", depends_on=["id-1"])
    decided = plan([align], World(found=set(align.outputs), remade={"id-1"}))
    assert said(decided, "align") == "submit: id-1 runs again, so its outputs are out of date"


def test_submission_order_keeps_the_given_order_where_it_can() -> None:
    assert submission_order({"c": ["a"], "a": [], "b": ["c"], "d": []}) == ["a", "d", "c", "b"]


def test_submission_order_names_the_cycle() -> None:
    with pytest.raises(CycleError) as caught:
        submission_order({"a": ["c"], "b": ["a"], "c": ["b"], "d": []})
    cycle = caught.value.cycle
    assert cycle[0] == cycle[-1]
    assert set(cycle) == {"a", "b", "c"}


def test_submission_order_names_the_unknown() -> None:
    with pytest.raises(UnknownDependency, match="'b' depends on 'x', which does not exist; there are: a, b"):
        submission_order({"a": [], "b": ["x"]})


def test_a_chain_of_ten_thousand_is_no_loop() -> None:
    chain = {f"j{number}": [f"j{number - 1}"] if number else [] for number in range(10_000)}
    assert submission_order(chain) == list(chain)


def test_a_long_cycle_is_shown_shortened() -> None:
    with pytest.raises(CycleError, match="more …"):
        submission_order({number: [(number + 1) % 50] for number in range(50)})
