"""A state that cannot be used is one clear error that says what to do."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from batch_helpers.engines.local import LocalEngine
from batch_helpers.engines.local.database import Database
from batch_helpers.errors import ServiceError, SubmitFailed
from batch_helpers.job import Job


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"to whom it may concern\n" * 100)
    with pytest.raises(ServiceError, match=r"state\.db: file is not a database: it is no database; move it away"):
        LocalEngine(tmp_path).submit([Job("a", command=["true"])])
    with pytest.raises(ServiceError, match="move it away"):
        list(LocalEngine(tmp_path).active(["local"]))


def test_a_damaged_database(tmp_path: Path) -> None:
    Database(str(tmp_path)).close()
    state = tmp_path / "state.db"
    whole = state.read_bytes()
    state.write_bytes(whole[:4096] + os.urandom(len(whole) - 4096))
    with pytest.raises(ServiceError, match=r"damaged|malformed"):
        LocalEngine(tmp_path).submit([Job("a", command=["true"])])


def test_a_database_of_another_version(tmp_path: Path) -> None:
    Database(str(tmp_path)).close()
    with sqlite3.connect(tmp_path / "state.db") as sqlite:
        sqlite.execute("PRAGMA user_version = 99")
    sqlite.close()
    with pytest.raises(ServiceError, match="another version"):
        LocalEngine(tmp_path).describe(["x"])


def test_a_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "batch").write_text("")
    with pytest.raises(ServiceError, match="choose a directory that can be written"):
        LocalEngine(tmp_path / "batch").submit([Job("a", command=["true"])])


def test_a_state_that_is_a_directory(tmp_path: Path) -> None:
    (tmp_path / "state.db").mkdir()
    with pytest.raises(ServiceError, match="check the permissions"):
        LocalEngine(tmp_path).submit([Job("a", command=["true"])])


def test_a_file_system_without_shared_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = sqlite3.connect

    class Refusing(sqlite3.Connection):
        """Answers as SQLite does on a network file system: WAL is not possible, the old mode stays."""

        def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
            return super().execute("SELECT 'delete'" if "journal_mode" in sql else sql, parameters)

    monkeypatch.setattr(sqlite3, "connect", lambda *args, **options: real(*args, factory=Refusing, **options))
    with pytest.raises(ServiceError, match="choose a directory on a local disk"):
        Database(str(tmp_path))


def test_a_supervisor_that_cannot_be_started_is_said_before_anything_is_submitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    engine = LocalEngine(tmp_path)
    with pytest.raises(ServiceError, match="cannot be started"):
        engine.submit([Job("a", command=["true"])])
    assert list(engine.active(["local"])) == []


def test_a_supervisor_that_ends_at_once_is_said_with_the_jobs_that_were_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    engine = LocalEngine(tmp_path)
    with pytest.raises(SubmitFailed, match=r"ends as soon as it is started: see .*supervisor\.log") as caught:
        engine.submit([Job("a", command=["true"]), Job("b", command=["true", "b"])])
    assert sorted(caught.value.submitted) == [0, 1]
    with pytest.raises(ServiceError, match="ends as soon"):
        engine.active(["local"])
    assert {detail.job_id for detail in Database(str(tmp_path)).active(["local"])} == {*caught.value.submitted.values()}


@pytest.mark.slow
def test_a_full_disk_is_said_and_what_was_there_stays(tmp_path: Path) -> None:
    script = """
import resource, sys
from batch_helpers.engines.local.database import Database
from batch_helpers.engines.local.rows import Context, NewJob, Spec
from batch_helpers.errors import ServiceError

database, here = Database(sys.argv[1]), Context("/", {})
with database.changes(1.0) as changes:
    changes.insert([NewJob("first", "n", "q", Spec(["true"]))], here)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
try:
    with database.changes(1.0) as changes:
        changes.insert([NewJob(str(i), "n", "q", Spec(["true", "x" * 1000])) for i in range(5000)], here)
except ServiceError as exc:
    print(exc)
print([detail.job_id for detail in database.active(["q"])])
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    error, left = done.stdout.splitlines()
    assert "make room" in error or "see that it has room" in error
    assert left == "['first']"


@pytest.mark.slow
def test_a_directory_that_cannot_be_written(tmp_path: Path) -> None:
    script = """
import os, sys
from batch_helpers.engines.local import LocalEngine
from batch_helpers.errors import ServiceError
from batch_helpers.job import Job

if os.geteuid() == 0:
    os.seteuid(65534)
try:
    LocalEngine(sys.argv[1]).submit([Job("a", command=["true"])])
except ServiceError as exc:
    print(exc)
"""
    tmp_path.chmod(0o500)
    directory = str(tmp_path / "batch")
    done = subprocess.run([sys.executable, "-c", script, directory], capture_output=True, text=True, check=True)
    tmp_path.chmod(0o700)
    assert done.stdout == f"{directory}: Permission denied: choose a directory that can be written\n"
