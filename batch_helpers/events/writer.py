"""Writing: what has changed since the last snapshot, appended in one write."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from types import TracebackType
from typing import Any

from batch_helpers.diagnose import diagnose
from batch_helpers.errors import InvalidInput, ServiceError
from batch_helpers.events.lines import FORMAT, spec, state
from batch_helpers.job import Job, JobDetail, Status
from batch_helpers.monitor import Snapshot

_OWNER_ONLY = 0o600
"""Commands and environments are written down, and those may hold what is nobody else's business."""

Line = dict[str, Any]


class EventLog:
    """Appends the changes of a run to a file, one JSON object a line; a kill costs at most the line being written.

    path: the file, made when it is not there; a run that goes on appends to what it wrote before. engine: its name.
    clock: seconds since the epoch. Raises InvalidInput when the file cannot be opened, ServiceError when it cannot be
    written to (a full disk); the next record then tries the same changes again.
    """

    def __init__(self, path: str, *, engine: str = "", clock: Callable[[], float] = time.time) -> None:
        self.path, self._clock = path, clock
        self._written: dict[str, JobDetail] = {}
        self._held: set[Job] = set()
        self._plan: Line = {}
        try:
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, _OWNER_ONLY)
            cut = _ends_within_a_line(self._file)
        except OSError as exc:
            raise InvalidInput(f"events={path!r}: it cannot be opened: {exc.strerror}") from exc
        self._before = b"\n" if cut else b""
        self._append([self._line("run", format=FORMAT, version=version("batch_helpers"), engine=engine,
                                 directory=os.getcwd())])  # fmt: skip

    def __enter__(self) -> EventLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def record(self, snapshot: Snapshot, work: Mapping[str, Job], replaces: Mapping[str, str] | None = None) -> None:
        """Write what has changed since the last call.

        work: what was asked for, by jobId. replaces: new jobId -> the failed one whose work it does again.
        """
        changed = {job_id: detail for job_id, detail in snapshot.jobs.items() if self._differs(job_id, detail)}
        lines = [self._job_line(detail, work, replaces or {}) for detail in changed.values()]
        held = [job for job in snapshot.held if job not in self._held]
        lines += [self._line("held", job=spec(job)) for job in held]
        plan = _plan(snapshot)
        if plan != self._plan:
            lines.append(self._line("plan", **plan))
        self._append(lines)
        self._written.update(changed)
        self._held.update(held)
        self._plan = plan

    def note(self, text: str) -> None:
        """Write down something about the run as a whole: a pause, a warning."""
        self._append([self._line("note", text=text)])

    def end(self, snapshot: Snapshot) -> None:
        """Write that watching has ended, and make sure that all of it is on the disk."""
        self._append([self._line("end", elapsed=round(snapshot.elapsed, 3), exit_code=snapshot.exit_code)])
        os.fsync(self._file)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def _differs(self, job_id: str, detail: JobDetail) -> bool:
        known = self._written.get(job_id)
        return known is not detail and (
            known is None
            or known.status is not detail.status
            or known.reason != detail.reason
            or known.started_at != detail.started_at
            or len(known.attempts) != len(detail.attempts)
        )

    def _job_line(self, detail: JobDetail, work: Mapping[str, Job], replaces: Mapping[str, str]) -> Line:
        told = state(detail)
        if detail.status is Status.FAILED:
            told["cause"] = str(diagnose(detail).cause)
        if (known := self._written.get(detail.job_id)) is not None:
            news = dict(set(_identity(detail)) - set(_identity(known)))
            return self._line("status", id=detail.job_id, **news, **told)
        first: Line = dict(_identity(detail))
        if detail.job_id in work:
            first["job"] = spec(work[detail.job_id])
        if detail.job_id in replaces:
            first["replaces"] = replaces[detail.job_id]
        return self._line("job", id=detail.job_id, **first, **told)

    def _line(self, kind: str, **members: Any) -> Line:
        return {"kind": kind, "at": round(self._clock(), 3), **members}

    def _append(self, lines: list[Line]) -> None:
        if not lines:
            return
        text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
        try:
            _write(self._file, self._before + text.encode())
        except OSError as exc:
            self._before = b"\n"
            raise ServiceError(f"events={self.path!r}: it cannot be written to: {exc.strerror}") from exc
        self._before = b""


def _identity(detail: JobDetail) -> Iterator[tuple[str, str]]:
    yield "name", detail.name
    if detail.queue:
        yield "queue", detail.queue
    if detail.job_definition:
        yield "definition", detail.job_definition


def _plan(snapshot: Snapshot) -> Line:
    decisions = {str(action): number for action, number in snapshot.decisions.items() if number}
    skipped = {stage: number for stage, number in snapshot.skipped.items() if number}
    return {name: told for name, told in (("decisions", decisions), ("skipped", skipped)) if told}


def _ends_within_a_line(file: int) -> bool:
    size = os.fstat(file).st_size
    return size > 0 and os.pread(file, 1, size - 1) != b"\n"


def _write(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]
