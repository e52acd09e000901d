"""luigi.contrib.batch."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch_helpers.serve.endpoint import Endpoint
from tests.serve.clients.others import installed, run
from tests.serve.fixtures import client, define

pytestmark = pytest.mark.slow

_TASKS = """
import os, sys
import luigi
from luigi.contrib.batch import BatchTask

class Base(BatchTask):
    name = luigi.Parameter()
    job_definition = "work"
    poll_time = 1

    def output(self):
        return luigi.LocalTarget(os.path.join(sys.argv[1], self.name))

    @property
    def parameters(self):
        return {"out": self.output().path}

class Gather(Base):
    def requires(self):
        return [Base(name="a"), Base(name="b")]

done = luigi.build([Gather(name="all")], local_scheduler=True, workers=2, log_level="WARNING")
sys.exit(0 if done else 1)
"""


def build(environment: dict[str, str], place: Path, *, good: bool = True) -> str:
    """Run the tasks; what luigi says."""
    (place / "tasks.py").write_text(_TASKS)
    done = run([str(installed("luigi") / "python"), "tasks.py", str(place / "out")], environment, place, good=good)
    return done.stdout + done.stderr


def test_tasks_run_as_jobs_and_run_once(environment: dict[str, str], batch_endpoint: Endpoint, tmp_path: Path) -> None:
    define(client(batch_endpoint), command=["sh", "-c", 'mkdir -p "${1%/*}"; echo done > "$1"', "sh", "Ref::out"])
    for _ in range(2):
        build(environment, tmp_path)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a", "all", "b"]
    assert batch_endpoint.counters.requests["SubmitJob"] == 3


def test_a_failed_job_fails_its_task_with_the_log(
    environment: dict[str, str], batch_endpoint: Endpoint, tmp_path: Path
) -> None:
    define(client(batch_endpoint), command=["sh", "-c", "echo out of reagents; exit 3"])
    said = build(environment, tmp_path, good=False)
    assert "failed: out of reagents" in said


@pytest.mark.xfail(
    strict=True, raises=AssertionError, reason="luigi 3.8 takes jobs[0] of a DescribeJobs that may be empty: IndexError"
)
def test_a_job_that_is_not_described_at_once_is_waited_for(
    environment: dict[str, str], batch_endpoint: Endpoint, tmp_path: Path
) -> None:
    define(client(batch_endpoint), command=["sh", "-c", 'mkdir -p "${1%/*}"; echo done > "$1"', "sh", "Ref::out"])
    batch_endpoint.faults.hide_new_jobs(seconds=2, times=None)
    build(environment, tmp_path)
