"""Compute environments, job queues and scheduling policies; few, so they are kept in memory as well."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from batch_helpers.serve.state.rows import Resource


class Resources:
    """Resources by kind and name. Documents that it hands out are not to be changed."""

    def __init__(self, sqlite: sqlite3.Connection) -> None:
        self._sqlite = sqlite
        self.reload()

    def reload(self) -> None:
        """Read what is stored, after a transaction that was given up."""
        self._known: dict[str, dict[str, Resource]] = {}
        for kind, name, document, tags in self._sqlite.execute("SELECT kind, name, document, tags FROM resources"):
            self._known.setdefault(kind, {})[name] = Resource(name, json.loads(document), json.loads(tags))

    def all(self, kind: str) -> list[Resource]:
        """Those of a kind, in the order of their names."""
        known = self._known.get(kind, {})
        return [known[name] for name in sorted(known)]

    def find(self, kind: str, name: str) -> Resource | None:
        return self._known.get(kind, {}).get(name)

    def put(self, kind: str, name: str, document: dict[str, Any], tags: dict[str, str]) -> None:
        """Store a resource, new or changed."""
        sql = "INSERT OR REPLACE INTO resources (kind, name, document, tags) VALUES (?, ?, ?, ?)"
        self._sqlite.execute(sql, (kind, name, json.dumps(document), json.dumps(tags)))
        self._known.setdefault(kind, {})[name] = Resource(name, document, tags)

    def delete(self, kind: str, name: str) -> None:
        self._sqlite.execute("DELETE FROM resources WHERE kind = ? AND name = ?", (kind, name))
        self._known.get(kind, {}).pop(name, None)
