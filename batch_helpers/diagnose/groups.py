"""Thousands of failures as a few lines: by cause, definition and similar message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from batch_helpers.diagnose.causes import Cause
from batch_helpers.diagnose.messages import signature
from batch_helpers.diagnose.verdict import Diagnosis, diagnose
from batch_helpers.job import Job, JobDetail
from batch_helpers.words import printable

MOST_GROUPS = 20
_GIB = 1024
_ALIKE = frozenset({Cause.MISSING_OUTPUTS, Cause.UPSTREAM, Cause.LOST})
"""Causes whose reasons differ in nothing but the names that they give."""


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Failures that are alike.

    definition: the job definition, or the stage of jobs that have none. message: what their reasons share.
    memory: MiB that they asked for, where it is known. example, job_id: one of them.
    """

    cause: Cause
    definition: str
    message: str
    count: int
    example: str
    job_id: str
    remedy: str
    memory: int | None = None

    def __str__(self) -> str:
        where = f" at {memory_text(self.memory)}" if self.cause is Cause.OUT_OF_MEMORY and self.memory else ""
        return f"{self.count:,} x {self.cause}{where}, e.g. {self.example}: {self.remedy}"


class Failures:
    """Failures as they come in. Each job is diagnosed once, when it is put in, so asking often costs little."""

    def __init__(self) -> None:
        self._keys: dict[str, _Key] = {}
        self._members: dict[_Key, dict[str, str]] = {}

    def __contains__(self, job_id: object) -> bool:
        return job_id in self._keys

    def __len__(self) -> int:
        return len(self._keys)

    def put(self, detail: JobDetail, job: Job | None = None) -> None:
        """Count a failed job; `job` is what was asked for, where that is known."""
        if detail.job_id in self._keys:
            return
        key = _key(diagnose(detail), detail, job)
        self._keys[detail.job_id] = key
        self._members.setdefault(key, {})[detail.job_id] = detail.short_name

    def discard(self, job_id: str) -> None:
        """Forget a job, because another one has taken its place."""
        key = self._keys.pop(job_id, None)
        if key is not None:
            self._members[key].pop(job_id)

    def groups(self) -> list[FailureGroup]:
        """The largest group first."""
        made = [_group(key, members) for key, members in self._members.items() if members]
        return sorted(made, key=lambda group: (-group.count, group.cause, group.definition, group.message))


def group_failures(failed: Iterable[tuple[JobDetail, Job | None]]) -> list[FailureGroup]:
    """Group failed jobs, each given with what was asked for; the largest group first."""
    failures = Failures()
    for detail, job in failed:
        failures.put(detail, job)
    return failures.groups()


def failure_lines(groups: Sequence[FailureGroup], most: int = MOST_GROUPS) -> list[str]:
    """A line for each group, harmless to a terminal."""
    lines = [f"  {printable(str(group))}" for group in groups[:most]]
    rest = sum(group.count for group in groups[most:])
    return [*lines, f"  … and {rest:,} more of {len(groups) - most:,} other kinds"] if rest else lines


def memory_text(mebibytes: float) -> str:
    """MiB as a person says them: `512 MiB`, `8 GiB`."""
    return f"{mebibytes:g} MiB" if mebibytes < _GIB else f"{mebibytes / _GIB:.3g} GiB"


@dataclass(frozen=True, slots=True)
class _Key:
    cause: Cause
    definition: str
    message: str
    memory: int | None
    remedy: str


def _key(found: Diagnosis, detail: JobDetail, job: Job | None) -> _Key:
    definition = detail.job_definition or (job.group if job is not None else "")
    message = str(found.cause) if found.cause in _ALIKE else signature(found.evidence)
    memory = job.memory if job is not None and found.cause is Cause.OUT_OF_MEMORY else None
    return _Key(found.cause, definition, message, memory, found.remedy)


def _group(key: _Key, members: Mapping[str, str]) -> FailureGroup:
    job_id, example = next(iter(members.items()))
    remedy = _with_memory(key) if key.cause is Cause.OUT_OF_MEMORY else key.remedy
    return FailureGroup(key.cause, key.definition, key.message, len(members), example, job_id, remedy, key.memory)


def _with_memory(key: _Key) -> str:
    if key.memory is None:
        return key.remedy
    return f"raise memory to {memory_text(2 * key.memory)} or pass memory_growth=2"
