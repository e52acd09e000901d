"""Which jobs of a run have been waiting for long, and what for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter

from batch_helpers.diagnose import why_waiting
from batch_helpers.job import JobDetail, Status
from batch_helpers.monitor import Snapshot
from batch_helpers.words import duration, printable

LONG = 600.0
"""Seconds after which a job that could run and does not is worth a line."""

MOST_REASONS = 3


def waiting_lines(snapshot: Snapshot, now: float, held_since: float | None = None) -> list[str]:
    """A line for each reason that keeps jobs from starting, one for those held, one when all have waited for long.

    Jobs that wait while others run are in a queue, which is no news.

    now: seconds since the epoch. held_since: when the first of the held jobs was.
    """
    could_run = [detail for detail in snapshot.jobs.values() if detail.status is Status.RUNNABLE]
    told = [(detail, why.remedy) for detail in could_run if detail.reason and (why := why_waiting(detail))]
    lines = list(_stuck(told, now))
    stuck = {detail.job_id for detail, _ in told}
    long = [detail for detail in could_run if detail.job_id not in stuck and _dwell(detail, now) >= LONG]
    if long and not any(snapshot.counts[status] for status in (Status.STARTING, Status.RUNNING)):
        lines.append(f"waiting: {_some(long, now)} in RUNNABLE: batch-helpers doctor --job looks for the reason")
    if snapshot.held:
        since = f" for {duration(max(0.0, now - held_since))}" if held_since is not None else ""
        lines.append(f"held: {len(snapshot.held):,} jobs{since}, e.g. {printable(snapshot.held[0].name)}")
    return lines


def _stuck(told: Iterable[tuple[JobDetail, str]], now: float) -> Iterator[str]:
    groups: dict[str, list[JobDetail]] = {}
    for detail, remedy in told:
        groups.setdefault(f"{detail.reason}: {remedy}", []).append(detail)
    largest = sorted(groups.items(), key=lambda item: -len(item[1]))
    for reason, details in largest[:MOST_REASONS]:
        yield f"stuck: {_some(details, now)}: {printable(reason)}"


def _some(details: Sequence[JobDetail], now: float) -> str:
    oldest = min((item for item in details if item.created_at is not None), key=attrgetter("created_at"), default=None)
    if oldest is None:
        return f"{len(details):,} jobs, e.g. {printable(details[0].short_name)}"
    name, since = printable(oldest.short_name), duration(_dwell(oldest, now))
    return f"{name} for {since}" if len(details) == 1 else f"{len(details):,} jobs, {name} for {since}"


def _dwell(detail: JobDetail, now: float) -> float:
    return max(0.0, now - detail.created_at) if detail.created_at is not None else 0.0
