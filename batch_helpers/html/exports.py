"""The same run for other programs: CSV with a row for each job, and JSON with everything."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from batch_helpers.cost import Costs, Rate, Usage
from batch_helpers.cost.usage import usage_of
from batch_helpers.diagnose import FailureGroup, diagnose
from batch_helpers.events.record import Entry, RunRecord
from batch_helpers.job import Status
from batch_helpers.words import printable

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(record: RunRecord, rates: Mapping[str, Rate] | None = None) -> str:
    """A row for each submitted job. A text that a spreadsheet would run as a formula gets an apostrophe before it."""
    stream = io.StringIO()
    rows = list(job_rows(record, rates))
    writer = csv.DictWriter(stream, fieldnames=_TITLES, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows({title: _cell(value) for title, value in row.items()} for row in rows)
    return stream.getvalue()


def as_json(record: RunRecord, found: Costs, rates: Mapping[str, Rate] | None = None) -> str:
    """The run, its stages, failures and costs, and every job."""
    told = {
        "name": record.name,
        "engine": record.engine,
        "began": _moment(record.began),
        "latest": _moment(record.latest),
        "ended": record.ended,
        "elapsed": round(record.elapsed, 3),
        "counts": {str(status): number for status, number in record.snapshot.counts.items()},
        "decisions": {str(action): number for action, number in record.decisions.items()},
        "skipped": dict(record.skipped),
        "held": [job.name for job in record.held],
        "stages": {stage: {str(status): n for status, n in counts.items()} for stage, counts in record.stages.items()},
        "failures": [_group(group) for group in record.failures],
        "costs": _costs(found),
        "notes": [{"at": _moment(at), "text": text} for at, text in record.notes],
        "warnings": list(record.warnings),
        "jobs": list(job_rows(record, rates)),
    }
    return json.dumps(told, indent=1)


def job_rows(record: RunRecord, rates: Mapping[str, Rate] | None = None) -> Iterator[dict[str, Any]]:
    """Each submitted job with what it asked for, what it used and what became of it. Times are UTC, in ISO 8601."""
    superseded = frozenset(record.superseded)
    for entry in record.entries.values():
        yield _row(entry, usage_of(entry, rates), entry.job_id in superseded)


_TITLES = (
    "name", "job_id", "stage", "sample", "status", "queue", "definition", "submitted", "started", "stopped",
    "waited_seconds", "ran_seconds", "attempts", "exit_code", "cause", "reason", "remedy", "vcpus", "memory_mib",
    "gpus", "vcpu_hours", "gib_hours", "money", "replaces", "superseded",
)  # fmt: skip


def _row(entry: Entry, used: Usage, superseded: bool) -> dict[str, Any]:
    told = diagnose(entry.detail) if entry.status is Status.FAILED else None
    job = entry.job
    return {
        "name": entry.name,
        "job_id": entry.job_id,
        "stage": entry.stage,
        "sample": entry.sample,
        "status": str(entry.status),
        "queue": entry.detail.queue,
        "definition": entry.detail.job_definition,
        "submitted": _moment(entry.created),
        "started": _moment(entry.started),
        "stopped": _moment(entry.stopped),
        "waited_seconds": _rounded(entry.wait_seconds),
        "ran_seconds": _rounded(entry.run_seconds),
        "attempts": len(entry.tries),
        "exit_code": entry.detail.exit_code,
        "cause": str(told.cause) if told else None,
        "reason": entry.detail.reason or None,
        "remedy": told.remedy if told else None,
        "vcpus": job.vcpus if job else None,
        "memory_mib": job.memory if job else None,
        "gpus": job.gpus if job else None,
        "vcpu_hours": _rounded(used.vcpu_hours, 6),
        "gib_hours": _rounded(used.gib_hours, 6),
        "money": _rounded(used.money, 6),
        "replaces": entry.replaces,
        "superseded": superseded,
    }


def _group(group: FailureGroup) -> dict[str, Any]:
    return {
        "count": group.count,
        "cause": str(group.cause),
        "definition": group.definition,
        "message": group.message,
        "memory_mib": group.memory,
        "example": group.example,
        "job_id": group.job_id,
        "remedy": group.remedy,
    }


def _costs(found: Costs) -> dict[str, Any]:
    return {
        "total": _usage(found.total),
        "stages": {stage: _usage(used) for stage, used in found.stages.items()},
        "samples": {sample: _usage(used) for sample, used in found.samples.items()},
        "wasted": {str(cause): _usage(used) for cause, used in found.wasted.items()},
        "currency": found.currency or None,
        "prices": list(found.labels),
    }


def _usage(used: Usage) -> dict[str, Any]:
    return {
        "attempts": used.attempts,
        "hours": _rounded(used.hours, 6),
        "vcpu_hours": _rounded(used.vcpu_hours, 6),
        "gib_hours": _rounded(used.gib_hours, 6),
        "gpu_hours": _rounded(used.gpu_hours, 6),
        "money": _rounded(used.money, 6),
        "unknown": used.unknown,
    }


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value if value.isprintable() else printable(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _moment(time: float | None) -> str | None:
    return None if time is None else datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds")


def _rounded(value: float | None, digits: int = 3) -> float | None:
    return None if value is None else round(value, digits)
