"""One SQLite file in WAL mode: opening it, transactions, and its errors as ours."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

from batch_helpers.engines.local.schema import TABLES, VERSION
from batch_helpers.errors import ServiceError

_BUSY_SECONDS = 30.0
_PRIMARY_CODE = 0xFF
_REMEDIES = {
    sqlite3.SQLITE_CORRUPT: "it is damaged; move its directory away and run again: existing outputs are still skipped",
    sqlite3.SQLITE_NOTADB: "it is no database; move it away and run again: existing outputs are still skipped",
    sqlite3.SQLITE_FULL: "the disk is full; make room and run again",
    sqlite3.SQLITE_IOERR: "the disk refused a read or a write; see that it has room and is well",
    sqlite3.SQLITE_BUSY: f"another process has held it for {_BUSY_SECONDS:g} s; see what it does",
    sqlite3.SQLITE_READONLY: "it cannot be written; check the permissions of it and its directory",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check the permissions of it and its directory",
    sqlite3.SQLITE_PERM: "it cannot be opened; check the permissions of it and its directory",
}


class Connection:
    """A connection that threads may share. Every sqlite3 error leaves it as a ServiceError that says what to do.

    durable: commits reach the disk before they return. Otherwise a power cut may undo the last ones, never tear them.
    """

    def __init__(self, path: str, *, durable: bool = True) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._pid = os.getpid()
        try:
            with self._our_errors():
                self._sqlite = _opened(path, durable=durable)
        except OSError as exc:
            raise ServiceError(f"{path}: {exc.strerror}: check the permissions of it and its directory") from exc
        self._inode = _inode(path)
        self._finalizer = weakref.finalize(self, _close, self._sqlite, self._pid)

    def close(self) -> None:
        self._finalizer()

    @property
    def usable(self) -> bool:
        """Whether this is still the file at its path, and this still the process that opened it."""
        return self._pid == os.getpid() and self._inode == _inode(self.path) is not None

    def version(self) -> int:
        """A number that changes when another connection has committed something."""
        with self._lock, self._our_errors():
            number: int = self._sqlite.execute("PRAGMA data_version").fetchone()[0]
            return number

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One picture for all that is read inside."""
        with self._transaction("BEGIN") as sqlite:
            yield sqlite

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """All that is written inside, or nothing."""
        with self._transaction("BEGIN IMMEDIATE") as sqlite:
            yield sqlite

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._lock, self._our_errors():
            if self._sqlite.in_transaction:  # a question that is asked inside of a transaction belongs to it
                yield self._sqlite
            else:
                with self._begun(begin):
                    yield self._sqlite

    @contextmanager
    def _begun(self, begin: str) -> Iterator[None]:
        self._sqlite.execute(begin)
        try:
            yield
            self._sqlite.execute("COMMIT")
        except BaseException:
            if self._sqlite.in_transaction:
                self._sqlite.execute("ROLLBACK")
            raise

    @contextmanager
    def _our_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as exc:
            code = getattr(exc, "sqlite_errorcode", 0) & _PRIMARY_CODE
            remedy = _REMEDIES.get(code, "see the cause above")
            raise ServiceError(f"{self.path}: {exc}: {remedy}") from exc


def _opened(path: str, *, durable: bool) -> sqlite3.Connection:
    # A file with the submitters' environments in it is for its owner only; SQLite gives -wal and -shm the same mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    sqlite = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        sqlite.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        sqlite.execute("PRAGMA wal_autocheckpoint = 20000")
        _prepare(sqlite, path)
    except BaseException:
        sqlite.close()
        raise
    return sqlite


def _prepare(sqlite: sqlite3.Connection, path: str) -> None:
    if _version(sqlite) == 0:
        _create(sqlite, path)
    if _version(sqlite) != VERSION:
        raise ServiceError(f"{path}: made by another version of batch_helpers; let that one finish, or move it away")


def _create(sqlite: sqlite3.Connection, path: str) -> None:
    """Make the tables once; switching to WAL heeds no busy timeout, so only one process at a time may try."""
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        if _version(sqlite) == 0:
            mode = sqlite.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            if mode != "wal":
                raise ServiceError(
                    f"{path}: this file system cannot share a database; choose a directory on a local disk"
                )
            sqlite.executescript(f"BEGIN IMMEDIATE; {TABLES} COMMIT;")
    finally:
        os.close(folder)


def _version(sqlite: sqlite3.Connection) -> int:
    version: int = sqlite.execute("PRAGMA user_version").fetchone()[0]
    return version


def _inode(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _close(sqlite: sqlite3.Connection, pid: int) -> None:
    if pid == os.getpid():  # a forked child must not touch its parent's connection
        sqlite.close()
