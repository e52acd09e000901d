"""A workflow on an engine: what is submitted, in which order, and what a second submit does."""

from __future__ import annotations

from typing import Any

import pytest

from batch_helpers.engines.base import Capabilities
from batch_helpers.errors import CycleError, InvalidInput, InvalidJob, OutputConflict, UnknownDependency
from batch_helpers.plan import Action
from batch_helpers.s3 import S3Mounts
from batch_helpers.workflow import EZBatchJob, EZBatchWorkflow
from tests.workflow.conftest import Account, World


def writing(name: str, **fields: Any) -> EZBatchJob:
    mounts = S3Mounts(write=[{"source": "/mnt/out", "destination": f"s3://my-bucket/{name}", "recursive": True}])
    return EZBatchJob("ubuntu", f"make {name}", mounts=mounts, preloader=True, **fields)


def diamond() -> EZBatchWorkflow:
    jobs = {name: writing(name) for name in ("d", "b", "c", "a")}
    return EZBatchWorkflow("diamond", jobs, {"b": ["a"], "c": ["a"], "d": ["b", "c"]})


def test_jobs_are_submitted_after_what_they_depend_on(world: World) -> None:
    ids = diamond().submit(engine=world.script())
    assert list(ids) == ["a", "b", "c", "d"]
    upstream = {job.name: job.depends_on for job in world.engine.submitted}
    assert upstream["diamond-a"] == ()
    assert upstream["diamond-b"] == (ids["a"],)
    assert set(upstream["diamond-d"]) == {ids["b"], ids["c"]}


def test_submitting_twice_is_one_run(world: World) -> None:
    first = diamond().submit(engine=world.script())
    assert diamond().submit(engine=world.script()) == first
    assert len(world.engine.submitted) == 4


def test_what_is_done_is_skipped_and_only_what_is_missing_runs(world: World) -> None:
    workflow = diamond()
    workflow.submit(engine=world.script())
    assert workflow.monitor().exit_code == 0
    assert diamond().submit(engine=world.script()) == dict.fromkeys("abcd")
    world.store.delete(["s3://my-bucket/c/_SUCCESS"])
    world.engine.submitted.clear()
    again = diamond().submit(engine=world.script())
    assert [job.name for job in world.engine.submitted] == ["diamond-c", "diamond-d"]
    assert again["a"] is None


def test_a_loaded_workflow_is_the_same_work(world: World, tmp_path: Any) -> None:
    first = diamond().submit(engine=world.script())
    diamond().save(tmp_path / "w.json")
    assert EZBatchWorkflow.load(tmp_path / "w.json").submit(engine=world.script()) == first


def test_plan_says_what_would_happen_and_submits_nothing(world: World) -> None:
    world.store.write("s3://my-bucket/a/_SUCCESS", b"")
    plan = diamond().plan(engine=world.script())
    assert [str(item.action) for item in plan] == ["skip", "submit", "submit", "submit"]
    assert world.engine.submitted == []


def test_a_dry_run_submits_nothing(world: World) -> None:
    diamond().submit(engine=world.script(dry_run=True))
    assert world.engine.submitted == []


def test_a_jobs_own_queue_goes_before_the_workflows_and_that_before_the_helpers(world: World) -> None:
    jobs = {"own": writing("own", queue="mine"), "other": writing("other")}
    EZBatchWorkflow("w", jobs).submit(queue="ours", engine=world.script())
    EZBatchWorkflow("w", {"third": writing("third")}).submit(engine=world.script())
    assert [job.job_queue for job in world.engine.submitted] == ["mine", "ours", "q"]


def test_no_queue_anywhere_is_an_error_before_any_call(world: World) -> None:
    with pytest.raises(InvalidJob, match="job_queue=None: no queue"):
        diamond().submit(engine=world.script(job_queue=None))
    assert world.engine.submitted == []


def test_what_a_job_needs_reaches_the_engine(world: World) -> None:
    job = EZBatchJob(
        "ubuntu", "x", {"A": "1"}, vcpus=4, memory=8192, platform="EC2", gpus=1, attempts=3, timeout=60, tags={"t": "v"}
    )
    EZBatchWorkflow("w", {"train-1": job}).submit(engine=world.script())
    made = world.engine.submitted[0]
    assert (made.vcpus, made.memory, made.gpus, made.attempts, made.timeout) == (4, 8192, 1, 3, 60)
    assert (made.image, made.command, made.tags, made.group) == ("ubuntu", ("/bin/sh", "-c", "x"), {"t": "v"}, "train")
    assert made.environment["A"] == "1"


def test_spot_retries_are_not_for_engines_that_cannot_tell_a_spot_reclaim(world: World) -> None:
    EZBatchWorkflow("w", {"a": writing("a", attempts=3, retry="spot")}).submit(engine=world.script())
    assert world.engine.submitted[0].attempts == 1


def test_jobs_without_outputs_that_run_the_same_command_stay_two_jobs(world: World) -> None:
    """Before and after the work the same command may be run."""
    same = EZBatchJob("ubuntu", "date")
    workflow = EZBatchWorkflow("w", {"before": same, "after": same}, {"after": ["before"]})
    ids = workflow.submit(engine=world.script())
    assert len(set(ids.values())) == 2
    assert EZBatchWorkflow("v", {"before": same}).submit(engine=world.script())["before"] not in ids.values()


@pytest.mark.slow
def test_a_job_that_runs_as_it_is_has_the_fingerprint_that_it_has_on_aws(world: World, account: Account) -> None:
    """There the image and the command are told apart from the job: it is the same work all the same."""
    account.s3.create_bucket(Bucket="my-bucket")
    job = EZBatchJob("ubuntu", "x", {"A": "1"}, outputs=["s3://my-bucket/x"], platform="EC2")
    here, there = (
        next(iter(EZBatchWorkflow("w", {"a": job}).plan("my-job-queue", engine=helper))).job
        for helper in (world.script(), account.script())
    )
    assert (here.image, there.image) == ("ubuntu", None)
    assert here.fingerprint == there.fingerprint


def test_the_same_work_under_another_workflows_name_is_reused(world: World) -> None:
    ids = EZBatchWorkflow("one", {"a": writing("a")}).submit(engine=world.script())
    assert EZBatchWorkflow("two", {"b": writing("a")}).submit(engine=world.script()) == {"b": ids["a"]}


def test_two_jobs_that_write_one_folder_conflict(world: World) -> None:
    jobs = {"a": writing("same"), "b": writing("same", environment={"X": "1"})}
    with pytest.raises(OutputConflict, match="w-a and w-b both write s3://my-bucket/same/_SUCCESS"):
        EZBatchWorkflow("w", jobs).submit(engine=world.script())
    assert world.engine.submitted == []


def test_cancel_ends_what_was_submitted(world: World) -> None:
    workflow = diamond()
    ids = workflow.submit(engine=world.script())
    assert set(workflow.cancel()) == set(ids.values())


def test_cancel_from_another_process_finds_the_active_jobs(world: World) -> None:
    ids = diamond().submit(engine=world.script())
    assert set(diamond().cancel(engine=world.script())) == set(ids.values())
    assert not list(world.engine.active(["q"]))


def test_monitor_before_submit_says_what_to_do() -> None:
    with pytest.raises(InvalidInput, match="nothing has been submitted yet: call submit first"):
        diamond().monitor()


def test_an_engine_that_takes_few_dependencies_gets_held_jobs_from_the_monitor() -> None:
    world = World(capabilities=Capabilities(max_dependencies=2))
    jobs = {f"part-{number}": writing(f"part-{number}") for number in range(5)}
    workflow = EZBatchWorkflow("w", {**jobs, "all": writing("all")}, {"all": list(jobs)})
    workflow.submit(engine=world.script())
    summary = workflow.monitor()
    assert (summary.exit_code, summary.decisions[Action.HOLD]) == (0, 1)
    assert world.engine.submitted[-1].name == "w-all"


def test_the_order_is_static_and_linear_and_names_what_is_wrong() -> None:
    order = EZBatchWorkflow.job_submission_queue
    assert order(["b", "a"], {"b": ["a"]}) == ["a", "b"]
    assert order([], {}) == []
    assert order(["a", "b"], {}) == ["a", "b"]
    with pytest.raises(CycleError, match=r"a -> c -> b -> a|b -> a -> c -> b|c -> b -> a -> c"):
        order(["a", "b", "c"], {"a": ["c"], "b": ["a"], "c": ["b"]})
    with pytest.raises(UnknownDependency, match="'b' depends on 'x', which does not exist"):
        order(["a", "b"], {"b": ["x"]})


def test_jobs_that_are_added_later_are_checked_and_submitted(world: World) -> None:
    workflow = diamond()
    workflow.jobs["e"] = writing("e")
    workflow.dependencies["e"] = ["d"]
    assert list(workflow.submit(engine=world.script())) == ["a", "b", "c", "d", "e"]
    workflow.dependencies["e"] = ["nope"]
    with pytest.raises(UnknownDependency, match="nope"):
        workflow.submit(engine=world.script())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": " "}, "a workflow needs a name"),
        ({"jobs": {}}, "at least one job"),
        ({"jobs": {"a": "x"}}, r"jobs\['a'\]='x': give a name and an EZBatchJob"),
        ({"dependencies": {"a": "a"}}, "give a list of jobs' names"),
        ({"dependencies": "a"}, "give a mapping"),
        ({"local_buckets": {"b": ""}}, r"local_buckets\['b'\]=''"),
    ],
)
def test_a_workflow_that_cannot_work_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        EZBatchWorkflow(**{"name": "w", "jobs": {"a": EZBatchJob("u", "x")}, **arguments})


def test_an_engine_that_is_not_there_is_named(world: World) -> None:
    with pytest.raises(InvalidInput, match="engine 'awz' is not known"):
        diamond().submit(engine="awz")
