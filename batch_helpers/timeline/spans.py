"""A job's time as spans of waiting, starting and running."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from batch_helpers.events.record import Entry
from batch_helpers.job import Status


class Phase(StrEnum):
    """What a job does at a time. FAILED is an attempt that came to nothing."""

    WAIT = "wait"
    START = "start"
    RUN = "run"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Span:
    """From `begin` to `end`, in seconds since the epoch; never negative."""

    phase: Phase
    begin: float
    end: float


def spans(entry: Entry, now: float) -> list[Span]:
    """What the job did, without gaps, from its submission to its end, or to `now` while it is active."""
    return [span for span in _spans(entry, now) if span.end > span.begin]


def _spans(entry: Entry, now: float) -> Iterator[Span]:
    place = entry.created
    if place is None:
        return
    end = entry.stopped if entry.stopped is not None else max(now, place)
    tries = entry.tries
    for number, attempt in enumerate(tries):
        if attempt.started_at is None:
            continue
        began = min(max(attempt.started_at, place), end)
        yield from _waiting(entry, place, began, last=number == len(tries) - 1)
        place = began if attempt.stopped_at is None else min(max(attempt.stopped_at, began), end)
        if attempt.stopped_at is None:
            break
        yield Span(_ran(entry, number == len(tries) - 1), began, place)
    yield from _rest(entry, place, end)


def _waiting(entry: Entry, begin: float, end: float, *, last: bool) -> Iterator[Span]:
    """The time before an attempt; the watcher's clock tells where starting begins, for the last one only."""
    starting = entry.starting if last else None
    if starting is None or not begin <= starting <= end:
        yield Span(Phase.WAIT, begin, end)
        return
    yield Span(Phase.WAIT, begin, starting)
    yield Span(Phase.START, starting, end)


def _rest(entry: Entry, begin: float, end: float) -> Iterator[Span]:
    """The time after the last attempt that has ended."""
    if entry.status is Status.RUNNING:
        yield Span(Phase.RUN, begin, end)
    elif entry.status is Status.STARTING:
        yield from _waiting(entry, begin, end, last=True)
    elif entry.status.active:
        yield Span(Phase.WAIT, begin, end)
    elif not entry.tries:
        yield Span(Phase.FAILED if entry.status is Status.FAILED else Phase.WAIT, begin, end)


def _ran(entry: Entry, last: bool) -> Phase:
    return Phase.RUN if last and entry.status is not Status.FAILED else Phase.FAILED
