"""Rows of the database as JobDetail."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from batch_helpers.engines.local.logs import log_path
from batch_helpers.job import Attempt, JobDetail, Status

JOB_COLUMNS = (
    "seq, attempt, id, name, status, queue, reason, job_definition, exit_code, created_at, started_at, stopped_at"
)
ATTEMPT_COLUMNS = "job, number, exit_code, reason, started_at, stopped_at"

_STATUS = {str(status): status for status in Status}


def details(directory: str, jobs: Iterable[tuple[Any, ...]], attempts: Iterable[tuple[Any, ...]]) -> list[JobDetail]:
    """Rows of JOB_COLUMNS, with the rows of ATTEMPT_COLUMNS that belong to them."""
    ended: dict[int, list[tuple[Any, ...]]] = {}
    for row in attempts:
        ended.setdefault(row[0], []).append(row)
    return [_detail(directory, row, ended.get(row[0], ())) for row in jobs]


def _detail(directory: str, row: tuple[Any, ...], ended: Iterable[tuple[Any, ...]]) -> JobDetail:
    _, attempt, job_id, name, status, queue, reason, definition, code, created, started, stopped = row
    attempts = tuple(_attempts(directory, row, ended)) if attempt else ()
    # Positions, not names: a hundred thousand of these are made in a second.
    return JobDetail(
        job_id, name, _STATUS[status], queue, reason, definition, code, created, started, stopped, attempts
    )


def _attempts(directory: str, row: tuple[Any, ...], ended: Iterable[tuple[Any, ...]]) -> Iterable[Attempt]:
    _, attempt, job_id, _, status, *_, started_at, _ = row
    for _, number, exit_code, reason, started, stopped in ended:
        yield Attempt(number, exit_code, reason, started, stopped, log_path(directory, job_id, number))
    if status in (Status.STARTING, Status.RUNNING):
        yield Attempt(attempt, started_at=started_at, log=log_path(directory, job_id, attempt))
