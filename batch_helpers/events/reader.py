"""Reading: a file of events -> the run, as far as the file is whole."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, BinaryIO

from batch_helpers.errors import InvalidInput
from batch_helpers.events.history import History
from batch_helpers.events.lines import FORMAT, detail_from, job_from, text_in, time_in
from batch_helpers.events.record import RunRecord
from batch_helpers.plan import Action

_MOST_DAMAGED = 5

Line = Mapping[str, Any]


def read_events(path: str) -> RunRecord:
    """The run that a file of events tells of.

    A last line that was cut short is left out, damaged lines and clocks that went backwards are told in `warnings`.
    Raises InvalidInput when the file is not there, empty, not one of ours, or of a newer format.
    """
    return EventsFile(path).read()


def runs_in(folder: str) -> list[str]:
    """The files of a folder that are events of runs, by name; those of a newer format are left out."""
    names = sorted(name for name in os.listdir(folder) if name.endswith(".ndjson"))
    paths = [os.path.normpath(os.path.join(folder, name)) for name in names]
    return [path for path in paths if _is_a_run(path)]


def _is_a_run(path: str) -> bool:
    try:
        EventsFile(path).engine()
    except InvalidInput:
        return False
    return True


class EventsFile:
    """A file of events that may still grow: every read() takes what was added up into `history`."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.history = History(name=os.path.basename(path).partition(".")[0])
        self._place = 0
        self._lines = 0
        self._backwards = 0
        self._damaged: list[int] = []
        self._cut = False
        self._read: dict[str, Callable[[Line, float], None]] = {
            "run": self._run,
            "job": self._job,
            "status": self._status,
            "held": self._held,
            "plan": self._plan,
            "note": self._note,
            "end": self._end,
        }

    def engine(self) -> str:
        """The name of the run's engine, from the first line; the same errors as read()."""
        head = EventsFile(self.path)
        with self._open() as file:
            head._read_lines(islice(file, 1))
        head._check()
        return head.history.engine

    def read(self) -> RunRecord:
        """The run as far as it is written down now."""
        with self._open() as file:
            if os.fstat(file.fileno()).st_size < self._place:
                raise InvalidInput(f"{self.path}: it has become shorter; events are only ever added to a file")
            file.seek(self._place)
            self._read_lines(file)
        self._check()
        return self.history.record(tuple(self._warnings()))

    def _open(self) -> BinaryIO:
        try:
            return open(self.path, "rb")
        except OSError as exc:
            raise InvalidInput(f"{self.path}: it cannot be read: {exc.strerror}") from exc

    def _check(self) -> None:
        if not self._lines:
            raise InvalidInput(f"{self.path}: it is empty, so there is no run to tell of yet")

    def _read_lines(self, lines: Iterable[bytes]) -> None:
        self._cut = False
        for raw in lines:
            self._cut = not raw.endswith(b"\n")
            if self._cut:
                return
            self._place += len(raw)
            self._lines += 1
            self._take(raw)

    def _take(self, raw: bytes) -> None:
        try:
            line = json.loads(raw)
            kind, at = text_in(line, "kind"), time_in(line, "at")
        except (ValueError, TypeError, AttributeError, RecursionError) as exc:
            self._reject(exc)
            return
        if self._lines == 1 and kind != "run":
            raise InvalidInput(f"{self.path}: it is no file of events: its first line is not that of a run")
        if kind in self._read and at is not None:
            self._apply(kind, line, at)

    def _reject(self, exc: Exception) -> None:
        if self._lines == 1:
            raise InvalidInput(f"{self.path}: it is no file of events: its first line cannot be read") from exc
        self._damaged.append(self._lines)

    def _apply(self, kind: str, line: Line, at: float) -> None:
        try:
            self._read[kind](line, at)
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            if kind == "run" and isinstance(exc, InvalidInput):
                raise
            self._reject(exc)
            return
        self._backwards += not self.history.tick(at)

    def _run(self, line: Line, at: float) -> None:  # noqa: ARG002
        written = line.get("format")
        if not isinstance(written, int):
            raise InvalidInput(f"{self.path}: it is no file of events: line {self._lines} names no format")
        if written > FORMAT:
            raise InvalidInput(
                f"{self.path}: line {self._lines} was written by a newer version ({line.get('version', 'unknown')}, "
                f"format {written}; this one reads {FORMAT}): pip install --upgrade batch_helpers"
            )
        self.history.engine = text_in(line, "engine") or self.history.engine
        self.history.directory = text_in(line, "directory") or self.history.directory
        self.history.ended = False

    def _job(self, line: Line, at: float) -> None:
        job_id, name = line["id"], text_in(line, "name")
        if not isinstance(job_id, str) or not job_id or not name:
            raise ValueError("a job needs its id and its name")
        detail = detail_from(line, job_id, name, text_in(line, "queue"), text_in(line, "definition"))
        job = job_from(line["job"]) if "job" in line else None
        self.history.put(detail, at, job, text_in(line, "replaces") or None)

    def _status(self, line: Line, at: float) -> None:
        known = self.history.entry(line["id"])
        if known is None:
            raise ValueError("it is about a job that was never told of")
        was = known.detail
        queue = text_in(line, "queue") or was.queue
        definition = text_in(line, "definition") or was.job_definition
        self.history.put(detail_from(line, was.job_id, was.name, queue, definition), at)

    def _held(self, line: Line, at: float) -> None:  # noqa: ARG002
        self.history.hold(job_from(line["job"]))

    def _plan(self, line: Line, at: float) -> None:  # noqa: ARG002
        decisions = {Action(action): int(number) for action, number in line.get("decisions", {}).items()}
        skipped = {str(stage): int(number) for stage, number in line.get("skipped", {}).items()}
        self.history.decisions, self.history.skipped = decisions, skipped

    def _note(self, line: Line, at: float) -> None:
        self.history.notes.append((at, text_in(line, "text")))

    def _end(self, line: Line, at: float) -> None:  # noqa: ARG002
        self.history.ended = True

    def _warnings(self) -> list[str]:
        found = []
        if self._cut:
            found.append("the last line was cut short (a kill, or it is being written); it is left out")
        if self._damaged:
            more = ", …" if len(self._damaged) > _MOST_DAMAGED else ""
            some = ", ".join(map(str, self._damaged[:_MOST_DAMAGED]))
            found.append(f"damaged and left out: {len(self._damaged)} x, in line {some}{more}")
        if self._backwards:
            found.append(f"the clock went backwards {self._backwards} x; durations are never taken as negative")
        return found
