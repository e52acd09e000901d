"""The helper on Azure Batch: a cohort with its dependencies, run twice, killed, and cancelled."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from batch_helpers.azure_client import AzureAccess
from batch_helpers.engine_helpers import AzureBatchHelper, connect
from batch_helpers.engines.azure import AzureEngine
from batch_helpers.engines.azure.limits import MAX_DEPENDENCIES
from batch_helpers.helper import BatchHelper
from batch_helpers.job import Job, Status
from batch_helpers.stores import StoreRouter
from tests.azure.fake_batch import FakeBatch
from tests.azure.fixtures import Sleeps

pytestmark = pytest.mark.slow


def helper(access: AzureAccess, sleeps: Sleeps, pool: str = "pool") -> BatchHelper:
    engine = AzureEngine(access, pool=pool, sleep=sleeps)
    return BatchHelper(engine, StoreRouter(), job_queue="run", stdout=io.StringIO())


def cohort(tmp_path: Path, samples: int = 5) -> list[Job]:
    def touch(name: str, *upstream: Job) -> Job:
        out = str(tmp_path / "out" / name)
        return Job(name, command=f"mkdir -p '{tmp_path}/out' && touch '{out}'", outputs=[out], depends_on=upstream)

    first = [touch(f"align-{number}") for number in range(samples)]
    return [*first, touch("gather", *first)]


def test_a_cohort_runs_and_the_second_time_nothing_does(
    fake: FakeBatch, access: AzureAccess, sleeps: Sleeps, tmp_path: Path
) -> None:
    run = helper(access, sleeps)
    run.add_jobs(cohort(tmp_path))
    summary = run.monitor(interval=0.02)
    assert (summary.exit_code, summary.counts[Status.SUCCEEDED]) == (0, 6)
    again = helper(access, sleeps)
    assert again.add_jobs(cohort(tmp_path)) == [None] * 6
    assert len(fake.service.tasks["run"]) == 6


def test_a_second_script_reuses_what_is_active(
    fake: FakeBatch, access: AzureAccess, sleeps: Sleeps, tmp_path: Path
) -> None:
    first = helper(access, sleeps, "empty").add_jobs(cohort(tmp_path))
    again = helper(access, sleeps, "empty")
    assert again.add_jobs(cohort(tmp_path)) == first
    assert len(fake.service.tasks["run"]) == 6
    assert len(again.cancel(cohort(tmp_path))) == 6
    assert not list(AzureEngine(access, pool="empty").active(["run"]))


def test_a_failed_upstream_fails_what_waits_and_the_next_run_tries_both_again(
    fake: FakeBatch, access: AzureAccess, sleeps: Sleeps, tmp_path: Path
) -> None:
    ready, out = tmp_path / "ready", tmp_path / "out"

    def jobs() -> list[Job]:
        first = Job("first", command=f"test -e '{ready}' && touch '{out}-1'", outputs=[f"{out}-1"])
        return [first, Job("second", command=f"touch '{out}-2'", outputs=[f"{out}-2"], depends_on=[first])]

    run = helper(access, sleeps)
    run.add_jobs(jobs())
    summary = run.monitor(interval=0.02)
    assert [detail.short_name for detail in summary.failed] == ["first", "second"]
    ready.touch()
    again = helper(access, sleeps)
    ids = again.add_jobs(jobs())
    assert all(str(job_id).endswith("-2") for job_id in ids)
    assert again.monitor(interval=0.02).exit_code == 0


def test_more_dependencies_than_a_task_may_name_are_held_until_they_fit(
    fake: FakeBatch, access: AzureAccess, sleeps: Sleeps, tmp_path: Path
) -> None:
    fake.service.add_pool("wide", slots=16)
    run = helper(access, sleeps, "wide")
    jobs = [Job(f"{'x' * 60}-{number}", command=["true", str(number)]) for number in range(MAX_DEPENDENCIES + 100)]
    ids = run.add_jobs([*jobs, Job("gather", command=["true", "gather"], depends_on=jobs)])
    assert str(ids[-1]).startswith("held:")
    summary = run.monitor(interval=0.2)
    assert (summary.exit_code, summary.counts[Status.SUCCEEDED]) == (0, MAX_DEPENDENCIES + 101)


def test_as_many_dependencies_as_are_not_held_are_taken_by_the_service(
    fake: FakeBatch, access: AzureAccess, sleeps: Sleeps
) -> None:
    run = helper(access, sleeps, "empty")
    jobs = [Job(f"{'x' * 60}-{number}", command=["true", str(number)]) for number in range(MAX_DEPENDENCIES)]
    ids = run.add_jobs([*jobs, Job("gather", command=["true", "gather"], depends_on=jobs)])
    assert str(ids[-1]).startswith("run/gather-")


def test_the_azure_helper_is_made_by_its_name(access: AzureAccess) -> None:
    made = connect("azure", job_queue="run", pool="pool", access=access)
    assert isinstance(made, AzureBatchHelper)
    assert made.engine.name == "azure"
