"""Sweeps: one job for each combination, and their results as one table."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batch_helpers.errors import InvalidInput, NotFound
from batch_helpers.s3 import S3Mounts
from batch_helpers.testing import MemoryStore
from batch_helpers.workflow import EZBatchJob, EZBatchWorkflow, collect
from tests.workflow.conftest import World


def trained(**fields: Any) -> EZBatchJob:
    given: dict[str, Any] = {
        "image": "param-sweep",
        "command": "train /mnt/data {n_estimators} {max_depth} | awk '{print $1}' > ${n_estimators} {other}",
        "environment": {"DEPTH": "{max_depth}"},
        "mounts": S3Mounts(
            read=[{"source": "s3://my-bucket/data", "destination": "/mnt/data", "recursive": True}],
            write=[{"source": "/mnt/r.json", "destination": "s3://my-bucket/n{n_estimators}/d{max_depth}.json"}],
        ),
        "tags": {"trees": "{n_estimators}"},
        "preloader": True,
        **fields,
    }
    return EZBatchJob(**given)


OVER = {"n_estimators": [10, 50], "max_depth": [None, 5, 10]}


def test_there_is_one_job_for_each_combination() -> None:
    workflow = EZBatchWorkflow.sweep(trained(), OVER, name="forest")
    assert workflow.name == "forest"
    assert list(workflow.jobs) == [f"n_estimators-{n}-max_depth-{d}" for n in (10, 50) for d in (None, 5, 10)]
    job = workflow.jobs["n_estimators-10-max_depth-None"]
    assert job.command == "train /mnt/data 10 None | awk '{print $1}' > ${n_estimators} {other}"
    assert (job.environment, job.tags) == ({"DEPTH": "None"}, {"trees": "10"})
    assert job.expected == ("s3://my-bucket/n10/dNone.json",)


def test_names_and_outputs_go_by_template() -> None:
    job = trained(
        command=["train", "{n_estimators}", "{max_depth}", "--out", "{name}"], outputs=["s3://my-bucket/{name}.json"]
    )
    workflow = EZBatchWorkflow.sweep(job, OVER, job_name="train-n{n_estimators}-d{max_depth}")
    made = workflow.jobs["train-n50-d5"]
    assert made.command == ["train", "50", "5", "--out", "train-n50-d5"]
    assert made.expected == ("s3://my-bucket/train-n50-d5.json",)


def test_what_is_kept_of_a_failure_and_a_mounts_options_go_by_template_too() -> None:
    mount = {"source": "/mnt/r", "destination": "s3://my-bucket/{name}", "options": "--exclude {max_depth}.tmp"}
    job = trained(mounts=S3Mounts(write=[mount]), keep_failed="s3://my-bucket/failed/{name}")
    made = EZBatchWorkflow.sweep(job, OVER).jobs["n_estimators-10-max_depth-5"]
    assert made.keep_failed == "s3://my-bucket/failed/n_estimators-10-max_depth-5"
    assert made.mounts.writes[0].options == "--exclude 5.tmp"


@pytest.mark.parametrize(
    ("job", "over", "job_name", "message"),
    [
        (trained(), {}, None, "give a mapping of parameters"),
        (trained(), {"n_estimators": [], "max_depth": [1]}, None, r"over\['n_estimators'\] is empty"),
        (trained(), {"n_estimators": "10", "max_depth": [1]}, None, r"over\['n_estimators'\]='10': give a list"),
        (trained(), {"n_estimators": [{}], "max_depth": [1]}, None, "is neither a text nor a number"),
        (trained(), {"n-estimators": [1]}, None, "cannot be a parameter"),
        (trained(), {"name": [1]}, None, "cannot be a parameter"),
        (trained(), {**OVER, "rate": [1, 2]}, None, r"nothing in the job uses \{rate\}"),
        (trained(), OVER, "train-{n_estimators}", "two jobs would be called 'train-10'"),
        (trained(), {"n_estimators": [1, 1], "max_depth": [1]}, None, "two jobs would be called"),
        (
            trained(outputs=["s3://my-bucket/{n_estimators}.json"]),
            OVER,
            None,
            r"'n_estimators-10-max_depth-None' and 'n_estimators-10-max_depth-5' would both write .*: put \{name\}",
        ),
    ],
)
def test_a_sweep_that_cannot_work_is_refused(job: EZBatchJob, over: Any, job_name: str | None, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        EZBatchWorkflow.sweep(job, over, job_name=job_name)


def test_a_sweep_runs_twice_as_once(world: World) -> None:
    workflow = EZBatchWorkflow.sweep(trained(), OVER)
    workflow.submit(engine=world.script())
    assert workflow.monitor().exit_code == 0
    assert set(EZBatchWorkflow.sweep(trained(), OVER).submit(engine=world.script()).values()) == {None}


class TestCollect:
    @pytest.fixture
    def store(self) -> MemoryStore:
        store = MemoryStore()
        for number, kind in enumerate(["a", "b"]):
            text = json.dumps({"score": number / 2, "parameters": {"depth": None, "kind": kind}})
            store.write(f"s3://b/{kind}.json", text.encode())
        store.write("s3://b/many.json", b'[{"score": 1}, {"score": 2}]')
        store.write("s3://b/t.csv", b"score,note\n3,x\n4,\n")
        store.write("s3://b/t.tsv", b"score\tnote\n5\ty z\n")
        store.write("s3://b/l.jsonl", b'{"score": 6}\n\n{"score": 7}\n')
        return store

    def test_one_table_of_all_kinds(self, store: MemoryStore) -> None:
        uris = ["s3://b/b.json", "s3://b/many.json", "s3://b/t.csv", "s3://b/t.tsv", "s3://b/l.jsonl"]
        table = collect(uris, store=store)
        assert list(table.columns) == ["uri", "score", "parameters.depth", "parameters.kind", "note"]
        assert list(table["score"]) == [0.5, 1, 2, 3, 4, 5, 6, 7]
        assert list(table["uri"][:3]) == ["s3://b/b.json", "s3://b/many.json", "s3://b/many.json"]

    def test_a_mapping_names_the_jobs(self, store: MemoryStore) -> None:
        table = EZBatchWorkflow.collect({"one": "s3://b/a.json", "two": "s3://b/b.json"}, store=store)
        assert list(table["job"]) == ["one", "two"]
        assert list(table.columns[:2]) == ["job", "uri"]

    def test_what_is_missing_is_named(self, store: MemoryStore) -> None:
        with pytest.raises(NotFound, match=r"1 of 2 results do not exist: s3://b/no.json"):
            collect(["s3://b/a.json", "s3://b/no.json"], store=store)
        assert len(collect(["s3://b/a.json", "s3://b/no.json"], store=store, missing_ok=True)) == 1
        assert len(collect(["s3://b/no.json"], store=store, missing_ok=True)) == 0

    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("x.json", b"{", "s3://b/x.json: cannot be read as json"),
            ("x.json", b"\xff", "cannot be read as json"),
            ("x.json", b"3", "it must hold an object, or a list of objects"),
            ("x.csv", b"", "cannot be read as csv"),
            ("x.parquet", b"", "only json, jsonl, ndjson, csv, tsv can be collected"),
        ],
    )
    def test_what_cannot_be_read_is_named(self, store: MemoryStore, name: str, content: bytes, message: str) -> None:
        store.write(f"s3://b/{name}", content)
        with pytest.raises(InvalidInput, match=message):
            collect([f"s3://b/{name}"], store=store)

    @pytest.mark.parametrize("uris", ["s3://b/a.json", [], {}])
    def test_a_list_is_wanted(self, store: MemoryStore, uris: Any) -> None:
        with pytest.raises(InvalidInput, match="give a list of URIs"):
            collect(uris, store=store)

    def test_files_are_read_by_default(self, tmp_path: Any) -> None:
        (tmp_path / "r.json").write_text('{"a": 1}')
        assert list(collect([str(tmp_path / "r.json")])["a"]) == [1]
