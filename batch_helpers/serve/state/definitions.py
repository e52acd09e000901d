"""Job definitions and their revisions."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from batch_helpers.serve.state.rows import Definition

_COLUMNS = "name, revision, deregistered_at IS NULL, document, tags"
_CACHED = 1000


class Definitions:
    """Revisions by name and number; a revision's number is never given twice."""

    def __init__(self, sqlite: sqlite3.Connection) -> None:
        self._sqlite = sqlite
        self._cache: dict[tuple[str, int | None], Definition] = {}

    def reload(self) -> None:
        """Forget what was read, after a transaction that was given up."""
        self._cache.clear()

    def register(self, name: str, document: dict[str, Any], tags: dict[str, str]) -> int:
        """Add the next revision of a definition, and return its number."""
        self._cache.clear()
        sql = (
            "INSERT INTO revisions (name, latest) VALUES (?, 1)"
            " ON CONFLICT (name) DO UPDATE SET latest = latest + 1 RETURNING latest"
        )
        revision: int = self._sqlite.execute(sql, (name,)).fetchone()[0]
        sql = "INSERT INTO definitions (name, revision, document, tags) VALUES (?, ?, ?, ?)"
        self._sqlite.execute(sql, (name, revision, json.dumps(document), json.dumps(tags)))
        return revision

    def find(self, name: str, revision: int | None) -> Definition | None:
        """One revision, whether active or not; the latest active one when `revision` is None."""
        key = (name, revision)
        if key not in self._cache:
            found = self._read(name, revision)
            if found is None:
                return None
            if len(self._cache) >= _CACHED:
                self._cache.clear()
            self._cache[key] = found
        return self._cache[key]

    def _read(self, name: str, revision: int | None) -> Definition | None:
        which = "revision = ?" if revision is not None else "deregistered_at IS NULL AND ? IS NULL"
        sql = f"SELECT {_COLUMNS} FROM definitions WHERE name = ? AND {which} ORDER BY revision DESC LIMIT 1"  # noqa: S608
        row = self._sqlite.execute(sql, (name, revision)).fetchone()
        return _definition(row) if row else None

    def page(self, name: str | None, active: bool | None, after: tuple[str, int], limit: int) -> Sequence[Definition]:
        """Revisions in the order of name and number, of one name or all, active or not or both."""
        conditions, values = ["(name, revision) > (?, ?)"], [*after]
        if name is not None:
            conditions.append("name = ?")
            values.append(name)
        if active is not None:
            conditions.append(f"deregistered_at IS {'' if active else 'NOT '}NULL")
        where = " AND ".join(conditions)
        sql = f"SELECT {_COLUMNS} FROM definitions WHERE {where} ORDER BY name, revision LIMIT ?"  # noqa: S608
        return [_definition(row) for row in self._sqlite.execute(sql, (*values, limit))]

    def deregister(self, name: str, revision: int, now: int) -> None:
        self._cache.clear()
        sql = "UPDATE definitions SET deregistered_at = ? WHERE name = ? AND revision = ? AND deregistered_at IS NULL"
        self._sqlite.execute(sql, (now, name, revision))

    def retag(self, name: str, revision: int, tags: dict[str, str]) -> None:
        self._cache.clear()
        sql = "UPDATE definitions SET tags = ? WHERE name = ? AND revision = ?"
        self._sqlite.execute(sql, (json.dumps(tags), name, revision))

    def expire(self, before: int) -> None:
        """Forget what was deregistered before this time."""
        if self._sqlite.execute("DELETE FROM definitions WHERE deregistered_at < ?", (before,)).rowcount:
            self._cache.clear()


def _definition(row: tuple[Any, ...]) -> Definition:
    name, revision, active, document, tags = row
    return Definition(name, revision, bool(active), json.loads(document), json.loads(tags))
