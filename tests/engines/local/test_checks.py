"""What cannot run here is refused before anything is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batch_helpers.engines.local import LocalEngine
from batch_helpers.engines.local.checks import substituted
from batch_helpers.errors import InvalidInput, InvalidJob
from batch_helpers.job import Job
from batch_helpers.output import Output


@pytest.mark.parametrize(
    ("fields", "field", "problem"),
    [
        ({}, "command", "nothing to run"),
        ({"job_definition": "align:3"}, "command", "cannot look job definitions up"),
        ({"image": "alpine"}, "command", "without containers="),
        ({"command": ["", "x"]}, "command", "the program, is empty"),
        ({"command": ["echo", "Ref::a"], "parameters": {"a": "x\0y"}}, "command", "no process can be given"),
        ({"command": ["echo", "\ud800"]}, "command", "no process can be given"),
        ({"command": ["true"], "environment": {"A=B": "c"}}, "environment", "has a '='"),
        ({"command": ["true"], "environment": {"AWS_BATCH_JOB_ID": "c"}}, "environment", "is reserved"),
        ({"command": ["true"], "environment": {"A": "\0"}}, "environment", "no process can be given"),
        ({"command": ["true"], "environment": {"A\0": "b"}}, "environment", "no process can be given"),
        ({"command": ["true"], "outputs": ["a\ud800b"]}, "outputs", "no process can be given"),
        ({"command": ["true"], "inputs": ["a\0b"]}, "inputs", "no process can be given"),
        ({"command": ["true"], "outputs": ["x", "a"], "inputs": ["./a"]}, "outputs", "one of the job's inputs"),
        ({"command": ["true"], "job_queue": "a\nb"}, "job_queue", "cannot be printed"),
        ({"command": ["true"], "job_definition": "\ud800"}, "job_definition", "cannot be printed"),
    ],
)
def test_a_job_that_cannot_run_is_refused_with_its_field(
    tmp_path: Path, fields: dict[str, Any], field: str, problem: str
) -> None:
    engine = LocalEngine(tmp_path / "batch")
    jobs = [Job("good", command=["true"]), Job("bad", **fields)]
    for refuse in (engine.check, engine.submit):
        with pytest.raises(InvalidJob, match=problem) as caught:
            refuse(jobs)
        assert (caught.value.job, caught.value.field) == ("bad", field)
    assert not (tmp_path / "batch").exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"command": ["tool", "ü \udcff\n"]},
        {"command": ["true"], "job_definition": "align:3"},
        {"command": ["true"], "image": "alpine"},
        {"command": ["true"], "job_queue": "größer als/ (alles)"},
        {"command": ["true"], "outputs": ["s3://bucket/a", "b c"], "inputs": ["s3://bucket/b"]},
    ],
)
def test_a_job_that_can_run_is_not_refused(tmp_path: Path, fields: dict[str, Any]) -> None:
    LocalEngine(tmp_path / "batch").check([Job("good", **fields)])


def test_a_runtime_that_is_not_installed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    engine = LocalEngine(tmp_path / "batch", containers="podman")
    engine.check([Job("plain", command=["true"])])
    with pytest.raises(InvalidJob, match="'podman' is not on PATH: install it") as caught:
        engine.check([Job("boxed", command=["true"], image="alpine")])
    assert caught.value.field == "image"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"containers": "lxc"}, "containers='lxc': give one of docker, podman, apptainer"),
        ({"vcpus": 0}, "vcpus=0: give a positive number"),
        ({"memory": "8 GB"}, "memory='8 GB': give a positive number"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        LocalEngine(**options)


def test_making_an_engine_and_asking_it_writes_nothing(tmp_path: Path) -> None:
    engine = LocalEngine(tmp_path / "batch", sleep=lambda _: None, clock=iter(range(10)).__next__)
    assert list(engine.active(["local"])) == []
    assert engine.describe(["x"]) == {}
    assert list(engine.logs("x")) == []
    engine.terminate(["x"], "nothing")
    engine.wait(3)
    assert engine.submit([]) == []
    assert not (tmp_path / "batch").exists()


def test_parameters_take_the_place_of_their_references() -> None:
    parameters = {"in": "a b", "in-2": "c", "ref": "Ref::in"}
    command = ["x", "Ref::in", "--in=Ref::in,Ref::in-2", "Ref::unknown", "Ref::", "Ref::ref"]
    expected = ["x", "a b", "--in=a b,c", "Ref::unknown", "Ref::", "Ref::in"]
    assert substituted(command, parameters) == expected
    assert substituted(command, {}) == command


@pytest.mark.parametrize(
    ("folder", "inputs", "problem"),
    [
        ("work/", [], "the current directory lies in it"),
        ("work/here/", [], "the current directory lies in it"),
        ("home/", [], "your home lies in it"),
        ("link/", [], "your home lies in it"),
        ("parts/", ["parts/deep/x"], "the input parts/deep/x lies in it"),
    ],
)
def test_a_folder_of_which_all_files_would_go_must_be_the_jobs_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, inputs: list[str], problem: str
) -> None:
    for name in ("work/here", "home"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "home")
    monkeypatch.chdir(tmp_path / "work" / "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    given = [f"../../{name}" for name in inputs]
    job = Job("a", command=["true"], inputs=given, outputs=[Output(f"{tmp_path}/{folder}", count=2)])
    with pytest.raises(InvalidJob, match=problem.replace("parts/deep", "../../parts/deep")) as refused:
        LocalEngine(tmp_path / "batch").check([job])
    assert refused.value.field == "outputs"
    LocalEngine(tmp_path / "batch").check([Job("a", command=["true"], outputs=[Output("own/", count=2)])])
