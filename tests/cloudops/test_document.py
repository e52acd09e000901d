"""Every code block of the document that CloudClient is known from, as it stands there, with real task processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch_helpers.cloudops import CloudClient
from batch_helpers.job import Status
from tests.azure.fake_batch import FakeBatch

pytestmark = pytest.mark.slow


def written(fake: FakeBatch, job: str, task: str) -> str:
    return (fake.service.folder(job, task) / "stdout.txt").read_text()


def test_the_simplest_example(azure: FakeBatch) -> None:
    client = CloudClient()
    client.create_job(
        job_name = "test-job-1",
        pool_name = "test-pool-exists"
    )  # fmt: skip
    job = azure.service.jobs["test-job-1"]
    assert job["state"] == "active"
    assert job["poolInfo"] == {"poolId": "test-pool-exists"}
    assert job["usesTaskDependencies"] is True
    assert job["constraints"] == {"maxTaskRetryCount": 0}
    assert job["onAllTasksComplete"] == "noaction"


def test_a_complex_example(azure: FakeBatch, blobs: object) -> None:
    CloudClient().create_blob_container("output-test")
    client = CloudClient()
    client.create_job(
        job_name = "test-job-1",
        pool_name = "test-pool-exists",
        uses_deps = True,
        save_logs_to_blob = "output-test",
        logs_folder = "logs",
        mark_complete_after_tasks_run = True,
        task_retries = 1
    )  # fmt: skip
    task = client.add_task("test-job-1", "echo kept; test -e again || { touch again; exit 1; }")
    summary = client.monitor_job("test-job-1", interval=0.05)
    assert (summary.exit_code, summary.counts[Status.SUCCEEDED]) == (0, 1)
    info = azure.service.tasks["test-job-1"]["task-1"]["executionInfo"]
    assert (info["retryCount"], info["exitCode"]) == (1, 0)
    assert client.check_job_status("test-job-1") == "complete"
    names = client.list_blob_files("output-test", "logs")
    assert names == [f"logs/test-job-1/{task}/stderr.txt", f"logs/test-job-1/{task}/stdout.txt"]
    client.download_file(names[1], "log.txt", "output-test")
    assert Path("log.txt").read_text() == "kept\n"


def test_a_simple_example(azure: FakeBatch) -> None:
    CloudClient().create_job("first-job", "pool")
    client = CloudClient()
    client.add_task(
        job_name = "first-job",
        command_line = "echo 'hello, world'"
    )  # fmt: skip
    client.add_task(
        job_name = "first-job",
        command_line = "python3 --version"
    )  # fmt: skip
    assert client.monitor_job("first-job", interval=0.05).exit_code == 0
    assert written(azure, "first-job", "task-1") == "hello, world\n"
    assert written(azure, "first-job", "task-2").startswith("Python 3.")


@pytest.mark.parametrize("first_fails", [True, False])
def test_tasks_with_dependencies(
    azure: FakeBatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first_fails: bool
) -> None:
    """The second script depends on the first, but runs even if the first one fails."""
    order = tmp_path / "order"
    bin_folder = scripts(
        tmp_path, f"open({str(order)!r}, 'a').write('1'); raise SystemExit({int(first_fails)})",
        f"open({str(order)!r}, 'a').write('2')",
    )  # fmt: skip
    monkeypatch.setenv("PATH", f"{bin_folder}:/usr/local/bin:/usr/bin:/bin", prepend=":")
    CloudClient().create_job("first-job", "pool")
    client = CloudClient()
    task_id = client.add_task(
        job_name = "first-job",
        command_line = "python3 first_task.py"
    )  # fmt: skip
    client.add_task(
        job_name = "first-job",
        command_line = "python3 second_task.py",
        depends_on = [task_id],
        run_dependent_tasks_on_fail = True
    )  # fmt: skip
    summary = client.monitor_job("first-job", interval=0.05)
    assert order.read_text() == "12"
    assert client.get_task_status("first-job", "task-2") is Status.SUCCEEDED
    assert [detail.short_name for detail in summary.failed] == (["task-1"] if first_fails else [])
    assert summary.exit_code == int(first_fails)


def scripts(tmp_path: Path, first: str, second: str) -> Path:
    """A python3 that finds the document's scripts, which every node would have in its image."""
    folder = tmp_path / "image"
    folder.mkdir()
    (folder / "first_task.py").write_text(first)
    (folder / "second_task.py").write_text(second)
    shim = folder / "python3"
    shim.write_text(f'#!/bin/sh\ncd {folder} && PATH="${{PATH#*:}}" exec python3 "$@"\n')
    shim.chmod(0o755)
    return folder
