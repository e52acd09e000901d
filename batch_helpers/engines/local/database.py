"""The state of a local engine, read: jobs, attempts and dependencies in one file. Changes are made by Changes."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from batch_helpers.engines.local.changes import Changes
from batch_helpers.engines.local.connection import Connection
from batch_helpers.engines.local.details import ATTEMPT_COLUMNS, JOB_COLUMNS, details
from batch_helpers.engines.local.rows import Capacity, Context, Occupied, Ready
from batch_helpers.engines.local.schema import LIVE
from batch_helpers.job import JobDetail

STATE = "state.db"

_CHUNK = 500


class Database:
    """state.db in a directory; made when it is not there. See Connection for `durable` and the errors."""

    def __init__(self, directory: str, *, durable: bool = True) -> None:
        self.directory = directory
        self._connection = Connection(os.path.join(directory, STATE), durable=durable)
        self.close = self._connection.close
        self.version = self._connection.version

    @property
    def usable(self) -> bool:
        """Whether the file is still the one at its path, and this process the one that opened it."""
        return self._connection.usable

    @contextmanager
    def changes(self, now: float) -> Iterator[Changes]:
        """One transaction: all the changes made inside, or none when an error leaves it."""
        with self._connection.writing() as sqlite:
            yield Changes(sqlite, now)

    def has_work(self) -> bool:
        """Whether there is something to run or to look after."""
        sql = "SELECT 1 FROM jobs WHERE status IN ('RUNNABLE', 'STARTING', 'RUNNING') LIMIT 1"
        with self._connection.reading() as sqlite:
            return sqlite.execute(sql).fetchone() is not None

    def capacity(self) -> Capacity:
        with self._connection.reading() as sqlite:
            row = sqlite.execute("SELECT vcpus, memory FROM capacity").fetchone()
        return Capacity(*row) if row else Capacity()

    def ready(self, limit: int) -> list[Ready]:
        """The first RUNNABLE jobs, in the order of their submission."""
        sql = (
            "SELECT seq, id, queue, vcpus, memory, attempts, timeout, attempt, array_index, spec, context"
            " FROM jobs JOIN specs USING (seq) WHERE status = 'RUNNABLE' ORDER BY seq LIMIT ?"
        )
        with self._connection.reading() as sqlite:
            return [Ready(*row) for row in sqlite.execute(sql, (limit,))]

    def occupied(self) -> list[Occupied]:
        """The jobs that stand as STARTING or RUNNING."""
        sql = (
            "SELECT seq, id, attempts, attempt, started_at, pid, pid_created_at, cancel, spec"
            " FROM jobs JOIN specs USING (seq) WHERE status IN ('STARTING', 'RUNNING')"
        )
        with self._connection.reading() as sqlite:
            return [Occupied(*row) for row in sqlite.execute(sql)]

    def cancelled(self) -> dict[int, str]:
        """STARTING and RUNNING jobs that someone wants ended, and why."""
        sql = "SELECT seq, cancel FROM jobs WHERE status IN ('STARTING', 'RUNNING') AND cancel IS NOT NULL"
        with self._connection.reading() as sqlite:
            return dict(sqlite.execute(sql).fetchall())

    def context(self, seq: int) -> Context:
        """Where a submission came from."""
        with self._connection.reading() as sqlite:
            content = sqlite.execute("SELECT content FROM contexts WHERE seq = ?", (seq,)).fetchone()[0]
        return Context(*json.loads(content))

    def active(self, queues: Collection[str]) -> list[JobDetail]:
        """The jobs of these queues that have not ended, in the order of their submission."""
        marks = ",".join("?" * len(queues))
        return self._details(f"status IN {LIVE} AND queue IN ({marks}) ORDER BY seq", tuple(queues))

    def describe(self, job_ids: Sequence[str]) -> list[JobDetail]:
        """Those of these jobs that are known."""
        details = []
        for start in range(0, len(job_ids), _CHUNK):
            chunk = tuple(job_ids[start : start + _CHUNK])
            details += self._details(f"id IN ({','.join('?' * len(chunk))})", chunk)
        return details

    def failed(self, queues: Collection[str], limit: int) -> list[JobDetail]:
        """The jobs of these queues that failed last, the newest first."""
        where = (
            f"status = 'FAILED' AND queue IN ({','.join('?' * len(queues))}) ORDER BY stopped_at DESC LIMIT {limit:d}"
        )
        return self._details(where, tuple(queues))

    def _details(self, where: str, values: tuple[str, ...]) -> list[JobDetail]:
        select_jobs = f"SELECT {JOB_COLUMNS} FROM jobs WHERE {where}"  # noqa: S608
        select_attempts = (
            f"SELECT {ATTEMPT_COLUMNS} FROM attempts"  # noqa: S608
            f" WHERE job IN (SELECT seq FROM jobs WHERE {where}) ORDER BY job, number"
        )
        with self._connection.reading() as sqlite:
            jobs = sqlite.execute(select_jobs, values).fetchall()
            attempts = sqlite.execute(select_attempts, values).fetchall()
        return details(self.directory, jobs, attempts)
