"""What the service tells of a job -> JobDetail: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from batch_helpers.errors import AmbiguousAnswer
from batch_helpers.job import Attempt, JobDetail, Status

Raw = Mapping[str, Any]

_NOT_STARTED = "Task failed to start"


@dataclass(frozen=True, slots=True)
class Parent(JobDetail):
    """An array job as a whole.

    size: how many children it has. counts: how many of them stand in each status; None when that was not told.
    cancelled: those of them that have not started are being ended. command: of the children, where it was told.
    """

    size: int = 0
    counts: Mapping[Status, int] | None = field(default=None, hash=False)
    cancelled: bool = False
    command: tuple[str, ...] = ()


def from_summary(raw: Raw, queue: str) -> JobDetail:
    """An item of ListJobs, which names neither its queue nor its attempts.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_JobSummary.html
    """
    with readable(raw):
        return _detail(raw, queue, raw.get("container") or {}, ())


def has_children(raw: Raw) -> bool:
    """Whether this is an array job as a whole, and not a child of one or a job by itself."""
    array: Raw = raw.get("arrayProperties") or {}
    return "size" in array and "index" not in array


def from_description(raw: Raw) -> JobDetail:
    """An item of DescribeJobs: https://docs.aws.amazon.com/batch/latest/APIReference/API_JobDetail.html"""
    with readable(raw):
        return _detail(raw, raw.get("jobQueue", ""), _job_container(raw), _attempts(raw))


@contextmanager
def readable(raw: Raw) -> Iterator[None]:
    """Turn what reading a malformed description raises into AmbiguousAnswer."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise AmbiguousAnswer(f"the service gave a description that cannot be read: {exc!r} in {raw}") from exc


def short(name_or_arn: str) -> str:
    """A queue's or definition's plain name (with its revision), whichever way it is given."""
    return name_or_arn.rsplit("/", 1)[-1]


def streams(raw: Raw, attempt: int | None) -> list[tuple[str, str]]:
    """The log streams of an attempt, counted from 1 (None is the last), each with its container's name."""
    with readable(raw):
        tries = [_streams(item) for item in raw.get("attempts") or ()]
        now = _streams({**(raw.get("ecsProperties") or {}), "container": raw.get("container")})
        if now and now not in tries:
            tries.append(now)
        if attempt is None:
            return tries[-1] if tries else []
        return tries[attempt - 1] if 1 <= attempt <= len(tries) else []


def _detail(raw: Raw, queue: str, container: Raw, attempts: tuple[Attempt, ...]) -> JobDetail:
    kind: Any = partial(Parent, **_of_parents(raw, container)) if has_children(raw) else JobDetail
    detail: JobDetail = kind(
        job_id=raw["jobId"],
        name=raw["jobName"],
        status=Status(raw["status"]),
        queue=short(queue),
        reason=_reason(raw, container),
        job_definition=short(raw.get("jobDefinition", "")),
        exit_code=container.get("exitCode"),
        created_at=_seconds(raw, "createdAt"),
        started_at=_seconds(raw, "startedAt"),
        stopped_at=_seconds(raw, "stoppedAt"),
        attempts=attempts,
    )
    return detail


def _of_parents(raw: Raw, container: Raw) -> dict[str, Any]:
    counts = raw["arrayProperties"].get("statusSummary")
    return {
        "size": raw["arrayProperties"]["size"],
        "counts": None if counts is None else {Status(name): number for name, number in counts.items()},
        "cancelled": bool(raw.get("isCancelled")),
        "command": tuple(container.get("command") or ()),
    }


def _attempts(raw: Raw) -> tuple[Attempt, ...]:
    """The attempts that have ended, then the running one, which the service shows in the job's container only."""
    ended = tuple(_attempt(number, item) for number, item in enumerate(raw.get("attempts") or (), start=1))
    stream = _job_container(raw).get("logStreamName")
    if stream is None or any(attempt.log == stream for attempt in ended):
        return ended
    return (*ended, Attempt(len(ended) + 1, started_at=_seconds(raw, "startedAt"), log=stream))


def _attempt(number: int, raw: Raw) -> Attempt:
    container = raw.get("container") or _telling(raw)
    return Attempt(
        number,
        exit_code=container.get("exitCode"),
        reason=_reason(raw, container),
        started_at=_seconds(raw, "startedAt"),
        stopped_at=_seconds(raw, "stoppedAt"),
        log=container.get("logStreamName"),
    )


def _job_container(raw: Raw) -> Raw:
    """The job's container; it is empty when the definition has ecsProperties, which hold theirs."""
    return raw.get("container") or _telling(raw.get("ecsProperties") or {})


def _containers(item: Raw) -> list[Raw]:
    """The container of a job or an attempt, or the several that one with ecsProperties has."""
    if item.get("container"):
        return [item["container"]]
    return [found for task in item.get("taskProperties") or () for found in task.get("containers") or ()]


def _streams(item: Raw) -> list[tuple[str, str]]:
    return [(each.get("name") or "", each["logStreamName"]) for each in _containers(item) if each.get("logStreamName")]


def _telling(tasks: Raw) -> Raw:
    """Of several containers the first that failed, or else the first."""
    containers = _containers({**tasks, "container": None})
    return next((item for item in containers if item.get("exitCode")), containers[0] if containers else {})


def _reason(raw: Raw, container: Raw) -> str:
    return "; ".join(_distinct((raw.get("statusReason"), _of_a_container(raw, container), container.get("reason"))))


def _of_a_container(raw: Raw, container: Raw) -> str | None:
    """Of a task that "failed to start": that a container of it did, and failed, so that those behind it did not."""
    if raw.get("statusReason") != _NOT_STARTED or not (container.get("name") and container.get("exitCode")):
        return None
    return f"container [{container['name']}] exited with code {container['exitCode']}"


def _distinct(texts: Iterable[str | None]) -> Iterable[str]:
    return dict.fromkeys(text for text in texts if text)


def _seconds(raw: Raw, member: str) -> float | None:
    milliseconds = raw.get(member)
    return milliseconds / 1000 if milliseconds else None
