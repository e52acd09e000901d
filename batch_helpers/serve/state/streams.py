"""Log streams: which attempt of which job wrote them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from batch_helpers.serve.state.rows import Stream

_COLUMNS = "log_group, name, job, attempt, created_at"


class Streams:
    """Log streams by group and name."""

    def __init__(self, sqlite: sqlite3.Connection) -> None:
        self._sqlite = sqlite

    def add(self, streams: Iterable[Stream]) -> None:
        sql = f"INSERT OR REPLACE INTO streams ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)"  # noqa: S608
        self._sqlite.executemany(sql, streams)

    def find(self, group: str, name: str) -> Stream | None:
        sql = f"SELECT {_COLUMNS} FROM streams WHERE log_group = ? AND name = ?"  # noqa: S608
        row = self._sqlite.execute(sql, (group, name)).fetchone()
        return Stream(*row) if row else None

    def has_group(self, group: str) -> bool:
        sql = "SELECT 1 FROM streams WHERE log_group = ? LIMIT 1"
        return self._sqlite.execute(sql, (group,)).fetchone() is not None

    def page(self, group: str, prefix: str, after: str, *, descending: bool, limit: int) -> list[Stream]:
        """Streams of a group in the order of their names, beyond `after`, which is empty at the start."""
        way, beyond = ("DESC", "<") if descending else ("ASC", ">")
        sql = (
            f"SELECT {_COLUMNS} FROM streams WHERE log_group = ? AND substr(name, 1, ?) = ?"  # noqa: S608
            f" AND (? = '' OR name {beyond} ?) ORDER BY name {way} LIMIT ?"
        )
        return [Stream(*row) for row in self._sqlite.execute(sql, (group, len(prefix), prefix, after, after, limit))]
