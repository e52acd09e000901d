"""Declared outputs on this machine: gone before an attempt, and gone after one that did not succeed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable


def prepare(paths: Iterable[str]) -> str:
    """Remove the outputs and make their folders; returns what went wrong, or an empty string."""
    paths = tuple(paths)
    problem = discard(paths)
    for path in paths:
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        except OSError as exc:
            problem = problem or f"the folder of output {path} cannot be made: {exc.strerror}"
    return problem


def discard(paths: Iterable[str]) -> str:
    """Remove the outputs, as far as they are files; returns what went wrong, or an empty string."""
    problem = ""
    for path in paths:
        try:
            _remove(path)
        except OSError as exc:
            problem = problem or f"output {path} cannot be removed: {exc.strerror}"
    return problem


def _remove(path: str) -> None:
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(0, "it is a folder")
    if stat.S_ISREG(mode) or stat.S_ISLNK(mode):  # /dev/null is an output that must stay
        os.unlink(path)
