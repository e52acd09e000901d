"""Workflows as JSON files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_helpers.errors import CycleError, InvalidInput, UnknownDependency
from batch_helpers.s3 import S3Mounts
from batch_helpers.workflow import EZBatchJob, EZBatchWorkflow
from batch_helpers.workflow.document import from_document, to_document

SMALL: dict[str, Any] = {"name": "w", "jobs": {"a": {"image": "ubuntu", "command": "x"}}}

texts = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), min_size=1).filter(str.strip)
paths = st.from_regex(r"/[a-z ']{1,8}(/[a-zé]{1,4})?", fullmatch=True)
uris = st.from_regex(r"s3://[a-z]{3,9}/[a-z é']{1,9}", fullmatch=True)
mounts = st.builds(
    S3Mounts,
    read=st.lists(
        st.fixed_dictionaries({"source": uris, "destination": paths, "recursive": st.booleans()}), max_size=2
    ),
    write=st.lists(
        st.fixed_dictionaries({"source": paths, "destination": uris}, optional={"sse": st.just("aws:kms")}), max_size=2
    ),
)
jobs = st.builds(
    EZBatchJob,
    image=st.sampled_from(["ubuntu", "public.ecr.aws/x/y:1"]),
    command=st.one_of(texts, st.lists(texts, min_size=1)),
    environment=st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), texts, max_size=2),
    mounts=mounts,
    vcpus=st.sampled_from([1, 2]),
    memory=st.just(4096),
    storage_size=st.one_of(st.none(), st.integers(21, 200)),
    queue=st.one_of(st.none(), texts),
    preloader=st.booleans(),
    attempts=st.integers(1, 10),
    retry=st.sampled_from(["any", "spot"]),
)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(texts, jobs, min_size=1, max_size=3), texts)
def test_nothing_is_lost_on_the_way(some: dict[str, EZBatchJob], name: str) -> None:
    names = list(some)
    workflow = EZBatchWorkflow(name, some, {names[-1]: names[:-1]}, {"bucket": "folder"})
    assert from_document(json.loads(json.dumps(to_document(workflow)))) == workflow


def test_a_file_and_back(tmp_path: Path) -> None:
    workflow = EZBatchWorkflow(
        "wörk", {"a b": EZBatchJob("ubuntu", "echo 'ü'"), "c": EZBatchJob("ubuntu", ["x"])}, {"c": ["a b"]}
    )
    workflow.save(tmp_path / "w.json")
    assert EZBatchWorkflow.load(str(tmp_path / "w.json")) == workflow
    assert json.loads((tmp_path / "w.json").read_text())["schema_version"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["w.json"]


def test_saving_again_what_was_loaded_gives_the_same_file(tmp_path: Path) -> None:
    EZBatchWorkflow("w", {"a": EZBatchJob("u", "x", preloader=True)}).save(tmp_path / "1.json")
    EZBatchWorkflow.load(tmp_path / "1.json").save(tmp_path / "2.json")
    assert (tmp_path / "1.json").read_bytes() == (tmp_path / "2.json").read_bytes()


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    workflow = EZBatchWorkflow("w", {"a": EZBatchJob("u", "x")})
    with pytest.raises(InvalidInput, match="cannot be written: No such file or directory"):
        workflow.save(tmp_path / "no-folder" / "w.json")


def test_a_workflow_that_could_not_be_loaded_is_not_saved(tmp_path: Path) -> None:
    circle = EZBatchWorkflow("w", {"a": EZBatchJob("ubuntu", "x")})
    circle.dependencies["a"] = ["a"]
    with pytest.raises(CycleError):
        circle.save(tmp_path / "w.json")
    assert not (tmp_path / "w.json").exists()


def test_a_file_of_the_original_is_read(tmp_path: Path) -> None:
    """It has no schema version, and null where there is nothing."""
    job = {
        "image": "ubuntu",
        "command": "echo 1",
        "environment": {},
        "mounts": {"read": [], "write": []},
        "vcpus": 1,
        "memory": 2048,
        "storage_size": None,
        "platform": "FARGATE",
        "tags": {},
        "queue": None,
        "preloader": False,
    }
    path = tmp_path / "w.json"
    path.write_text(json.dumps({"name": "w", "jobs": {"job1": job}, "dependencies": {}}))
    assert EZBatchWorkflow.load(path) == EZBatchWorkflow("w", {"job1": EZBatchJob("ubuntu", "echo 1")})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"name": "w",\n "jobs": {,}}', r"w.json: line 2, column 11: not JSON"),
        ("", "line 1, column 1: not JSON"),
        ("[" * 100_000, "w.json: it is nested too deeply"),
        ("[]", r"w.json: the file: must be an object, \{…\}, and is \[\]"),
        ('{"name": "w", "jobs": {"a": {"image": "u", "command": "x"}, "a": {}}}', "the key 'a' stands twice"),
        ('{"name": "w", "jobs": {"a": {"image": "u", "command": "x", "memory": NaN}}}', "NaN is not JSON"),
        ('{"name": "w", "jobs": {"a": {"image": "u", "command": "\\ud800"}}}', "surrogates not allowed"),
        ('{"name": %s}' % ("9" * 5000), "w.json: cannot be used: Exceeds the limit"),
        ('{"name": "w", "jobs": {"a": {"image": "u", "command": "x", "vcpus": %s}}}' % ("9" * 400), "jobs.a: .*vcpus"),
    ],
)
def test_text_that_is_no_such_json_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "w.json"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=message):
        EZBatchWorkflow.load(path)


def test_bytes_that_are_no_text_and_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read: No such file"):
        EZBatchWorkflow.load(tmp_path / "w.json")
    (tmp_path / "w.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(InvalidInput, match="not UTF-8"):
        EZBatchWorkflow.load(tmp_path / "w.json")


def changed(**changes: Any) -> dict[str, Any]:
    return {**SMALL, **changes}


def job(**changes: Any) -> dict[str, Any]:
    return changed(jobs={"align": {"image": "ubuntu", "command": "x", **changes}})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (changed(schema_version=2), "schema_version=2: written by a newer batch_helpers, and this one reads up to 1"),
        (changed(schema_version="1"), "schema_version='1': must be a whole number"),
        (changed(schema_version=0), "schema_version=0: must be a whole number"),
        (changed(dependancies={}), "unknown key 'dependancies'; did you mean 'dependencies'"),
        ({"jobs": SMALL["jobs"]}, "'name' is missing"),
        ({"name": "w"}, "'jobs' is missing"),
        (changed(name=""), "name='': a workflow needs a name"),
        (changed(name=3), "name=3: a workflow needs a name"),
        (changed(jobs={}), "a workflow needs at least one job"),
        (changed(jobs=[]), "jobs: must be an object"),
        (changed(jobs={"a": "x"}), "jobs.a: the job: must be an object"),
        (changed(jobs={"align": {"command": "x"}}), "jobs.align: 'image' is missing"),
        (job(comand="y"), "jobs.align: unknown key 'comand'; did you mean 'command'"),
        (job(vcpus="1"), "jobs.align: .*vcpus='1'"),
        (job(memory=3000), "jobs.align: .*memory=3000: Fargate does not pair"),
        (
            job(mounts={"read": [{"source": "s3://b-1/x"}]}),
            r"jobs.align: .*mounts: read\[0\]: 'destination' is missing",
        ),
        (job(mounts={"wirte": []}), "jobs.align: .*mounts: unknown key 'wirte'; did you mean 'write'"),
        (job(environment={"AWS_BATCH_X": ""}), "jobs.align: .*AWS_BATCH"),
        (job(preloader=1), "jobs.align: .*preloader=1: give true or false"),
        (changed(dependencies=[]), "dependencies: must be an object"),
        (changed(dependencies={"a": "b"}), r"dependencies\['a'\]='b': give a list"),
        (changed(dependencies={"a": [3]}), r"dependencies\['a'\]: 3 is no job's name"),
        (changed(local_buckets={"b": 3}), r"local_buckets\['b'\]=3: give the folder"),
    ],
)
def test_what_is_not_known_is_refused_with_its_place(data: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        from_document(data)


def test_dependencies_are_checked_when_a_file_is_read() -> None:
    with pytest.raises(UnknownDependency, match="'a' depends on 'b', which does not exist"):
        from_document(changed(dependencies={"a": ["b"]}))
    with pytest.raises(
        UnknownDependency, match=r"dependencies\['aa'\]: there is no job of that name; did you mean 'a'"
    ):
        from_document(changed(dependencies={"aa": ["a"]}))
    with pytest.raises(CycleError, match="a -> a"):
        from_document(changed(dependencies={"a": ["a"]}))
