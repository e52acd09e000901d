"""Output: where a job leaves something, and what must be true of it before it counts."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import quote

from batch_helpers.errors import InvalidInput
from batch_helpers.uris import output_problem


class Output(str):
    """An output's URI or path, and what must be true of it so that the job is done; in all else a plain string.

        Output("s3://bucket/s1.bam", min_size=1)              # a file of at least so many bytes
        Output("s3://bucket/s1/parts/", marker="_SUCCESS")    # a folder in which this file is
        Output("s3://bucket/s1/parts/", count=24)             # a folder with at least so many files below it

    A folder ends with `/` and belongs to its job alone. Its placeholders (`…/`) do not count, nor does its marker. On
    this machine what counts is taken away before each attempt and after a failed one: the marker, or with `count`
    every file below the folder.

    None of this counts for the fingerprint: it says when the work is done, not what the work is.

    least: the count that was given, 0 for none.

    Raises InvalidInput for a folder without a marker or a count, and for conditions that cannot be met.
    """

    __slots__ = ("least", "marker", "min_size")

    marker: str | None
    min_size: int
    least: int

    def __new__(
        cls, uri: str | os.PathLike[str], *, marker: str | None = None, min_size: int = 0, count: int = 0
    ) -> Output:
        path = os.fspath(uri)
        if not isinstance(path, str) or not path.strip():
            raise InvalidInput(f"Output({path!r}): give a URI or a path")
        if problem := _problem(path, marker, min_size, count):
            raise InvalidInput(f"Output: {problem}")
        made = super().__new__(cls, path)
        for name, value in (("marker", marker), ("min_size", min_size), ("least", count)):
            object.__setattr__(made, name, value)
        return made

    @property
    def folder(self) -> bool:
        """Whether it is a folder, and not one file."""
        return self.endswith("/")

    @property
    def file(self) -> str | None:
        """The one file that must exist, the marker if it has one; None for a folder whose files are counted only."""
        if self.marker is not None:
            return self + (quote(self.marker) if self.startswith("file://") else self.marker)
        return None if self.folder else str(self)

    @property
    def conditions(self) -> dict[str, Any]:
        """What was given beside the URI."""
        given = {"marker": self.marker, "min_size": self.min_size, "count": self.least}
        return {name: value for name, value in given.items() if value}

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"an Output is never changed: make another one instead of setting {name}")

    def __repr__(self) -> str:
        conditions = "".join(f", {name}={value!r}" for name, value in self.conditions.items())
        return f"Output({str(self)!r}{conditions})"

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        return (str(self),), self.conditions

    def __getstate__(self) -> None:
        return None


def _problem(uri: str, marker: object, min_size: object, count: object) -> str | None:
    folder = uri.endswith("/")
    if problem := output_problem(uri.rstrip("/") or "."):
        return problem
    if not _whole(min_size):
        return f"min_size={min_size!r} of {uri!r}: give a whole number of bytes, 0 or more"
    if not _whole(count):
        return f"count={count!r} of {uri!r}: give a whole number of files"
    if marker is not None and (not isinstance(marker, str) or output_problem(marker) or not _is_below(marker)):
        return f"marker={marker!r} of {uri!r}: give the name of a file in it, as '_SUCCESS'"
    if folder and marker is None and not count:
        return f"{uri!r} is a folder: give marker='_SUCCESS', or count= for the number of files below it"
    if folder and min_size:
        return f"min_size={min_size!r} is of one file, and {uri!r} is a folder: give marker= or count="
    if not folder and (marker is not None or count):
        return f"{uri!r} is one file: a folder, which has a marker or a count, ends with '/'"
    return None


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_below(marker: str) -> bool:
    return "://" not in marker and not {"", ".", ".."} & set(marker.split("/"))
