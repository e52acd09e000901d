"""The tables of serve.db, and the words of SQL that several queries share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from batch_helpers.job import ACTIVE, Status

VERSION = 1
"""Stands in `PRAGMA user_version`; a file of another version is refused."""

LIVE = f"({','.join(repr(status.value) for status in ACTIVE)})"
ALL = tuple(status.value for status in Status)

CANCELLED, TERMINATED = 1, 2
"""The bits of jobs.flags: somebody has asked for it."""

NOT_DISPATCHED, DISPATCHED, STUCK = 0, 1, 2
"""jobs.dispatched: the runner has not seen the job, has it, or could never run it as things are."""

# The members of a job's summary as JSON, made by SQLite whenever they change: a page of a thousand jobs is read, not
# rendered.
_LIFE = """head || ',"status":"' || status || '"'
        || CASE WHEN reason IS NULL THEN '' ELSE ',"statusReason":' || json_quote(reason) END
        || CASE WHEN started_at IS NULL THEN '' ELSE ',"startedAt":' || started_at END
        || CASE WHEN stopped_at IS NULL THEN '' ELSE ',"stoppedAt":' || stopped_at END"""
_ENDED = """CASE WHEN exit_code IS NULL THEN '' ELSE '"exitCode":' || exit_code END
        || CASE WHEN exit_code IS NULL OR container_reason IS NULL THEN '' ELSE ',' END
        || CASE WHEN container_reason IS NULL THEN '' ELSE '"reason":' || json_quote(container_reason) END"""

SUMMARY_TEXT = """'{' || life || CASE ended WHEN '' THEN '}' ELSE ',"container":{' || ended || '}}' END"""
"""A job as ListJobs shows it, when nobody wants it ended and it is no array."""

LIFE_WITHOUT_START = "coalesce(replace(life, ',\"startedAt\":' || started_at, ''), life)"

# A job's row stays narrow, because every change of state rewrites it: what is constant lies in `specs`, which the
# children of an array share. head and attempts are pieces of JSON, as are the columns of `specs`. queue and definition
# (name:revision) are names. Times are milliseconds.
# waiting: upstream jobs that have not ended; doom: why it will fail although it was accepted; attempt: attempts ended;
# cancel: why someone wants it ended. parent and upstream are seqs; size makes it an array.
TABLES = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE resources (
    kind TEXT NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL, tags TEXT NOT NULL, PRIMARY KEY (kind, name)
) WITHOUT ROWID;
CREATE TABLE definitions (
    name TEXT NOT NULL,
    revision INTEGER NOT NULL,
    deregistered_at INTEGER,
    document TEXT NOT NULL,
    tags TEXT NOT NULL,
    PRIMARY KEY (name, revision)
) WITHOUT ROWID;
CREATE TABLE revisions (name TEXT PRIMARY KEY, latest INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE specs (
    seq INTEGER PRIMARY KEY, document TEXT NOT NULL, container TEXT NOT NULL, task TEXT, tags TEXT NOT NULL
);
CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    head TEXT NOT NULL,
    queue TEXT NOT NULL,
    name TEXT NOT NULL COLLATE NOCASE,
    definition TEXT NOT NULL,
    share TEXT,
    spec INTEGER NOT NULL,
    status TEXT NOT NULL DEFAULT 'SUBMITTED',
    reason TEXT,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    stopped_at INTEGER,
    exit_code INTEGER,
    container_reason TEXT,
    stream TEXT,
    waiting INTEGER NOT NULL DEFAULT 0,
    doom TEXT,
    dispatched INTEGER NOT NULL DEFAULT {NOT_DISPATCHED},
    attempt INTEGER NOT NULL DEFAULT 0,
    attempts TEXT,
    cancel TEXT,
    flags INTEGER NOT NULL DEFAULT 0,
    parent INTEGER,
    array_index INTEGER,
    size INTEGER,
    life TEXT GENERATED ALWAYS AS ({_LIFE}) STORED,
    ended TEXT GENERATED ALWAYS AS ({_ENDED}) STORED
);
CREATE INDEX by_status ON jobs (queue, status, seq) WHERE parent IS NULL;
CREATE INDEX by_name ON jobs (queue, name, seq DESC) WHERE parent IS NULL;
CREATE INDEX children ON jobs (parent, status, seq) WHERE parent IS NOT NULL;
CREATE INDEX submitted ON jobs (seq) WHERE status = 'SUBMITTED';
CREATE INDEX runnable ON jobs (queue, seq) WHERE status = 'RUNNABLE' AND size IS NULL;
CREATE INDEX offered ON jobs (queue, seq) WHERE status = 'RUNNABLE' AND size IS NULL AND dispatched = {NOT_DISPATCHED};
CREATE INDEX occupied ON jobs (seq) WHERE status IN ('STARTING', 'RUNNING');
CREATE INDEX ended ON jobs (stopped_at) WHERE stopped_at IS NOT NULL AND parent IS NULL;
CREATE TABLE edges (upstream INTEGER NOT NULL, job INTEGER NOT NULL, PRIMARY KEY (upstream, job)) WITHOUT ROWID;
CREATE TABLE streams (
    log_group TEXT NOT NULL, name TEXT NOT NULL, job TEXT NOT NULL, attempt INTEGER NOT NULL,
    created_at INTEGER NOT NULL, PRIMARY KEY (log_group, name)
) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
"""

_CHUNK = 1000


def chunks(values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """Values in tuples that are short enough for one statement."""
    for start in range(0, len(values), _CHUNK):
        yield tuple(values[start : start + _CHUNK])


def marks(values: Sequence[Any]) -> str:
    """Question marks for values."""
    return ",".join("?" * len(values))
