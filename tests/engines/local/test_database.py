"""What the database promises, without a process in sight."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from batch_helpers.engines.local.database import Database
from batch_helpers.engines.local.rows import Capacity, Context, NewJob, Outcome, Running, Spec
from batch_helpers.errors import ServiceError, UnknownDependency
from batch_helpers.job import JobDetail, Status

HERE = Context("/", {"PATH": "/bin"})
SUCCEEDED, FAILED, RUNNABLE, PENDING = Status.SUCCEEDED, Status.FAILED, Status.RUNNABLE, Status.PENDING


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(str(tmp_path))
    yield made
    made.close()


def new(job_id: str, *needs: str, **fields: object) -> NewJob:
    return NewJob(job_id, f"name-{job_id}", "q", Spec(["true"]), depends_on=needs, **fields)  # type: ignore[arg-type]


def insert(database: Database, *jobs: NewJob, now: float = 1.0) -> list[str]:
    with database.changes(now) as changes:
        return changes.insert(jobs, HERE)


def finish(database: Database, job_id: str, status: Status = SUCCEEDED, number: int = 1) -> None:
    """Start a job and end it."""
    seq = seq_of(database, job_id)
    with database.changes(2.0) as changes:
        assert changes.start([seq]) == {seq}
        changes.end([Outcome(seq, number, status, "why", 0 if status is SUCCEEDED else 1, 2.0, 3.0)])


def cancel_and_insert(database: Database) -> None:
    with database.changes(2.0) as changes:
        changes.cancel(["a"], "enough")
        changes.insert([new("b", "nobody")], HERE)


def seq_of(database: Database, job_id: str) -> int:
    return next(ready.seq for ready in database.ready(1000) if ready.id == job_id)


def details(database: Database) -> dict[str, JobDetail]:
    return {detail.job_id: detail for detail in database.describe([str(name) for name in "abcdefgh"])}


def statuses(database: Database) -> dict[str, Status]:
    return {job_id: detail.status for job_id, detail in details(database).items()}


def test_jobs_come_out_in_the_order_in_which_they_went_in(database: Database) -> None:
    insert(database, new("c"), new("a"))
    insert(database, new("b"))
    assert [ready.id for ready in database.ready(10)] == ["c", "a", "b"]
    assert [ready.id for ready in database.ready(2)] == ["c", "a"]
    assert [detail.job_id for detail in database.active(["q"])] == ["c", "a", "b"]


def test_live_work_is_answered_with_its_jobid_and_finished_work_is_not(database: Database) -> None:
    assert insert(database, new("a", fingerprint="f"), new("b", fingerprint="f")) == ["a", "a"]
    assert insert(database, new("c", fingerprint="f")) == ["a"]
    finish(database, "a")
    assert insert(database, new("d", fingerprint="f")) == ["d"]
    assert statuses(database) == {"a": SUCCEEDED, "d": RUNNABLE}


def test_jobs_without_a_fingerprint_are_never_the_same(database: Database) -> None:
    assert insert(database, new("a"), new("b")) == ["a", "b"]


def test_the_file_itself_refuses_a_second_live_job_of_one_work(database: Database) -> None:
    insert(database, new("a", fingerprint="f"), new("b", fingerprint="g"))
    with pytest.raises(ServiceError, match="UNIQUE"), database._connection.writing() as sqlite:
        sqlite.execute("UPDATE jobs SET fingerprint = 'f'")
    finish(database, "a")
    with database._connection.writing() as sqlite:
        sqlite.execute("UPDATE jobs SET fingerprint = 'f'")


def test_a_job_waits_until_all_that_it_depends_on_has_succeeded(database: Database) -> None:
    insert(database, new("a"), new("b"))
    insert(database, new("c", "a", "b", "a"))
    finish(database, "a")
    assert statuses(database)["c"] is PENDING
    finish(database, "b")
    assert statuses(database)["c"] is RUNNABLE


def test_what_has_succeeded_already_need_not_be_waited_for(database: Database) -> None:
    insert(database, new("a"))
    finish(database, "a")
    insert(database, new("b", "a"))
    assert statuses(database)["b"] is RUNNABLE


def test_a_failure_fails_all_that_hangs_on_it_however_far(database: Database) -> None:
    insert(database, new("a"))
    insert(database, new("b", "a"), new("c", "b"), new("d", "c"))
    insert(database, new("e"))
    finish(database, "a", FAILED)
    found = details(database)
    assert [found[name].status for name in "abcde"] == [FAILED, FAILED, FAILED, FAILED, RUNNABLE]
    assert [found[name].reason for name in "abcd"] == ["why", *["Dependent Job failed"] * 3]
    assert found["d"].stopped_at is not None
    assert found["d"].started_at is None


def test_what_depends_on_a_failure_of_long_ago_fails_at_once(database: Database) -> None:
    insert(database, new("a"))
    finish(database, "a", FAILED)
    insert(database, new("b", "a"), new("c", "b"))
    assert statuses(database) == {"a": FAILED, "b": FAILED, "c": FAILED}


def test_a_lenient_job_lets_its_dependants_go_on_when_it_has_failed(database: Database) -> None:
    insert(database, new("a", lenient=True))
    insert(database, new("b", "a"))
    finish(database, "a", FAILED)
    insert(database, new("c", "a"))
    assert statuses(database) == {"a": FAILED, "b": RUNNABLE, "c": RUNNABLE}


def test_one_unknown_dependency_and_nothing_is_inserted(database: Database) -> None:
    with pytest.raises(UnknownDependency, match=r"name-b.*'nobody'"):
        insert(database, new("a"), new("b", "nobody"))
    assert statuses(database) == {}


def test_a_job_that_is_to_be_tried_again_is_runnable_and_keeps_its_attempts(database: Database) -> None:
    insert(database, new("a", attempts=2))
    finish(database, "a", RUNNABLE)
    assert statuses(database) == {"a": RUNNABLE}
    assert database.ready(1)[0].attempt == 1
    finish(database, "a", SUCCEEDED, number=2)
    found = details(database)["a"]
    assert [(item.number, item.exit_code, item.reason) for item in found.attempts] == [(1, 1, "why"), (2, 0, "why")]
    assert (found.started_at, found.stopped_at) == (2.0, 3.0)


def test_only_what_is_runnable_can_be_started_and_only_once(database: Database) -> None:
    insert(database, new("a"), new("b"))
    first, second = (ready.seq for ready in database.ready(2))
    with database.changes(2.0) as changes:
        changes.cancel(["b"], "no")
        assert changes.start([first, second, first]) == {first}
    assert statuses(database) == {"a": Status.STARTING, "b": FAILED}


def test_a_process_is_noted_with_its_creation_time(database: Database) -> None:
    insert(database, new("a"))
    seq = seq_of(database, "a")
    with database.changes(2.0) as changes:
        changes.start([seq])
        changes.running([Running(seq, 4711, 99.5)])
    assert statuses(database) == {"a": Status.RUNNING}
    occupied = database.occupied()
    assert [(job.id, job.pid, job.pid_created_at, job.attempt) for job in occupied] == [("a", 4711, 99.5, 1)]
    assert details(database)["a"].attempts[0].started_at == 2.0


def test_cancelling_fails_what_has_not_begun_and_asks_for_the_end_of_what_has(database: Database) -> None:
    insert(database, new("a"), new("b"))
    insert(database, new("c", "b"), new("d", "c"))
    seq = seq_of(database, "a")
    with database.changes(2.0) as changes:
        changes.start([seq])
    with database.changes(3.0) as changes:
        changes.cancel(["a", "c", "unknown"], "enough")
    assert statuses(database) == {"a": Status.STARTING, "b": RUNNABLE, "c": FAILED, "d": FAILED}
    assert database.cancelled() == {seq: "enough"}
    assert details(database)["c"].reason == "enough"


def test_a_cancelled_job_is_not_tried_again(database: Database) -> None:
    insert(database, new("a", attempts=3))
    seq = seq_of(database, "a")
    with database.changes(2.0) as changes:
        changes.start([seq])
        changes.cancel(["a"], "enough")
        changes.end([Outcome(seq, 1, RUNNABLE, "exited", 1)])
    assert (details(database)["a"].status, details(database)["a"].reason) == (FAILED, "enough")


def test_the_first_reason_of_a_cancel_stays(database: Database) -> None:
    insert(database, new("a"))
    seq = seq_of(database, "a")
    with database.changes(2.0) as changes:
        changes.start([seq])
        changes.cancel(["a"], "first")
        changes.cancel(["a"], "second")
    assert database.cancelled() == {seq: "first"}


def test_changes_are_made_together_or_not_at_all(database: Database) -> None:
    insert(database, new("a"))
    with pytest.raises(UnknownDependency):
        cancel_and_insert(database)
    assert statuses(database) == {"a": RUNNABLE}


def test_a_cancelled_job_has_the_reason_that_was_given_even_if_its_upstream_is_cancelled_too(
    database: Database,
) -> None:
    insert(database, new("a"), new("b", "a"), new("c", "b"))
    with database.changes(2.0) as changes:
        changes.cancel(["a", "b"], "enough")
    assert [details(database)[name].reason for name in "abc"] == ["enough", "enough", "Dependent Job failed"]


def test_what_has_started_can_be_spared(database: Database) -> None:
    insert(database, new("a"), new("b"))
    seq = seq_of(database, "a")
    with database.changes(2.0) as changes:
        changes.start([seq])
        changes.cancel(["a", "b"], "enough", started=False)
    assert statuses(database) == {"a": Status.STARTING, "b": FAILED}
    assert database.cancelled() == {}


def test_a_failed_job_can_be_given_one_more_attempt(database: Database) -> None:
    insert(database, new("a"), new("b"))
    finish(database, "a", FAILED)
    finish(database, "b")
    with database.changes(4.0) as changes:
        changes.again(["a", "b"])
    assert statuses(database) == {"a": RUNNABLE, "b": SUCCEEDED}
    assert (details(database)["a"].reason, details(database)["a"].stopped_at) == ("", None)
    finish(database, "a", number=2)
    assert [item.number for item in details(database)["a"].attempts] == [1, 2]


def test_failures_come_newest_first_and_not_more_than_asked_for(database: Database) -> None:
    insert(database, new("a"), new("b"), new("c"), new("d"))
    for moment, job_id in enumerate("cadb"):
        seq = seq_of(database, job_id)
        status = SUCCEEDED if job_id == "d" else FAILED
        with database.changes(2.0) as changes:
            changes.start([seq])
            changes.end([Outcome(seq, 1, status, "why", 1, 2.0, 10.0 + moment)])
    assert [detail.job_id for detail in database.failed(["q"], 10)] == ["b", "a", "c"]
    assert [detail.job_id for detail in database.failed(["q"], 2)] == ["b", "a"]
    assert database.failed(["q"], 2)[0].attempts[0].reason == "why"
    assert database.failed(["other"], 10) == []


def test_a_reason_with_bytes_that_are_not_text_is_stored(database: Database) -> None:
    insert(database, new("a"))
    seq = seq_of(database, "a")
    with database.changes(2.0) as changes:
        changes.start([seq])
        changes.end([Outcome(seq, 1, FAILED, "no \udcff")])
    assert details(database)["a"].reason == "no ?"


def test_an_environment_is_stored_once_however_many_jobs_carry_it(database: Database) -> None:
    insert(database, new("a"))
    insert(database, new("b"))
    first, second = database.ready(2)
    assert first.context == second.context
    assert database.context(first.context) == HERE


def test_what_another_connection_writes_changes_the_version(database: Database) -> None:
    other = Database(database.directory)
    before = database.version()
    insert(database, new("a"))
    assert database.version() == before
    insert(other, new("b"))
    assert database.version() != before
    other.close()


def test_the_capacity_is_that_of_the_last_one_who_said(database: Database) -> None:
    assert database.capacity() == Capacity(None, None)
    for capacity in (Capacity(2, 100), Capacity(None, 7)):
        with database.changes(1.0) as changes:
            changes.limit(capacity)
        assert database.capacity() == capacity


def test_only_its_owner_can_read_the_environments_in_it(database: Database) -> None:
    insert(database, new("a"))
    modes = {stat.S_IMODE(os.stat(entry.path).st_mode) for entry in os.scandir(database.directory)}
    assert modes == {0o600}


def test_a_fork_knows_that_the_connection_is_not_its_own(database: Database) -> None:
    if (child := os.fork()) == 0:
        os._exit(int(database.usable))
    assert os.waitpid(child, 0)[1] == 0
    assert database.usable


def test_a_replaced_file_is_noticed(database: Database) -> None:
    assert database.usable
    os.rename(os.path.join(database.directory, "state.db"), os.path.join(database.directory, "old.db"))
    assert not database.usable
