"""Every way in which a job's state may change, and what follows from it for dependents and arrays."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from batch_helpers.job import TERMINAL, Status
from batch_helpers.serve.state.rows import Ending, Known, Occupant, Stop
from batch_helpers.serve.state.schema import (
    CANCELLED,
    DISPATCHED,
    LIVE,
    NOT_DISPATCHED,
    STUCK,
    TERMINATED,
    chunks,
    marks,
)

UPSTREAM_FAILED = "Dependent Job failed"
CHILD_FAILED = "Array Child Job failed"

_OCCUPANT = (
    "jobs.seq, definition, started_at, stream, attempt, attempts, cancel,"
    " json_extract(specs.document, '$.retryStrategy'), specs.task, json_extract(specs.container, '$.name')"
)


class Moves:
    """Changes of state; each belongs into a transaction."""

    def __init__(self, sqlite: sqlite3.Connection) -> None:
        self._sqlite = sqlite

    def submitted(self, limit: int) -> list[tuple[int, str | None, int, int | None]]:
        """The seq, doom, number of awaited jobs and array size of jobs that stand as SUBMITTED, the oldest first."""
        sql = "SELECT seq, doom, waiting, size FROM jobs WHERE status = 'SUBMITTED' ORDER BY seq LIMIT ?"
        return self._sqlite.execute(sql, (limit,)).fetchall()

    def admit(self, seqs: Iterable[int], status: Status) -> None:
        """Move SUBMITTED jobs on: PENDING when they wait for something, else RUNNABLE."""
        sql = "UPDATE jobs SET status = ? WHERE seq = ? AND status = 'SUBMITTED'"
        self._sqlite.executemany(sql, [(status.value, seq) for seq in seqs])

    def mark(self, seqs: Iterable[int], *, stuck: bool = False, reason: str | None = None) -> None:
        """Note that the runner has these RUNNABLE jobs, or that it could never run them as things are, and why."""
        sql = "UPDATE jobs SET dispatched = ?, reason = ? WHERE seq = ?"
        self._sqlite.executemany(sql, [(STUCK if stuck else DISPATCHED, reason, seq) for seq in seqs])

    def reconsider(self) -> None:
        """Offer stuck jobs to the runner again, because queues or environments have changed."""
        sql = "UPDATE jobs SET dispatched = ? WHERE status = 'RUNNABLE' AND size IS NULL AND dispatched = ?"
        self._sqlite.execute(sql, (NOT_DISPATCHED, STUCK))

    def disown(self) -> None:
        """Forget which RUNNABLE jobs a runner has; the one that had them is gone."""
        sql = "UPDATE jobs SET dispatched = ? WHERE status = 'RUNNABLE' AND size IS NULL"
        self._sqlite.execute(sql, (NOT_DISPATCHED,))

    def unfulfilled(self) -> list[tuple[int, str, str, str]]:
        """The seq, id, status and reason of jobs that somebody wanted ended, and that may have an attempt under way."""
        sql = (
            "SELECT seq, id, status, cancel FROM jobs WHERE cancel IS NOT NULL AND size IS NULL"
            " AND status IN ('RUNNABLE', 'STARTING', 'RUNNING')"
        )
        return self._sqlite.execute(sql).fetchall()

    def starting(self, seqs: Iterable[int]) -> None:
        sql = "UPDATE jobs SET status = 'STARTING', reason = NULL WHERE seq = ? AND status = 'RUNNABLE'"
        self._sqlite.executemany(sql, [(seq,) for seq in seqs])

    def running(self, starts: Iterable[tuple[int, str, int]]) -> None:
        """Make jobs RUNNING, with the time and the log stream of the attempt: rows of time, stream, seq.

        A CancelJob that came too late is as if it had never been.
        """
        sql = (
            "UPDATE jobs SET status = 'RUNNING', reason = NULL, started_at = ?, stream = ?,"  # noqa: S608
            f" flags = flags & {TERMINATED}, cancel = CASE WHEN flags & {TERMINATED} THEN cancel END"
            " WHERE seq = ? AND status IN ('RUNNABLE', 'STARTING')"
        )
        self._sqlite.executemany(sql, starts)

    def occupants(self, seqs: Sequence[int]) -> dict[int, Occupant]:
        """Those of these jobs that still have an attempt under way."""
        found = {}
        for chunk in chunks(seqs):
            sql = (
                f"SELECT {_OCCUPANT} FROM jobs JOIN specs ON specs.seq = jobs.spec"  # noqa: S608
                f" WHERE jobs.seq IN ({marks(chunk)}) AND status IN ('RUNNABLE', 'STARTING', 'RUNNING')"
            )
            found.update({row[0]: Occupant(*row) for row in self._sqlite.execute(sql, chunk)})
        return found

    def end(self, endings: Sequence[Ending]) -> None:
        """Record how attempts ended, and carry the end of jobs on to whoever waits for it."""
        sql = (
            "UPDATE jobs SET status = ?, reason = ?, exit_code = ?, container_reason = ?, stopped_at = ?,"  # noqa: S608
            f" attempt = ?, attempts = ?, dispatched = {NOT_DISPATCHED} WHERE seq = ? AND status IN {LIVE}"
        )
        for item in endings:
            over = item.status in TERMINAL
            verdict = (item.status.value, item.reason, item.exit_code, item.container_reason)
            times = (item.stopped_at if over else None, item.attempt, item.attempts)
            if self._sqlite.execute(sql, (*verdict, *times, item.seq)).rowcount and over:
                self._settle(item.seq, item.stopped_at)

    def fail(self, seq: int, reason: str, now: int) -> None:
        """Fail a job that has not started, or an array none of whose children will."""
        if self._fail(seq, reason, now):
            self._settle(seq, now)

    def cancel(self, job: Known, reason: str, now: int, *, terminate: bool) -> list[Stop]:
        """Do what CancelJob and TerminateJob do, and return what has to be stopped.

        https://docs.aws.amazon.com/batch/latest/APIReference/API_TerminateJob.html
        """
        if job.status in TERMINAL:
            return []
        if job.size is not None and job.status != Status.SUBMITTED:
            return self._cancel_array(job, reason, now, terminate=terminate)
        if job.status in (Status.STARTING, Status.RUNNING):
            return self._terminate(job, reason) if terminate else []
        self._flag(job.seq, reason, terminate=terminate)
        if job.dispatched == DISPATCHED:
            return [Stop(job.seq, job.id, force=terminate)]
        if job.status != Status.PENDING:  # which fails when the last of the jobs that it waits for has ended
            self.fail(job.seq, reason, now)
        return []

    def add_children(self, parent: int, now: int, heads: Sequence[str], waiting: Mapping[int, int]) -> int:
        """Make an array's children, PENDING, and return the seq of the first; the others' follow without a gap.

        heads: as in the tables; waiting: how many jobs each child waits for; both by its index.
        """
        sql = "SELECT max(seq) + 1 FROM (SELECT seq FROM sqlite_sequence WHERE name = 'jobs')"
        first: int = self._sqlite.execute(sql).fetchone()[0]
        sql = (
            "INSERT INTO jobs"
            " (seq, id, head, queue, name, definition, share, spec, status, created_at, waiting, parent, array_index)"
            " SELECT ?, id || ':' || ?, ?, queue, name, definition, share, spec, 'PENDING', ?, ?, seq, ?"
            " FROM jobs WHERE seq = ?"
        )
        rows = [(first + index, index, heads[index], now, number, index, parent) for index, number in waiting.items()]
        self._sqlite.executemany(sql, rows)
        self._sqlite.execute("UPDATE jobs SET status = 'PENDING' WHERE seq = ?", (parent,))
        return first

    def add_edges(self, edges: Iterable[tuple[int, int]]) -> None:
        """Make jobs wait: rows of the awaited job's seq and the waiting one's."""
        self._sqlite.executemany("INSERT OR IGNORE INTO edges (upstream, job) VALUES (?, ?)", edges)

    def open(self, seqs: Iterable[int], now: int) -> None:
        """Let PENDING jobs that wait for nothing go on: RUNNABLE, or FAILED where they were cancelled meanwhile."""
        for seq in seqs:
            sql = "SELECT cancel FROM jobs WHERE seq = ? AND status = 'PENDING' AND waiting = 0 AND size IS NULL"
            row = self._sqlite.execute(sql, (seq,)).fetchone()
            if row and row[0] is not None:
                self.fail(seq, row[0], now)
            elif row:
                self._sqlite.execute("UPDATE jobs SET status = 'RUNNABLE' WHERE seq = ?", (seq,))

    def _cancel_array(self, parent: Known, reason: str, now: int, *, terminate: bool) -> list[Stop]:
        self._flag(parent.seq, reason, terminate=terminate)
        fields = ", ".join(Known._fields)
        sql = f"SELECT {fields} FROM jobs WHERE parent = ? AND status IN {LIVE}"  # noqa: S608
        children = [Known(*row) for row in self._sqlite.execute(sql, (parent.seq,)).fetchall()]
        return [item for child in children for item in self.cancel(child, reason, now, terminate=terminate)]

    def _terminate(self, job: Known, reason: str) -> list[Stop]:
        self._flag(job.seq, reason, terminate=True)
        return [Stop(job.seq, job.id, force=True)]

    def _flag(self, seq: int, reason: str, *, terminate: bool) -> None:
        sql = "UPDATE jobs SET flags = flags | ?, cancel = coalesce(cancel, ?) WHERE seq = ?"
        self._sqlite.execute(sql, (TERMINATED if terminate else CANCELLED, reason, seq))

    def _fail(self, seq: int, reason: str, now: int) -> bool:
        sql = (
            "UPDATE jobs SET status = 'FAILED', reason = ?, stopped_at = ?"
            " WHERE seq = ? AND status IN ('SUBMITTED', 'PENDING', 'RUNNABLE')"
        )
        return self._sqlite.execute(sql, (reason, now, seq)).rowcount > 0

    def _settle(self, ended: int, now: int) -> None:
        work = [ended]
        while work:
            seq = work.pop()
            status, parent = self._sqlite.execute("SELECT status, parent FROM jobs WHERE seq = ?", (seq,)).fetchone()
            waiting = self._sqlite.execute("SELECT job FROM edges WHERE upstream = ?", (seq,)).fetchall()
            if waiting:
                self._sqlite.execute("DELETE FROM edges WHERE upstream = ?", (seq,))
            for (job,) in waiting:
                if status == Status.SUCCEEDED:
                    self._release(job, now)
                else:
                    work += self._doom(job, now)
            if parent is not None and self._array_ended(parent, now):
                work.append(parent)

    def _release(self, job: int, now: int) -> None:
        sql = "UPDATE jobs SET waiting = waiting - 1 WHERE seq = ? RETURNING waiting, status, size"
        waiting, status, size = self._sqlite.execute(sql, (job,)).fetchone()
        if waiting or status != Status.PENDING:
            return
        if size is None:
            self.open([job], now)
            return
        # An array that waits for whole jobs holds each of its children back by one.
        sql = f"UPDATE jobs SET waiting = waiting - 1 WHERE parent = ? AND status IN {LIVE} RETURNING seq, waiting"  # noqa: S608
        children = self._sqlite.execute(sql, (job,)).fetchall()
        self.open([seq for seq, number in children if number == 0], now)

    def _doom(self, job: int, now: int) -> list[int]:
        """Fail a job, and an array with its children, whose upstream failed; return those that failed by it."""
        sql = f"SELECT seq FROM jobs WHERE parent = ? AND status IN {LIVE}"  # noqa: S608
        family = [*(row[0] for row in self._sqlite.execute(sql, (job,)).fetchall()), job]
        return [seq for seq in family if self._fail(seq, UPSTREAM_FAILED, now)]

    def _array_ended(self, parent: int, now: int) -> bool:
        sql = f"SELECT 1 FROM jobs WHERE parent = ? AND status IN {LIVE} LIMIT 1"  # noqa: S608
        if self._sqlite.execute(sql, (parent,)).fetchone():
            return False
        sql = "SELECT 1 FROM jobs WHERE parent = ? AND status = 'FAILED' LIMIT 1"
        failed = self._sqlite.execute(sql, (parent,)).fetchone() is not None
        sql = (
            "UPDATE jobs SET status = ?, stopped_at = ?, reason = CASE WHEN ? THEN coalesce(cancel, ?) END"  # noqa: S608
            f" WHERE seq = ? AND status IN {LIVE}"
        )
        status = Status.FAILED if failed else Status.SUCCEEDED
        return self._sqlite.execute(sql, (status.value, now, failed, CHILD_FAILED, parent)).rowcount > 0
