"""Values that are JSON objects on disk and in environment variables."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Self

from batch_helpers.errors import InvalidInput


class JSONText(ABC):
    """To JSON text and back, for a class that goes to plain data and back."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""

    @classmethod
    @abstractmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What to_dict was made from. Raises InvalidInput for what it does not know."""

    def to_json(self, **options: Any) -> str:
        """JSON text; `options` are those of json.dumps."""
        return json.dumps(self.to_dict(), **options)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What to_json was made from. Raises InvalidInput, for text that is no JSON with line and column."""
        try:
            data = json.loads(text)
        except json.JSONDecodeError as exc:
            raise InvalidInput(f"line {exc.lineno}, column {exc.colno}: not JSON: {exc.msg}") from exc
        return cls.from_dict(data)
