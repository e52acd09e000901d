"""HTTP messages as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Request(NamedTuple):
    """A request whose body has been read; `path` is as it was sent, percent signs and all, header names are lower."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class Answer(NamedTuple):
    """An answer to be sent."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Rendered(bytes):
    """The text of a whole answer, from a writer whose members were held to the model when it was made."""
