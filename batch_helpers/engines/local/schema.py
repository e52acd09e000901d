"""The tables of state.db, and the words of SQL that several queries share."""

from __future__ import annotations

VERSION = 1
"""Stands in `PRAGMA user_version`; a file of another version is refused."""

LIVE = "('SUBMITTED','PENDING','RUNNABLE','STARTING','RUNNING')"

# `jobs` stays narrow, because a change of state rewrites its row; what only a start needs lies in `specs`.
# waiting: upstream jobs that have not ended. attempt: attempts begun. cancel: why someone wants it ended.
TABLES = f"""
CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    queue TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    job_definition TEXT NOT NULL DEFAULT '',
    exit_code INTEGER,
    created_at REAL NOT NULL,
    started_at REAL,
    stopped_at REAL,
    fingerprint TEXT,
    vcpus REAL NOT NULL DEFAULT 1,
    memory INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 1,
    timeout INTEGER,
    lenient INTEGER NOT NULL DEFAULT 0,
    waiting INTEGER NOT NULL DEFAULT 0,
    attempt INTEGER NOT NULL DEFAULT 0,
    pid INTEGER,
    pid_created_at REAL,
    cancel TEXT,
    array_index INTEGER
);
CREATE UNIQUE INDEX live_work ON jobs (fingerprint) WHERE fingerprint IS NOT NULL AND status IN {LIVE};
CREATE INDEX by_status ON jobs (status, seq);
CREATE TABLE specs (seq INTEGER PRIMARY KEY, spec TEXT NOT NULL, context INTEGER NOT NULL);
CREATE TABLE contexts (seq INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, content TEXT NOT NULL);
CREATE TABLE dependencies (upstream INTEGER NOT NULL, job INTEGER NOT NULL, PRIMARY KEY (upstream, job)) WITHOUT ROWID;
CREATE TABLE attempts (
    job INTEGER NOT NULL,
    number INTEGER NOT NULL,
    exit_code INTEGER,
    reason TEXT NOT NULL DEFAULT '',
    started_at REAL,
    stopped_at REAL,
    peak_memory INTEGER,
    PRIMARY KEY (job, number)
) WITHOUT ROWID;
CREATE TABLE capacity (one INTEGER PRIMARY KEY CHECK (one = 1), vcpus REAL, memory INTEGER);
PRAGMA user_version = {VERSION};
"""
