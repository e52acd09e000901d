"""Jobs as they were accepted, and every way to look at them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from batch_helpers.serve.state.rows import Detail, Identity, Known, NewJob, PlainPage, Ready, Started, Summary
from batch_helpers.serve.state.schema import ALL, LIFE_WITHOUT_START, LIVE, NOT_DISPATCHED, SUMMARY_TEXT, chunks, marks

_IN_SPECS = ("document", "container", "task", "tags")
_SUMMARY = ", ".join(Summary._fields)
_FILTERED = _SUMMARY.replace("life", f"{LIFE_WITHOUT_START} AS life")
_DETAIL = ", ".join(f"{'specs' if name in _IN_SPECS else 'jobs'}.{name}" for name in Detail._fields)
_KNOWN = ", ".join(Known._fields)
_READY = (
    "jobs.seq, jobs.id, jobs.name, jobs.queue, jobs.status, jobs.attempt + 1, jobs.array_index,"
    " specs.document, specs.container, specs.task"
)
_INSERT = """
INSERT INTO jobs (id, head, queue, name, definition, share, spec, created_at, waiting, doom, size)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


Row = Any
"""A bare row of the columns of Summary: pages are long, and names cost time."""


class Jobs:
    """Jobs by seq, which grows with every submission, and by jobId."""

    def __init__(self, sqlite: sqlite3.Connection) -> None:
        self._sqlite = sqlite

    def insert(self, job: NewJob) -> None:
        """Accept a job; it stands as SUBMITTED."""
        sql = "INSERT INTO specs (document, container, task, tags) VALUES (?, ?, ?, ?)"
        spec = self._sqlite.execute(sql, (*job.specification, json.dumps(job.tags))).lastrowid
        row = (job.id, job.head, job.queue, job.name, job.definition, job.share, spec, job.created_at)
        seq = self._sqlite.execute(_INSERT, (*row, len(job.upstream), job.doom, job.size)).lastrowid
        if job.upstream:
            sql = "INSERT INTO edges (upstream, job) VALUES (?, ?)"
            self._sqlite.executemany(sql, [(upstream, seq) for upstream in job.upstream])

    def known(self, job_ids: Sequence[str]) -> dict[str, Known]:
        """Those of these jobs that exist."""
        found = {}
        for chunk in chunks(job_ids):
            sql = f"SELECT {_KNOWN} FROM jobs WHERE id IN ({marks(chunk)})"  # noqa: S608
            found.update({row[1]: Known(*row) for row in self._sqlite.execute(sql, chunk)})
        return found

    def details(self, job_ids: Sequence[str]) -> list[Detail]:
        """Those of these jobs that exist, in the order of `job_ids`."""
        sql = (
            f"SELECT jobs.id, {_DETAIL} FROM jobs JOIN specs ON specs.seq = jobs.spec"  # noqa: S608
            f" WHERE jobs.id IN ({marks(job_ids)})"
        )
        found = {row[0]: Detail(*row[1:]) for row in self._sqlite.execute(sql, tuple(job_ids))}
        return [found[job_id] for job_id in dict.fromkeys(job_ids) if job_id in found]

    def name(self, seq: int) -> str:
        """The name of a job."""
        name: str = self._sqlite.execute("SELECT name FROM jobs WHERE seq = ?", (seq,)).fetchone()[0]
        return name

    def ids(self, seqs: Sequence[int]) -> dict[int, str]:
        """The jobIds of jobs."""
        sql = f"SELECT seq, id FROM jobs WHERE seq IN ({marks(seqs)})"  # noqa: S608
        return dict(self._sqlite.execute(sql, tuple(seqs)).fetchall())

    def of_queue(self, queue: str, status: str, before: int, limit: int) -> list[Row]:
        """A page of Summary rows of one status, the newest first, older than seq `before`."""
        sql = (
            f"SELECT {_SUMMARY} FROM jobs WHERE queue = ? AND status = ? AND parent IS NULL"  # noqa: S608
            " AND seq < ? ORDER BY seq DESC LIMIT ?"
        )
        return self._sqlite.execute(sql, (queue, status, before, limit)).fetchall()

    def plain_page(self, queue: str, status: str, before: int, limit: int) -> PlainPage | None:
        """The same page as one text, for half the time; None when one of its jobs takes more than that.

        The order inside a text is that of the subquery.
        """
        one = "queue = ? AND status = ? AND parent IS NULL AND seq < ?"
        sql = (
            f"SELECT group_concat({SUMMARY_TEXT}), min(seq), count(*), count(nullif(flags, 0)) + count(size) FROM"  # noqa: S608
            f" (SELECT life, ended, seq, flags, size FROM jobs WHERE {one} ORDER BY seq DESC LIMIT ?)"
        )
        text, last, number, special = self._sqlite.execute(sql, (queue, status, before, limit)).fetchone()
        if special:
            return None
        sql = f"SELECT 1 FROM jobs WHERE {one} LIMIT 1"  # noqa: S608
        more = number == limit and self._sqlite.execute(sql, (queue, status, last)).fetchone() is not None
        return PlainPage(text or "", last or 0, more)

    def of_array(self, parent: int, status: str, after: int, limit: int) -> list[Row]:
        """A page of an array's children of one status, in the order of their indexes."""
        sql = (
            f"SELECT {_SUMMARY} FROM jobs WHERE parent = ? AND status = ?"  # noqa: S608
            " AND seq > ? ORDER BY seq LIMIT ?"
        )
        return self._sqlite.execute(sql, (parent, status, after, limit)).fetchall()

    def filtered(self, queue: str, condition: str, values: Sequence[object], before: int, limit: int) -> list[Row]:
        """A page of the jobs for which an SQL condition holds, whatever their status.

        With a filter the service leaves startedAt out: github.com/boto/boto3/issues/3315.
        """
        sql = (
            f"SELECT {_FILTERED} FROM jobs WHERE queue = ? AND parent IS NULL AND {condition}"  # noqa: S608
            " AND seq < ? ORDER BY seq DESC LIMIT ?"
        )
        return self._sqlite.execute(sql, (queue, *values, before, limit)).fetchall()

    def named(self, queue: str, names: tuple[str, str], after: tuple[str, int], limit: int) -> list[Row]:
        """A page of the jobs with names from the first of `names` up to the second, by name, the newest first."""
        sql = (
            f"SELECT {_FILTERED} FROM jobs WHERE queue = ? AND parent IS NULL AND name >= ? AND name < ?"  # noqa: S608
            " AND (name > ? OR (name = ? AND seq < ?)) ORDER BY name, seq DESC LIMIT ?"
        )
        last, seq = after
        return self._sqlite.execute(sql, (queue, *names, last, last, seq, limit)).fetchall()

    def status_summaries(self, parents: Iterable[int]) -> dict[int, dict[str, int]]:
        """How many children of each array stand in each status, all seven of them."""
        sql = "SELECT status, count(*) FROM jobs WHERE parent = ? GROUP BY status"
        return {
            parent: dict.fromkeys(ALL, 0) | dict(self._sqlite.execute(sql, (parent,)).fetchall()) for parent in parents
        }

    def children(self, parent: int) -> dict[int, tuple[int, str]]:
        """The seq and status of each of an array's children, by index."""
        sql = "SELECT array_index, seq, status FROM jobs WHERE parent = ?"
        return {index: (seq, status) for index, seq, status in self._sqlite.execute(sql, (parent,))}

    def ready(self, queue: str, limit: int) -> list[Ready]:
        """RUNNABLE jobs of a queue that no runner has been offered, in the order of dispatch."""
        sql = (
            f"SELECT {_READY} FROM jobs JOIN specs ON specs.seq = jobs.spec WHERE queue = ? AND status = 'RUNNABLE'"  # noqa: S608
            f" AND size IS NULL AND dispatched = {NOT_DISPATCHED} ORDER BY jobs.seq LIMIT ?"
        )
        return [Ready(*row) for row in self._sqlite.execute(sql, (queue, limit))]

    def under_way(self, after: int, limit: int) -> list[Ready]:
        """STARTING and RUNNING jobs and their present attempts."""
        sql = (
            f"SELECT {_READY} FROM jobs JOIN specs ON specs.seq = jobs.spec"  # noqa: S608
            " WHERE status IN ('STARTING', 'RUNNING') AND jobs.seq > ? AND size IS NULL ORDER BY jobs.seq LIMIT ?"
        )
        return [Ready(*row) for row in self._sqlite.execute(sql, (after, limit))]

    def front(self, queue: str, limit: int) -> list[tuple[str, int]]:
        """The jobIds that would start next, and when they came."""
        sql = (
            "SELECT id, created_at FROM jobs WHERE queue = ? AND status = 'RUNNABLE' AND size IS NULL"
            " ORDER BY seq LIMIT ?"
        )
        return self._sqlite.execute(sql, (queue, limit)).fetchall()

    def head(self, queue: str) -> tuple[str, str] | None:
        """The jobId of the first RUNNABLE job of a queue, and why it does not start."""
        sql = (
            "SELECT id, coalesce(reason, '') FROM jobs WHERE queue = ? AND status = 'RUNNABLE' AND size IS NULL"
            " ORDER BY seq LIMIT 1"
        )
        found: tuple[str, str] | None = self._sqlite.execute(sql, (queue,)).fetchone()
        return found

    def live(self, queue: str) -> list[str]:
        """The jobIds of a queue's jobs and arrays that have not ended."""
        sql = f"SELECT id FROM jobs WHERE queue = ? AND status IN {LIVE} AND parent IS NULL"  # noqa: S608
        return [row[0] for row in self._sqlite.execute(sql, (queue,))]

    def has_ended(self, job_id: str, attempt: int) -> bool:
        """Whether an attempt of a job is over."""
        row = self._sqlite.execute("SELECT attempt >= ? FROM jobs WHERE id = ?", (attempt, job_id)).fetchone()
        return row is None or bool(row[0])

    def started(self, seqs: Sequence[int]) -> dict[int, Started]:
        """What the log streams of these jobs' present attempts are named after."""
        found = {}
        for chunk in chunks(seqs):
            sql = (
                "SELECT jobs.seq, jobs.id, jobs.definition, jobs.attempt + 1, specs.container,"  # noqa: S608
                " json_extract(specs.task, '$.containers')"
                f" FROM jobs JOIN specs ON specs.seq = jobs.spec WHERE jobs.seq IN ({marks(chunk)})"
            )
            for seq, job_id, label, number, text, several in self._sqlite.execute(sql, chunk):
                container = json.loads(text)
                found[seq] = Started(job_id, label, number, container, json.loads(several) if several else [container])
        return found

    def identity(self, seq: int) -> Identity:
        """What an array gives to its children."""
        sql = (
            "SELECT id, name, definition, share, specs.document FROM jobs JOIN specs ON specs.seq = jobs.spec"
            " WHERE jobs.seq = ?"
        )
        return Identity(*self._sqlite.execute(sql, (seq,)).fetchone())

    def tags(self, job_id: str) -> dict[str, str] | None:
        """The tags of a job that is not an array's child; None when there is no such job."""
        sql = "SELECT tags FROM specs WHERE seq = (SELECT spec FROM jobs WHERE id = ? AND parent IS NULL)"
        row = self._sqlite.execute(sql, (job_id,)).fetchone()
        return json.loads(row[0]) if row else None

    def retag(self, job_id: str, tags: dict[str, str]) -> None:
        sql = "UPDATE specs SET tags = ? WHERE seq = (SELECT spec FROM jobs WHERE id = ? AND parent IS NULL)"
        self._sqlite.execute(sql, (json.dumps(tags), job_id))

    def expired(self, before: int, limit: int) -> list[str]:
        """The jobIds of jobs and whole arrays that ended before this time."""
        sql = "SELECT id FROM jobs WHERE stopped_at < ? AND parent IS NULL ORDER BY stopped_at LIMIT ?"
        return [row[0] for row in self._sqlite.execute(sql, (before, limit))]

    def forget(self, job_ids: Sequence[str]) -> list[str]:
        """Delete jobs, with all that belongs to them, as the service does when they have aged out.

        Returns the ids of the jobs and of the children of arrays that are gone.
        """
        gone: list[str] = []
        for known in self.known(job_ids).values():
            family = "seq = ? OR parent = ?"
            ids = f"SELECT id FROM jobs WHERE {family}"  # noqa: S608
            seqs = f"SELECT seq FROM jobs WHERE {family}"  # noqa: S608
            both = (known.seq, known.seq)
            gone += [row[0] for row in self._sqlite.execute(ids, both)]
            self._sqlite.execute(f"DELETE FROM streams WHERE job IN ({ids})", both)  # noqa: S608
            self._sqlite.execute(f"DELETE FROM edges WHERE job IN ({seqs})", both)  # noqa: S608
            self._sqlite.execute("DELETE FROM specs WHERE seq = (SELECT spec FROM jobs WHERE seq = ?)", both[:1])
            self._sqlite.execute(f"DELETE FROM jobs WHERE {family}", both)  # noqa: S608
        return gone
