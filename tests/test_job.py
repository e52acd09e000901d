"""What a job is, what makes two of them the same work, and what is refused when one is made."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from batch_helpers.errors import InvalidJob
from batch_helpers.job import NAME_LIMIT, Job, JobDetail, Status, sanitized
from batch_helpers.uris import canonical_uri

BASE = {"command": ["align", "s1"], "job_definition": "align:3", "outputs": ["s3://b/s1.bam"]}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("command", ["align", "s2"]),
        ("job_definition", "align:4"),
        ("parameters", {"a": "1"}),
        ("environment", {"A": "1"}),
        ("inputs", ["s3://b/s1.fq"]),
        ("outputs", ["s3://b/s1.cram"]),
    ],
)
def test_what_the_work_is_makes_another_fingerprint(field: str, value: object) -> None:
    assert Job("a", **{**BASE, field: value}).fingerprint != Job("a", **BASE).fingerprint


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "other"), ("job_queue", "q2"), ("vcpus", 8), ("memory", 9000), ("gpus", 1), ("attempts", 3),
        ("timeout", 600), ("tags", {"a": "b"}), ("depends_on", ["id"]), ("stage", "x"), ("intermediate", True),
        ("run_dependents_on_fail", True),
    ],
)  # fmt: skip
def test_what_the_work_needs_does_not(field: str, value: object) -> None:
    assert Job(**{"name": "a", **BASE, field: value}).fingerprint == Job("a", **BASE).fingerprint


def test_the_fingerprint_is_the_same_in_every_process() -> None:
    pinned = "86644e240d38993f37530341aa95f4657afea48aded194e0c656f20ebf55aea6"
    assert Job("a", **BASE).fingerprint == pinned, "active jobs of an older release would not be found again"


def test_an_image_and_a_definition_of_one_name_are_different_work() -> None:
    assert Job("a", image="x", command=["c"]).fingerprint != Job("a", job_definition="x", command=["c"]).fingerprint


def test_a_relative_output_is_another_file_in_another_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Job("a", command=["c"], outputs=["o.txt"]).fingerprint
    monkeypatch.chdir(tmp_path)
    assert Job("a", command=["c"], outputs=["o.txt"]).fingerprint != here
    assert (
        Job("a", command=["c"], outputs=[str(tmp_path / "o.txt")]).fingerprint
        == Job("a", command=["c"], outputs=["./o.txt"]).fingerprint
    )


@pytest.mark.parametrize("uri", ["file:///data/a%20b.txt", "FILE:///data/a b.txt", "file://localhost/data/./a b.txt"])
def test_one_file_has_one_spelling(uri: str) -> None:
    assert canonical_uri(uri) == canonical_uri("/data//a b.txt") == "/data/a b.txt"


def test_the_fingerprint_rides_in_a_name_that_every_service_takes() -> None:
    job = Job("sämple 7/über alles " + "x" * 200, command=["c"])
    assert len(job.full_name) == NAME_LIMIT
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*-[0-9a-f]{16}", job.full_name)
    assert JobDetail("id", job.full_name, Status.RUNNING).key == job.key


def test_a_name_of_nothing_but_odd_characters_is_still_a_name() -> None:
    assert sanitized("§§§") == "job"
    assert sanitized("--a b__") == "a-b"


def test_two_names_that_become_equal_stay_two_jobs() -> None:
    one, two = Job("s 1", command=["c", "1"]), Job("s-1", command=["c", "2"])
    assert sanitized(one.name) == sanitized(two.name)
    assert one.full_name != two.full_name


def test_a_job_that_was_not_ours_has_no_key() -> None:
    assert JobDetail("id", "somebody-elses-job", Status.RUNNING).key is None
    assert JobDetail("id", "somebody-elses-job", Status.RUNNING).short_name == "somebody-elses-job"


def test_a_string_is_a_shell_command() -> None:
    assert Job("a", command="echo 'a b' | wc; true").command == ("/bin/sh", "-c", "echo 'a b' | wc; true")


def test_numbers_and_paths_in_an_environment_become_text() -> None:
    job = Job("a", environment={"N": 4, "F": 0.5, "P": Path("/x"), "S": "s"})
    assert dict(job.environment) == {"N": "4", "F": "0.5", "P": "/x", "S": "s"}


def test_one_output_may_be_given_bare() -> None:
    assert Job("a", outputs="s3://b/k").outputs == ("s3://b/k",)
    assert Job("a", outputs=[Path("x/y.txt")]).outputs == ("x/y.txt",)


def test_a_job_cannot_be_changed() -> None:
    job = Job("a", environment={"A": "1"})
    with pytest.raises(AttributeError):
        job.name = "b"  # type: ignore[misc]
    with pytest.raises(TypeError):
        job.environment["A"] = "2"  # type: ignore[index]


def test_changing_what_was_given_does_not_change_the_job() -> None:
    outputs, environment = ["s3://b/1"], {"A": "1"}
    job = Job("a", outputs=outputs, environment=environment)
    outputs.append("s3://b/2")
    environment["A"] = "2"
    assert job.outputs == ("s3://b/1",)
    assert job.environment["A"] == "1"


def test_bound_is_the_same_work_with_its_queue_and_dependencies() -> None:
    job = Job("a", **BASE, depends_on=[Job("b")])
    bound = job.bound("q", ["id-1"])
    assert (bound.job_queue, bound.depends_on, bound.fingerprint) == ("q", ("id-1",), job.fingerprint)
    assert job.job_queue is None


def test_dependencies_may_be_one_thing_and_none_is_ignored() -> None:
    other = Job("b")
    assert Job("a", depends_on=other).depends_on == (other,)
    assert Job("a", depends_on="id").depends_on == ("id",)
    assert Job("a", depends_on=None).depends_on == ()
    assert Job("a", depends_on=[None, "id", other, "id"]).depends_on == ("id", other)


@pytest.mark.parametrize(
    ("name", "stage"),
    [("align-s1", "align"), ("align_s1", "align"), ("align", "align"), ("-odd", "-odd")],
)
def test_the_stage_is_read_off_the_name(name: str, stage: str) -> None:
    assert Job(name).group == stage


def test_a_stage_or_a_definition_goes_before_the_name() -> None:
    assert Job("align-s1", job_definition="def:3").group == "def:3"
    assert Job("align-s1", job_definition="def:3", stage="first").group == "first"


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("name", "", "a job needs a name"),
        ("name", 7, "a job needs a name"),
        ("command", ["a", 1], "every word must be a string; 1 is int"),
        ("command", {"a": 1}, "give a list of strings"),
        ("command", 7, "give a list of strings"),
        ("command", "  ", "the command is empty"),
        ("command", ["a\0b"], "NUL"),
        ("vcpus", 0, "give a positive number of vCPUs"),
        ("vcpus", -1, "give a positive number of vCPUs"),
        ("vcpus", math.nan, "give a positive number of vCPUs"),
        ("vcpus", "4", "give a positive number of vCPUs"),
        ("vcpus", True, "give a positive number of vCPUs"),
        ("memory", 0, "give a positive whole number of MiB"),
        ("memory", 1.5, "give a positive whole number of MiB"),
        ("memory", "8 GB", "give a positive whole number of MiB"),
        ("gpus", -1, "give a whole number of GPUs"),
        ("attempts", 0, "give a whole number from 1 to 10"),
        ("attempts", 11, "give a whole number from 1 to 10"),
        ("timeout", 0, "give a positive whole number of seconds"),
        ("timeout", math.inf, "give a positive whole number of seconds"),
        ("job_definition", "", "give a non-empty string"),
        ("job_queue", 3, "give a non-empty string"),
        ("environment", {"A": None}, "A=None must be a string"),
        ("environment", {"A": math.nan}, "A=nan must be a string"),
        ("environment", {1: "a"}, "the name 1 must be a non-empty string"),
        ("parameters", ["a"], "give a mapping"),
        ("tags", {"a": ["b"]}, "must be a string"),
        ("outputs", ["s3://b/folder/"], "is a folder"),
        ("outputs", ["results/."], "is a folder"),
        ("outputs", ["s3://b/*.bam"], "is a pattern"),
        ("outputs", ["s3://b/s[12].bam"], "is a pattern"),
        ("outputs", ["s3://bucket"], "names no object"),
        ("outputs", ["s3:///key"], "names no object"),
        ("outputs", ["s3:/b/key"], "write two slashes"),
        ("outputs", ["file://data/a.txt"], "names another machine: write three slashes"),
        ("outputs", ["file://["], "names another machine"),
        ("outputs", ["/a\0b"], "has a NUL character"),
        ("outputs", [""], "is not a URI or a path"),
        ("outputs", [7], "is not a URI or a path"),
        ("outputs", {"a": "b"}, "give a list of URIs"),
        ("depends_on", [3], "is neither a jobId nor a Job"),
        ("depends_on", [""], "is neither a jobId nor a Job"),
        ("depends_on", 3, "give a list of jobIds"),
    ],
)
def test_a_bad_value_is_refused_with_the_field_the_value_and_what_to_do(
    field: str, value: object, problem: str
) -> None:
    with pytest.raises(InvalidJob, match=re.escape(problem)) as caught:
        Job(**{"name": "s7", field: value})
    assert f"{field}=" in str(caught.value)
    assert caught.value.field == field


def test_a_definition_and_an_image_at_once_are_refused() -> None:
    with pytest.raises(InvalidJob, match="give either image or job_definition"):
        Job("a", image="x", job_definition="y")


def test_a_huge_value_is_shortened_in_the_message() -> None:
    with pytest.raises(InvalidJob) as caught:
        Job("a", command=["x" * 100_000, 3])
    assert len(str(caught.value)) < 1000
