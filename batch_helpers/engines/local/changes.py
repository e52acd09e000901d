"""Every way in which a job's state may change. All of it happens inside one of the database's write transactions."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence

from batch_helpers.engines.local.rows import Capacity, Context, NewJob, Outcome, Running, Spec
from batch_helpers.engines.local.schema import LIVE
from batch_helpers.errors import UnknownDependency
from batch_helpers.job import Status

UPSTREAM_FAILED = "Dependent Job failed"
TERMINATED = "terminated by the user"

_CHUNK = 500
_INSERT = """
INSERT INTO jobs (id, name, queue, status, job_definition, created_at, fingerprint, vcpus, memory, attempts, timeout,
    lenient, waiting, array_index, reason, stopped_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


class Changes:
    """The changes of one transaction. `promoted` tells whether jobs have become RUNNABLE by it."""

    def __init__(self, sqlite: sqlite3.Connection, now: float) -> None:
        self._sqlite, self._now = sqlite, now
        self.promoted = False

    def limit(self, capacity: Capacity) -> None:
        """Say how much of the machine jobs may take, from now on and for whoever runs them."""
        sql = "INSERT OR REPLACE INTO capacity (one, vcpus, memory) VALUES (1, ?, ?)"
        self._sqlite.execute(sql, capacity)

    def insert(self, jobs: Sequence[NewJob], context: Context) -> list[str]:
        """Add jobs and return their jobIds; one whose fingerprint is live already is answered with the live job's.

        A job may depend on jobs before it in `jobs`. UnknownDependency: the transaction must be given up.
        """
        place = self._context(context)
        known = self._known({item for job in jobs for item in job.depends_on})
        return [self._live_twin(job) or self._insert(job, place, known) for job in jobs]

    def start(self, seqs: Iterable[int]) -> set[int]:
        """Make RUNNABLE jobs STARTING, one attempt further; those that are not RUNNABLE any more are left out."""
        sql = (
            "UPDATE jobs SET status = 'STARTING', attempt = attempt + 1, started_at = ?, reason = '', pid = NULL"
            " WHERE seq = ? AND status = 'RUNNABLE'"
        )
        return {seq for seq in seqs if self._sqlite.execute(sql, (self._now, seq)).rowcount}

    def running(self, processes: Iterable[Running]) -> None:
        """Make STARTING jobs RUNNING, and note their processes."""
        sql = "UPDATE jobs SET status = 'RUNNING', pid = ?, pid_created_at = ? WHERE seq = ? AND status = 'STARTING'"
        self._sqlite.executemany(sql, [(item.pid, item.pid_created_at, item.seq) for item in processes])

    def end(self, outcomes: Iterable[Outcome]) -> None:
        """Record how attempts ended; a job that someone has cancelled meanwhile is not tried again."""
        for item in outcomes:
            outcome = item._replace(reason=_storable(item.reason))
            self._record(outcome)
            cancel = self._cancelled(outcome.seq) if outcome.status is Status.RUNNABLE else None
            if cancel is not None:
                outcome = outcome._replace(status=Status.FAILED, reason=cancel)
            self._put(outcome)

    def cancel(self, job_ids: Sequence[str], reason: str, *, started: bool = True) -> None:
        """Fail jobs that have not started, and ask for the end of those that have, unless `started` is false."""
        reason = _storable(reason) or TERMINATED
        known = self._known(job_ids)
        waiting = [known[job_id][0] for job_id in job_ids if job_id in known]
        failed = [seq for seq in waiting if self._fail(seq, reason)]
        for seq in failed:
            self._settle(seq)
        if started:
            sql = "UPDATE jobs SET cancel = ? WHERE seq = ? AND cancel IS NULL AND status IN ('STARTING', 'RUNNING')"
            self._sqlite.executemany(sql, [(reason, seq) for seq in waiting])

    def again(self, job_ids: Iterable[str]) -> None:
        """Give FAILED jobs one more attempt; the numbers and logs of their attempts go on."""
        sql = (
            "UPDATE jobs SET status = 'RUNNABLE', attempts = attempt + 1, reason = '', exit_code = NULL,"
            " stopped_at = NULL, cancel = NULL WHERE id = ? AND status = 'FAILED'"
        )
        self._sqlite.executemany(sql, [(job_id,) for job_id in job_ids])

    def _context(self, context: Context) -> int:
        content = json.dumps((context.directory, dict(context.environment)), sort_keys=True)
        digest = hashlib.sha256(content.encode()).hexdigest()
        sql = "INSERT INTO contexts (digest, content) VALUES (?, ?) ON CONFLICT DO NOTHING"
        self._sqlite.execute(sql, (digest, content))
        seq: int = self._sqlite.execute("SELECT seq FROM contexts WHERE digest = ?", (digest,)).fetchone()[0]
        return seq

    def _known(self, job_ids: Iterable[str]) -> dict[str, tuple[int, str, int]]:
        wanted, known = sorted(job_ids), {}
        for start in range(0, len(wanted), _CHUNK):
            chunk = wanted[start : start + _CHUNK]
            sql = f"SELECT id, seq, status, lenient FROM jobs WHERE id IN ({','.join('?' * len(chunk))})"  # noqa: S608
            known.update({row[0]: row[1:] for row in self._sqlite.execute(sql, chunk)})
        return known

    def _live_twin(self, job: NewJob) -> str | None:
        if job.fingerprint is None:
            return None
        sql = f"SELECT id FROM jobs WHERE fingerprint = ? AND status IN {LIVE}"  # noqa: S608
        row = self._sqlite.execute(sql, (job.fingerprint,)).fetchone()
        return row[0] if row else None

    def _insert(self, job: NewJob, context: int, known: dict[str, tuple[int, str, int]]) -> str:
        for item in job.depends_on:
            if item not in known:
                raise UnknownDependency(f"{job.name!r} depends on {item!r}, which is not a jobId of this engine")
        upstream = [known[item] for item in dict.fromkeys(job.depends_on)]
        doomed = any(status == Status.FAILED and not lenient for _, status, lenient in upstream)
        waiting = [seq for seq, status, _ in upstream if status not in (Status.SUCCEEDED, Status.FAILED)]
        status = Status.FAILED if doomed else Status.PENDING if waiting else Status.RUNNABLE
        what = (job.id, job.name, job.queue, status, job.job_definition, self._now, job.fingerprint)
        needs = (job.vcpus, job.memory, job.attempts, job.timeout, job.lenient, len(waiting), job.array_index)
        end = (UPSTREAM_FAILED, self._now) if doomed else ("", None)
        seq = self._sqlite.execute(_INSERT, (*what, *needs, *end)).lastrowid
        assert seq is not None
        self._attach(seq, job.spec, context, waiting)
        known[job.id] = (seq, status, job.lenient)
        return job.id

    def _attach(self, seq: int, spec: Spec, context: int, waiting: Sequence[int]) -> None:
        text = json.dumps(spec._replace(environment=dict(spec.environment))._asdict())
        self._sqlite.execute("INSERT INTO specs (seq, spec, context) VALUES (?, ?, ?)", (seq, text, context))
        if waiting:
            sql = "INSERT INTO dependencies (upstream, job) VALUES (?, ?)"
            self._sqlite.executemany(sql, [(item, seq) for item in waiting])

    def _record(self, outcome: Outcome) -> None:
        sql = (
            "INSERT OR REPLACE INTO attempts (job, number, exit_code, reason, started_at, stopped_at, peak_memory)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)"
        )
        row = (outcome.seq, outcome.number, outcome.exit_code, outcome.reason, outcome.started_at, outcome.stopped_at)
        self._sqlite.execute(sql, (*row, outcome.peak_memory))

    def _cancelled(self, seq: int) -> str | None:
        reason: str | None = self._sqlite.execute("SELECT cancel FROM jobs WHERE seq = ?", (seq,)).fetchone()[0]
        return reason

    def _put(self, outcome: Outcome) -> None:
        stopped = outcome.stopped_at if outcome.status is not Status.RUNNABLE else None
        sql = (
            "UPDATE jobs SET status = ?, reason = ?, exit_code = ?, started_at = ?, stopped_at = ?, pid = NULL"
            " WHERE seq = ?"
        )
        values = (outcome.status, outcome.reason, outcome.exit_code, outcome.started_at, stopped, outcome.seq)
        self._sqlite.execute(sql, values)
        if outcome.status is Status.RUNNABLE:
            self.promoted = True
        else:
            self._settle(outcome.seq)

    def _fail(self, seq: int, reason: str) -> bool:
        sql = (
            "UPDATE jobs SET status = 'FAILED', reason = ?, stopped_at = ?"
            " WHERE seq = ? AND status IN ('SUBMITTED', 'PENDING', 'RUNNABLE')"
        )
        return self._sqlite.execute(sql, (reason, self._now, seq)).rowcount > 0

    def _settle(self, ended: int) -> None:
        """Carry the end of a job on to all that wait for it."""
        work = [ended]
        while work:
            seq = work.pop()
            if self._sqlite.execute("SELECT 1 FROM dependencies WHERE upstream = ? LIMIT 1", (seq,)).fetchone():
                sql = "SELECT status = 'SUCCEEDED' OR lenient FROM jobs WHERE seq = ?"
                if self._sqlite.execute(sql, (seq,)).fetchone()[0]:
                    self._release(seq)
                else:
                    work += self._doom(seq)

    def _release(self, upstream: int) -> None:
        waiting = "seq IN (SELECT job FROM dependencies WHERE upstream = ?)"
        self._sqlite.execute(f"UPDATE jobs SET waiting = waiting - 1 WHERE {waiting}", (upstream,))  # noqa: S608
        sql = (
            f"UPDATE jobs SET status = 'RUNNABLE' WHERE {waiting}"  # noqa: S608
            " AND waiting = 0 AND status = 'PENDING'"
        )
        if self._sqlite.execute(sql, (upstream,)).rowcount:
            self.promoted = True

    def _doom(self, upstream: int) -> list[int]:
        sql = (
            "UPDATE jobs SET status = 'FAILED', reason = ?, stopped_at = ?"
            " WHERE seq IN (SELECT job FROM dependencies WHERE upstream = ?) AND status = 'PENDING' RETURNING seq"
        )
        return [row[0] for row in self._sqlite.execute(sql, (UPSTREAM_FAILED, self._now, upstream))]


def _storable(text: str) -> str:
    """Text for the database, which takes no file name that is not UTF-8."""
    return text.encode(errors="replace").decode()
