"""FACTS: the bugs of the original, one test for each."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from batch_helpers import preloader
from batch_helpers.s3 import S3Mount, S3Mounts
from batch_helpers.workflow import EZBatchJob, EZBatchWorkflow


def test_recursive_false_once_copied_recursively() -> None:
    """Its behaviour in a container is a test of the preloader: one object becomes one file and not more."""
    mount = S3Mount("s3://bucket/x", "/x", recursive=False)
    assert "--recursive" not in mount.arguments
    assert preloader.copies(S3Mounts(read=[mount]))[0][:2] == ["get", "file"]


def test_splitting_commands_at_spaces_once_broke_every_quote() -> None:
    job = EZBatchJob("ubuntu", """python -c 'print("a  b")' && echo "it's"; exit 3""")
    ended = subprocess.run(job.to_definition()["command"], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (3, "a  b\nit's\n")


def test_a_chain_of_150_jobs_was_once_reported_as_a_loop() -> None:
    names = [f"job-{number}" for number in range(150)]
    chain = {after: [before] for before, after in pairwise(names)}
    assert EZBatchWorkflow.job_submission_queue(names[::-1], chain) == names


def test_a_loaded_workflow_was_once_another_one(tmp_path: Path) -> None:
    """Its mounts' options had grown by one --recursive at each loading."""
    mounts = S3Mounts(read=[{"source": "s3://bucket/x", "destination": "/x", "recursive": True, "sse": "AES256"}])
    workflow = EZBatchWorkflow("w", {"_private": EZBatchJob("ubuntu", "x", {"_A": "1"}, mounts=mounts, preloader=True)})
    for _ in range(3):
        workflow.save(tmp_path / "w.json")
        loaded = EZBatchWorkflow.load(tmp_path / "w.json")
        assert loaded == workflow
        assert loaded.jobs["_private"].to_definition() == workflow.jobs["_private"].to_definition()
        workflow = loaded


@pytest.mark.slow
def test_the_preloader_once_exited_0_when_both_copies_had_failed() -> None:
    lines = preloader.mount_lines(
        S3Mounts(
            read=[{"source": "s3://bucket/x", "destination": "/tmp/never"}],
            write=[{"source": "/tmp/never", "destination": "s3://bucket/x"}],
        )
    )
    environment = {"PATH": "/usr/bin:/bin", "EZBATCH_COMMAND": "echo ran", "EZBATCH_S3_MOUNTS": lines}
    environment |= {"EZBATCH_PYTHON": sys.executable, "EZBATCH_TRANSFER": "raise SystemExit(1)"}
    ended = subprocess.run(["/bin/sh", "-c", preloader.script()], env=environment, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (preloader.DOWNLOAD_FAILED, "")


def test_building_a_job_once_called_s3(monkeypatch: pytest.MonkeyPatch) -> None:
    import botocore.session

    monkeypatch.setattr(botocore.session.Session, "create_client", None)
    mounts = S3Mounts(write=[{"source": "/x", "destination": "s3://no-such-bucket/x"}])
    EZBatchJob("ubuntu", "x", mounts=mounts, preloader=True)


def test_importing_once_needed_a_region_and_credentials_and_loaded_the_sdk() -> None:
    code = "import sys, batch_helpers.workflow, batch_helpers.s3; print({'boto3', 'pandas', 'rich'} & set(sys.modules))"
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == ("set()\n", "")
