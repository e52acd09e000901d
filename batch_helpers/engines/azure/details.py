"""A task as the service tells of it -> JobDetail. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from batch_helpers.engines.azure.api import Raw
from batch_helpers.engines.azure.words import REASONS, STATUS, TIMED_OUT, TaskPlace
from batch_helpers.errors import AmbiguousAnswer
from batch_helpers.job import Attempt, JobDetail, Status

FIELDS = ["id", "displayName", "state", "creationTime", "executionInfo", "dependsOn", "exitConditions", "constraints"]
"""What is asked of a task: https://learn.microsoft.com/rest/api/batchservice/tasks/get-task"""


def from_task(raw: Raw, azure_job: str, queue: str, *, doomed: str = "", waits: bool = False) -> JobDetail:
    """doomed: why a task that has not ended never will start. waits: an active one waits for others."""
    try:
        status = _status(raw, doomed=bool(doomed), waits=waits)
        place = TaskPlace(azure_job, raw["id"])
    except KeyError as exc:
        raise AmbiguousAnswer(f"the service described a task in a way that cannot be read: {exc!r} in {raw}") from exc
    info: Raw = raw.get("executionInfo") or {}
    started = status in (Status.RUNNING, Status.SUCCEEDED, Status.FAILED) and not doomed
    return JobDetail(
        job_id=place.job_id,
        name=raw.get("displayName") or raw["id"],
        status=status,
        queue=queue,
        reason=doomed or _reason(raw, info),
        exit_code=info.get("exitCode"),
        created_at=_seconds(raw.get("creationTime")),
        started_at=_seconds(info.get("startTime")) if started else None,
        stopped_at=_seconds(info.get("endTime")),
        attempts=_attempts(raw, info) if started else (),
    )


def _status(raw: Raw, *, doomed: bool, waits: bool) -> Status:
    if raw["state"] == "completed":
        return Status.SUCCEEDED if _succeeded(raw["executionInfo"]) else Status.FAILED
    if doomed:
        return Status.FAILED
    return Status.PENDING if waits else STATUS[raw["state"]]


def _succeeded(info: Raw) -> bool:
    return str(info["result"]).lower() == "success"


def _reason(raw: Raw, info: Raw) -> str:
    failure: Raw | None = info.get("failureInfo")
    if failure is None:
        return ""
    if _overran(raw, info):
        return TIMED_OUT
    code, message = failure.get("code") or "", failure.get("message") or ""
    house = REASONS.get(code)
    if code == "FailureExitCode":
        return house or ""
    details = "; ".join(f"{item.get('name')}: {item.get('value')}" for item in failure.get("details") or ())
    said = f"{message} ({code})" + (f"; {details}" if details else "")
    return f"{house}: {said}" if house else said


def _overran(raw: Raw, info: Raw) -> bool:
    """The service tells of a task that it has ended for its time in no documented way: its times do."""
    limit = _duration((raw.get("constraints") or {}).get("maxWallClockTime"))
    started, stopped = _seconds(info.get("startTime")), _seconds(info.get("endTime"))
    return limit is not None and started is not None and stopped is not None and stopped - started >= limit


def _attempts(raw: Raw, info: Raw) -> tuple[Attempt, ...]:
    """Of attempts before the last one the service keeps nothing but their number."""
    if info.get("startTime") is None:
        return ()
    before = info.get("retryCount") or 0
    last = Attempt(
        before + 1,
        exit_code=info.get("exitCode"),
        reason=_reason(raw, info),
        started_at=_seconds(info["startTime"]),
        stopped_at=_seconds(info.get("endTime")),
        log=raw["id"],
    )
    return (*(Attempt(number) for number in range(1, before + 1)), last)


def _seconds(moment: str | datetime | None) -> float | None:
    if moment is None:
        return None
    return (moment if isinstance(moment, datetime) else datetime.fromisoformat(moment)).timestamp()


def _duration(value: str | timedelta | None) -> float | None:
    if value is None or isinstance(value, timedelta):
        return value.total_seconds() if value is not None else None
    from isodate import parse_duration  # type: ignore[import-untyped]

    found: timedelta = parse_duration(value)
    return found.total_seconds()
