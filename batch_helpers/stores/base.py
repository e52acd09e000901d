"""Store: the seam behind which outputs lie. One contract suite (tests/contracts) holds every store to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol


class Found(NamedTuple):
    """An object that exists. `size` is in bytes, `modified` in seconds since the epoch; None is not known."""

    size: int | None = None
    modified: float | None = None
    etag: str | None = None


class Store(Protocol):
    """Where outputs lie. Methods raise only errors of batch_helpers.errors.

    A missing key is an answer. A missing bucket raises NotFound, a denied one AccessDenied: neither is ever read as
    "not there".
    """

    def find(self, uris: Collection[str], *, measured: Collection[str] = ()) -> dict[str, Found]:
        """Which of these exist: a mapping with the URIs as they were given, only those present.

        measured: those of which size and date are wanted too; of others they may be left out where they cost extra.
        """
        ...

    def count(self, folders: Mapping[str, int]) -> dict[str, int]:
        """How many objects lie below each folder, at any depth; counted up to the number that is given with it.

        folders: URIs that end with `/`. Placeholders of folders do not count. One that is not there holds 0.
        """
        ...

    def read(self, uri: str) -> bytes:
        """The object's content; NotFound when there is none."""
        ...

    def write(self, uri: str, data: bytes, *, only_if_absent: bool = False) -> bool:
        """Store `data` whole or not at all; False when `only_if_absent` and there was one already."""
        ...

    def delete(self, uris: Collection[str]) -> None:
        """Remove these; those that are not there are no error."""
        ...
