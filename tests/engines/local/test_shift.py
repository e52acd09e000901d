"""The loop's bookkeeping where others interfere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from batch_helpers.engines.local.crew import Crew
from batch_helpers.engines.local.database import Database
from batch_helpers.engines.local.processes import Alarm
from batch_helpers.engines.local.room import Need
from batch_helpers.engines.local.rows import Capacity, Context, NewJob, Spec
from batch_helpers.engines.local.shift import Shift
from batch_helpers.errors import ServiceError
from batch_helpers.job import Status


class Deaf(Alarm):
    """Hears nothing, so that the signals of the test's own process stay as they are."""

    def __init__(self) -> None:
        pass

    def wait(self, seconds: float) -> None:
        pass


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(str(tmp_path))
    with made.changes(1.0) as changes:
        changes.limit(Capacity(4, 100))
        jobs = [NewJob(name, f"name-{name}", "q", Spec(["true"]), vcpus=4) for name in "ab"]
        changes.insert(jobs, Context("/", {}))
    yield made
    made.close()


def never(command: list[str], environment: Mapping[str, str], directory: str, output: int) -> int:
    raise AssertionError(f"{command} was started")


def test_a_job_that_is_cancelled_at_the_last_moment_is_not_started_and_gives_its_room_back(database: Database) -> None:
    shift = Shift(database, Crew(database.directory, never), Deaf())
    assert shift._scheduler.can_admit()
    other = Database(database.directory)
    with other.changes(2.0) as changes:
        changes.cancel(["a"], "enough")
    other.close()
    assert shift._record([]) == []
    assert shift._scheduler.room.fits(Need(4, 100))
    assert [attempt.ready.id for attempt in shift._record([])] == ["b"]


def test_what_cannot_be_written_is_not_started(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    shift = Shift(database, Crew(database.directory, never), Deaf())
    with database._connection.writing() as sqlite:
        sqlite.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON jobs BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
        )
    with pytest.raises(ServiceError, match="disk is full"):
        shift.turn()
    assert shift._scheduler.room.fits(Need(4, 100))
    with database._connection.writing() as sqlite:
        sqlite.execute("DROP TRIGGER full")
    with pytest.raises(AssertionError, match="was started"):
        shift.turn()
    assert [detail.status for detail in database.describe(["a", "b"])] == [Status.STARTING, Status.RUNNABLE]
