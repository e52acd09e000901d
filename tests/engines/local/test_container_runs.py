"""Jobs in their images, with a stand-in for docker that notes how it is called and runs the command."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from batch_helpers.job import Job, Status
from tests.engines.local.workshop import Workshop, until

pytestmark = pytest.mark.slow

# The container is a process of its own session, which outlives the client as a container of dockerd does.
DOCKER = """#!/usr/bin/env python3
import json, os, signal, subprocess, sys, time
home = os.path.dirname(os.path.abspath(__file__))
words = sys.argv[1:]
with open(f"{home}/calls", "a") as calls:
    calls.write(json.dumps(words) + "\\n")
if words[0] == "rm":
    try:
        os.killpg(int(open(f"{home}/{words[-1]}").read()), signal.SIGKILL)
    except (FileNotFoundError, ProcessLookupError):
        sys.exit(1)
    sys.exit(0)
name, command = words[words.index("--name") + 1], words[words.index("the/image:1") + 1:]
passed = [words[place + 1] for place, word in enumerate(words) if word == "--env"]
environment = {key: os.environ[key] for key in passed}
environment["PATH"] = "/usr/bin:/bin"
container = subprocess.Popen(command, start_new_session=True, env=environment)
with open(f"{home}/{name}", "w") as note:
    note.write(str(container.pid))
sys.exit(container.wait())
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on PATH with a docker in it."""
    folder = tmp_path / "runtime"
    folder.mkdir()
    (folder / "docker").write_text(DOCKER)
    (folder / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def calls(docker: Path) -> list[list[str]]:
    try:
        return [json.loads(line) for line in (docker / "calls").read_text().splitlines()]
    except FileNotFoundError:
        return []


def options(call: list[str], name: str) -> list[str]:
    return [call[place + 1] for place, word in enumerate(call) if word == name]


def test_a_job_runs_in_its_image_with_its_folders_variables_and_limits(
    workshop: Workshop, work: Path, docker: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (work / "in").mkdir()
    (work / "in" / "file").write_text("data")
    job = Job(
        "a",
        image="the/image:1",
        command="cat in/file > out/file; echo $COLOR $AWS_BATCH_JOB_ATTEMPT $HOME",
        environment={"COLOR": "blue"},
        inputs=["in/file", "in", "s3://bucket/x"],
        outputs=["out/file", "s3://bucket/y"],
        vcpus=1,
        memory=64,
    )
    [detail] = workshop.run(job, containers="docker")
    assert (detail.status, workshop.log(detail.job_id)) == (Status.SUCCEEDED, ["blue 1"])
    assert (work / "out" / "file").read_text() == "data"
    [call] = calls(docker)
    mounts = [f"type=bind,source={folder},target={folder}" for folder in (work, work / "out", work / "in")]
    assert options(call, "--mount") == mounts
    assert options(call, "--workdir") == [str(work)]
    assert "COLOR" in options(call, "--env")
    assert "AWS_BATCH_JOB_ID" in options(call, "--env")
    assert (options(call, "--cpus"), options(call, "--memory")) == (["1"], ["64m"])
    assert "directly" not in capsys.readouterr().err


def test_a_job_without_an_image_runs_directly(workshop: Workshop, docker: Path) -> None:
    [detail] = workshop.run(Job("a", command=["echo", "hi"]), containers="docker")
    assert workshop.log(detail.job_id) == ["hi"]
    assert calls(docker) == []


def test_terminating_a_job_ends_its_container_too(workshop: Workshop, work: Path, docker: Path) -> None:
    command = "echo half > out; echo $$ > pid; sleep 60"
    [job_id] = workshop.submit(Job("a", image="the/image:1", command=command, outputs=["out"]), containers="docker")
    until(lambda: (work / "pid").exists() and (work / "pid").read_text())
    workshop.engine().terminate([job_id], "enough")
    [detail] = workshop.ended([job_id])
    assert (detail.status, detail.reason) == (Status.FAILED, "enough")
    assert workshop.processes() == []
    assert not (work / "out").exists()
    assert calls(docker)[-1] == ["rm", "--force", f"batch-{job_id}-1"]


def test_a_container_that_outlives_its_supervisor_is_removed(workshop: Workshop, work: Path, docker: Path) -> None:
    command = "echo half > out; until test -e go; do sleep 0.02; done; echo whole > out"
    job = Job("a", image="the/image:1", command=command, outputs=["out"], attempts=2)
    [job_id] = workshop.submit(job, containers="docker")
    until((work / "out").exists)
    workshop.kill_supervisor()
    assert workshop.detail(job_id).attempts[0].reason.startswith("host terminated")
    assert ["rm", "--force", f"batch-{job_id}-1"] in calls(docker)
    (work / "go").touch()
    [detail] = workshop.ended([job_id])
    assert detail.status is Status.SUCCEEDED
    assert (work / "out").read_text() == "whole\n"


def test_a_failed_container_leaves_its_exit_code(workshop: Workshop, docker: Path) -> None:
    [detail] = workshop.run(Job("a", image="the/image:1", command="exit 7"), containers="docker")
    assert (detail.status, detail.exit_code) == (Status.FAILED, 7)
