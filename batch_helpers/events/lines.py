"""Jobs and their states as JSON objects, and back. What is empty is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from batch_helpers.job import Attempt, Job, JobDetail, Status
from batch_helpers.output import Output

FORMAT = 1
"""Raised when an older reader would misread a newer file; new kinds of lines and new members do not raise it."""

KEY_PREFIX = "#"
"""Marks a dependency that is given by its work (the key in its name) and not by a jobId."""

_CONDITIONS = "output_conditions"
"""A member beside the outputs, which stay plain strings: what an Output asks for, by its URI."""

_PLAIN = tuple(item for item in fields(Job) if item.init and item.name not in ("depends_on", "tags"))
_NUMBER = (int, float)
_YEAR_10000 = 253_402_300_800
_KNOWN = frozenset(item.name for item in fields(Job) if item.init)
_TIMES = ("created_at", "started_at", "stopped_at")


def spec(job: Job) -> dict[str, Any]:
    """What a job asks for."""
    found: dict[str, Any] = {}
    for item in _PLAIN:
        value = getattr(job, item.name)
        if value != item.default and (value or value is False):
            found[item.name] = dict(value) if isinstance(value, Mapping) else value
    if conditions := {uri: uri.conditions for uri in job.outputs if isinstance(uri, Output)}:
        found[_CONDITIONS] = conditions
    if job.tags:
        found["tags"] = dict(job.tags)
    if job.depends_on:
        found["depends_on"] = [
            KEY_PREFIX + item.key if isinstance(item, Job) else item for item in job.depends_on if item is not None
        ]
    return found


def job_from(found: Mapping[str, Any]) -> Job:
    """The job of a spec; members that this version does not know are left alone."""
    known = {name: value for name, value in found.items() if name in _KNOWN}
    if conditions := found.get(_CONDITIONS):
        outputs = found.get("outputs", ())
        known["outputs"] = [Output(uri, **conditions[uri]) if uri in conditions else uri for uri in outputs]
    return Job(**known)


def state(detail: JobDetail) -> dict[str, Any]:
    """All that may change in a job."""
    found: dict[str, Any] = {"status": str(detail.status)}
    if detail.reason:
        found["reason"] = detail.reason
    if detail.exit_code is not None:
        found["exit_code"] = detail.exit_code
    found |= _times(detail)
    if detail.attempts:
        found["attempts"] = [_attempt(attempt) for attempt in detail.attempts]
    return found


def detail_from(found: Mapping[str, Any], job_id: str, name: str, queue: str, definition: str) -> JobDetail:
    """The job in the state of one line; ValueError when the line has values that cannot be."""
    return JobDetail(
        job_id=job_id,
        name=name,
        status=Status(found["status"]),
        queue=queue,
        reason=text_in(found, "reason"),
        job_definition=definition,
        exit_code=_whole(found.get("exit_code")),
        created_at=time_in(found, "created_at"),
        started_at=time_in(found, "started_at"),
        stopped_at=time_in(found, "stopped_at"),
        attempts=tuple(_attempt_from(item) for item in found.get("attempts", ())),
    )


def time_in(found: Mapping[str, Any], member: str) -> float | None:
    """Seconds since the epoch, or None when the member is not there."""
    value = found.get(member)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, _NUMBER) or not 0 <= value < _YEAR_10000:
        raise ValueError(f"{member} is {value!r}, which is no time")
    return float(value)


def text_in(found: Mapping[str, Any], member: str) -> str:
    """A text, empty when the member is not there."""
    value = found.get(member, "")
    if not isinstance(value, str):
        raise ValueError(f"{member} is {value!r}, which is no text")  # noqa: TRY004
    return value


def _whole(value: object) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise ValueError(f"{value!r} is no whole number")
    return value


def _times(timed: JobDetail | Attempt) -> dict[str, float]:
    times = {name: getattr(timed, name, None) for name in _TIMES}
    return {name: round(time, 3) for name, time in times.items() if time is not None}


def _attempt(attempt: Attempt) -> dict[str, Any]:
    found: dict[str, Any] = {"number": attempt.number, **_times(attempt)}
    if attempt.exit_code is not None:
        found["exit_code"] = attempt.exit_code
    found |= {name: text for name, text in (("reason", attempt.reason), ("log", attempt.log)) if text}
    return found


def _attempt_from(found: Mapping[str, Any]) -> Attempt:
    return Attempt(
        number=_whole(found["number"]) or 0,
        exit_code=_whole(found.get("exit_code")),
        reason=text_in(found, "reason"),
        started_at=time_in(found, "started_at"),
        stopped_at=time_in(found, "stopped_at"),
        log=text_in(found, "log") or None,
    )
