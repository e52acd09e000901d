"""serve.db: opening it, and its transactions. One thread uses it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from batch_helpers.errors import ServiceError
from batch_helpers.serve.state.definitions import Definitions
from batch_helpers.serve.state.jobs import Jobs
from batch_helpers.serve.state.moves import Moves
from batch_helpers.serve.state.resources import Resources
from batch_helpers.serve.state.schema import TABLES, VERSION
from batch_helpers.serve.state.streams import Streams

STATE = "serve.db"


class Database:
    """The state of one endpoint. What a transaction has committed survives the end of the process, however it ends."""

    def __init__(self, directory: str) -> None:
        self.path = os.path.join(directory, STATE)
        self._sqlite = _opened(self.path)
        self.resources = Resources(self._sqlite)
        self.definitions = Definitions(self._sqlite)
        self.jobs = Jobs(self._sqlite)
        self.moves = Moves(self._sqlite)
        self.streams = Streams(self._sqlite)

    def close(self) -> None:
        self._sqlite.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside, or nothing. Raises ServiceError when the file cannot be written."""
        try:
            self._sqlite.execute("BEGIN IMMEDIATE")
            yield
            self._sqlite.execute("COMMIT")
        except BaseException as exc:
            if self._sqlite.in_transaction:
                self._sqlite.execute("ROLLBACK")
            self.resources.reload()
            self.definitions.reload()
            if isinstance(exc, sqlite3.Error):
                raise ServiceError(f"{self.path}: {exc}: see that its disk has room and is well") from exc
            raise

    def once(self, key: str) -> bool:
        """Whether this is the first time that anybody asks about `key` in this state."""
        sql = "INSERT INTO meta (key, value) VALUES (?, '') ON CONFLICT DO NOTHING"
        return self._sqlite.execute(sql, (key,)).rowcount > 0


def _opened(path: str) -> sqlite3.Connection:
    try:
        # Job documents hold environments: the file is for its owner only, and -wal and -shm follow it.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        sqlite = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        sqlite.execute("PRAGMA journal_mode = WAL")
        # A commit reaches the operating system before it returns: a killed process loses nothing, a power cut may.
        sqlite.execute("PRAGMA synchronous = NORMAL")
        if _version(sqlite) == 0:
            sqlite.executescript(f"BEGIN IMMEDIATE; {TABLES} COMMIT;")
        found = _version(sqlite)
    except (OSError, sqlite3.Error) as exc:
        raise ServiceError(f"{path}: {exc}: check the directory, its permissions and its disk") from exc
    if found != VERSION:
        sqlite.close()
        raise ServiceError(f"{path}: made by another version of batch_helpers; choose another directory")
    return sqlite


def _version(sqlite: sqlite3.Connection) -> int:
    version: int = sqlite.execute("PRAGMA user_version").fetchone()[0]
    return version
