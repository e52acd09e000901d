"""Pieces of log files, as pages of events: whole lines, forwards or backwards from a place in bytes."""

from __future__ import annotations

import os
from typing import NamedTuple

PAGE = 1 << 20
"""Bytes in a page: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html"""


class Chunk(NamedTuple):
    """Lines without their ends, empty ones left out, and where in the file they begin and end."""

    lines: list[str]
    start: int
    end: int


def size_of(path: str | None) -> int:
    """The size of a log in bytes; a log that does not exist is empty."""
    try:
        return os.path.getsize(path) if path else 0
    except FileNotFoundError:
        return 0


def later(path: str | None, start: int, limit: int, *, complete: bool) -> Chunk:
    """At most `limit` lines from `start` on; the last one may lack its end only when the log is `complete`."""
    lines: list[str] = []
    end = start
    for piece in _pieces(_read(path, start, PAGE), complete=complete):
        if len(lines) == limit:
            break
        end += len(piece)
        if text := _text(piece):
            lines.append(text)
    return Chunk(lines, start, end)


def earlier(path: str | None, end: int, limit: int, *, complete: bool) -> Chunk:
    """At most `limit` lines before `end`, the last ones there are."""
    end = min(end, size_of(path))
    start = max(0, end - PAGE)
    block = _read(path, start, end - start)
    if start and (cut := block.find(b"\n") + 1):  # the first line of the block has its beginning in an earlier one
        block, start = block[cut:], start + cut
    pieces = _pieces(block, complete=complete)
    end = start + sum(map(len, pieces))
    kept: list[str] = []
    while pieces and len(kept) < limit:
        piece = pieces.pop()
        if text := _text(piece):
            kept.append(text)
    return Chunk(kept[::-1], start + sum(map(len, pieces)), end)


def _read(path: str | None, start: int, size: int) -> bytes:
    if path is None:
        return b""
    try:
        with open(path, "rb") as file:
            file.seek(start)
            return file.read(size)
    except FileNotFoundError:
        return b""


def _pieces(block: bytes, *, complete: bool) -> list[bytes]:
    """Lines with their ends; what follows the last end is a line when the log is complete or the page is full."""
    *lines, last = block.split(b"\n")  # only newlines end lines: a progress bar's carriage returns stay inside
    pieces = [line + b"\n" for line in lines] + ([last] if last else [])
    if pieces and not pieces[-1].endswith(b"\n") and (len(pieces) > 1 or len(block) < PAGE):
        unfinished = pieces.pop()
        if complete and len(block) < PAGE:
            pieces.append(unfinished)
    return pieces


def _text(piece: bytes) -> str:
    return piece.decode(errors="replace").rstrip("\r\n")
