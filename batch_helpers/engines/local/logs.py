"""The files that take what attempts write to stdout and stderr."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress

from batch_helpers.errors import ServiceError

LOGS = "logs"

_SPARES = 64
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


def log_path(directory: str, job_id: str, attempt: int) -> str:
    """Where an attempt's log is; a silent attempt has none in the end."""
    return os.path.join(directory, LOGS, f"{job_id}-{attempt}.log")


def lines(path: str) -> Iterator[str]:
    """The lines of a log, bytes that are not UTF-8 replaced; none when there is no log."""
    try:
        with open(path, encoding="utf-8", errors="replace", newline="\n") as file:
            for line in file:
                yield line.rstrip("\r\n")
    except FileNotFoundError:
        return
    except OSError as exc:
        raise ServiceError(f"the log {path} cannot be read: {exc.strerror}") from exc


class SpareLogs:
    """Log files that stayed empty, to be used again.

    Making a file can be the dearest part of a short job: ext4 passes over every inode that was freed in the last
    minutes. It also leaves no heap of empty files behind.
    """

    def __init__(self) -> None:
        self._spares: list[str] = []

    def open(self, path: str) -> int:
        """Open a log for appending, made from a spare one if possible."""
        if self._spares:
            with suppress(FileNotFoundError):  # somebody may have tidied up
                os.rename(self._spares.pop(), path)
        try:
            return os.open(path, _APPEND, 0o644)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            return os.open(path, _APPEND, 0o644)

    def done(self, path: str) -> None:
        """An attempt has ended: keep its log in mind if it is empty and will stay so."""
        if len(self._spares) < _SPARES and _is_left_empty(path):
            self._spares.append(path)


def _is_left_empty(path: str) -> bool:
    """Whether a file is empty and nobody else has it open: the kernel grants a write lease only then."""
    if not hasattr(fcntl, "F_SETLEASE"):
        return False
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        return os.fstat(file).st_size == 0
    except OSError:
        return False
    finally:
        os.close(file)
