"""workflows/cohort.py with --engine azure, against the fake and Azurite: it runs, and then there is nothing to do."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from batch_helpers.azure_client import AzureAccess
from batch_helpers.stores.azure import AzureStore
from tests.azure.azurite import ACCOUNT as BLOB_ACCOUNT
from tests.azure.azurite import KEY as BLOB_KEY
from tests.azure.azurite import azurite
from tests.azure.fake_batch import ACCOUNT, KEY, FakeBatch
from tests.workflows.scripts import ROOT, Script, script

pytestmark = pytest.mark.slow

_PYTHON = """#!/bin/sh
AZURE_STORAGE_CONNECTION_STRING='{connection}' exec {python} "$@"
"""
"""The python3 of the nodes' image, which knows where the blobs are as a pool's identity would."""

STATES = ("AL", "AK", "AZ")


@pytest.fixture(scope="module")
def connection() -> Iterator[str]:
    with azurite() as endpoint:
        text = f"AccountName={BLOB_ACCOUNT};AccountKey={BLOB_KEY};BlobEndpoint={endpoint};"
        AzureAccess({"connection_string": text}).blobs().create_container("epidemic")
        yield text


@pytest.fixture
def cohort(fake: FakeBatch, connection: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    image = tmp_path / "image"
    image.mkdir()
    (image / "python3").write_text(_PYTHON.format(connection=connection, python=sys.executable))
    (image / "python3").chmod(0o755)
    monkeypatch.setenv("PATH", f"{image}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "three.csv").write_text("sample,population\n" + "".join(f"{state},5000\n" for state in STATES))
    return script(
        "cohort.py",
        tmp_path,
        AZURE_BATCH_ACCOUNT=ACCOUNT,
        AZURE_BATCH_ACCESS_KEY=KEY,
        AZURE_BATCH_ENDPOINT=fake.url,
        AZURE_STORAGE_CONNECTION_STRING=connection,
    )


def options(prefix: str) -> list[str]:
    return [
        "--engine=azure",
        "--pool=pool",
        "--samples=three.csv",
        f"--outputs=az://epidemic/{prefix}",
        f"--script={ROOT / 'workflows/epidemic.py'}",
        "--interval=0.1",
    ]


def outputs(prefix: str) -> list[str]:
    curves = [f"az://epidemic/{prefix}/curves/{state}.csv" for state in STATES]
    summaries = [f"az://epidemic/{prefix}/summaries/{state}.json" for state in STATES]
    return [*curves, *summaries, f"az://epidemic/{prefix}/national.tsv"]


def test_it_runs_and_the_second_time_submits_nothing(fake: FakeBatch, cohort: Script, connection: str) -> None:
    store = AzureStore(AzureAccess({"connection_string": connection}))
    first = cohort.run(*options("twice"))
    assert (first.code, first.counts) == (0, (0, 0, 7, 7, 0)), first.stdout + first.stderr
    assert sorted(store.find(outputs("twice"))) == sorted(outputs("twice"))
    assert store.read("az://epidemic/twice/national.tsv").startswith(b"state\t")
    assert fake.service.jobs["pool"]["state"] == "completed"
    fake.calls.clear()
    again = cohort.run(*options("twice"))
    assert (again.code, again.counts) == (0, (7, 0, 0, 0, 0)), again
    assert not any(call.startswith(("POST", "PATCH")) for call in fake.calls)


def test_what_is_missing_runs_again_in_a_new_azure_job(fake: FakeBatch, cohort: Script, connection: str) -> None:
    store = AzureStore(AzureAccess({"connection_string": connection}))
    assert cohort.run(*options("again")).code == 0
    store.delete(["az://epidemic/again/summaries/AK.json"])
    again = cohort.run(*options("again"))
    assert (again.code, again.counts) == (0, (5, 0, 2, 2, 0)), again
    assert sorted(fake.service.jobs) == ["pool", "pool-2"]


def test_a_script_that_was_killed_reuses_what_runs(fake: FakeBatch, cohort: Script, connection: str) -> None:
    fake.service.pools["pool"].slots = 0
    with cohort.started(*options("killed")) as process:
        assert process.stdout is not None
        assert any(line.startswith("total") for line in process.stdout), "it ended before it had shown a table"
    tasks = set(fake.service.tasks["pool"])
    fake.service.pools["pool"].slots = 4
    with fake.service.lock:
        fake.service.schedule()
    again = cohort.run(*options("killed"))
    assert again.code == 0, again
    assert set(fake.service.tasks["pool"]) == tasks
    assert again.counts[2] == 0


def test_a_missing_account_is_one_line(cohort: Script, tmp_path: Path) -> None:
    without = {"AZURE_BATCH_ENDPOINT": "", "AZURE_BATCH_ACCOUNT": ""}
    nobody = Script("cohort.py", tmp_path, {**cohort.environment, **without})
    ended = nobody.run(*options("nobody"))
    assert ended.code == 2
    assert "AZURE_BATCH_ACCOUNT" in ended.stderr
    assert "Traceback" not in ended.stderr
