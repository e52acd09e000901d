"""What is known of a job's tasks, as a table in a file."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import UTC, datetime

from batch_helpers.errors import ServiceError
from batch_helpers.job import JobDetail

COLUMNS = ("task_id", "status", "exit_code", "reason", "creation", "start", "end", "runtime", "attempts")


def write_stats(path: str, tasks: Mapping[str, JobDetail]) -> None:
    """One line for each task; times are UTC, the runtime of the last attempt is in seconds."""
    try:
        with open(path, "w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(COLUMNS)
            table.writerows(_row(task, detail) for task, detail in tasks.items())
    except OSError as exc:
        raise ServiceError(f"could not write {path}: {exc.strerror}") from exc


def _row(task: str, detail: JobDetail) -> tuple[object, ...]:
    started, stopped = detail.started_at, detail.stopped_at
    runtime = f"{stopped - started:.3f}" if started is not None and stopped is not None else ""
    times = (_moment(detail.created_at), _moment(started), _moment(stopped))
    code = "" if detail.exit_code is None else detail.exit_code
    return (task, detail.status, code, detail.reason, *times, runtime, len(detail.attempts))


def _moment(seconds: float | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
