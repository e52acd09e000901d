"""Declared outputs on this machine: gone before an attempt, and gone after one that did not succeed.

Each is the path of a file, or that of a folder, with a `/` at its end, of which all files count.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator

from batch_helpers.output import Output
from batch_helpers.uris import local_path


def paths_of(uri: str) -> Iterator[str]:
    """The paths of an output by which it is believed; none when it lies elsewhere."""
    if not isinstance(uri, Output):
        files, counted = [uri], False
    else:
        files, counted = [uri.file] if uri.file is not None else [], bool(uri.least)
    for file in files:
        if path := local_path(file):
            yield path
    if counted and (path := local_path(uri)):
        yield f"{path}/"


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
            if path.endswith("/"):
                _empty(path)
            else:
                _remove(path)
        except OSError as exc:
            problem = problem or f"output {path} cannot be removed: {exc.strerror}"
    return problem


def _empty(folder: str) -> None:
    """Remove every file below a folder, and leave the folders; links are removed, not followed."""
    try:
        with os.scandir(folder) as entries:
            for entry in list(entries):
                if entry.is_dir(follow_symlinks=False):
                    _empty(entry.path)
                else:
                    _remove(entry.path)
    except (FileNotFoundError, NotADirectoryError):
        return


def _remove(path: str) -> None:
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(0, "it is a folder")
    if stat.S_ISREG(mode) or stat.S_ISLNK(mode):  # /dev/null is an output that must stay
        os.unlink(path)
