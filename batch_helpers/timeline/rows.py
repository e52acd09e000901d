"""Jobs as rows: one each while there is room, then bands of jobs that were submitted one after the other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from batch_helpers.events.record import Entry, RunRecord
from batch_helpers.timeline.scale import Scale
from batch_helpers.timeline.spans import Phase, spans

MOST_ROWS = 320
_LEVELS = 4
"""How strongly a cell is coloured: by quarters of the jobs of its band that are in its phase."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A stretch of one row, in columns of the scale, and how much of the row's jobs it stands for (1 to 4)."""

    phase: Phase
    begin: float
    end: float
    level: int = _LEVELS


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the picture. jobs: how many it stands for; failed: how many of them."""

    stage: str
    name: str
    jobs: int
    failed: int
    cells: tuple[Cell, ...]


def rows(record: RunRecord, scale: Scale, most: int = MOST_ROWS) -> list[Row]:
    """The rows of a run, stage by stage in the order of their first submission."""
    stages = _by_stage(record, most)
    total = sum(map(len, stages.values()))
    size = max(1, math.ceil(total / most))
    return [
        _row(stage, entries[start : start + size], scale)
        for stage, entries in stages.items()
        for start in range(0, len(entries), size)
    ]


def _by_stage(record: RunRecord, most: int) -> dict[str, list[Entry]]:
    ordered = sorted(record.entries.values(), key=_when)
    stages: dict[str, list[Entry]] = {}
    for entry in ordered:
        stages.setdefault(entry.stage, []).append(entry)
    too_many = len(ordered) > most and len(stages) > most // 4
    return {f"{len(stages):,} stages": ordered} if too_many else stages


def _when(entry: Entry) -> tuple[float, float]:
    """By when they started: then what ran at the same time stands together."""
    created = entry.created if entry.created is not None else math.inf
    return (entry.started if entry.started is not None else math.inf, created)


def _row(stage: str, entries: Sequence[Entry], scale: Scale) -> Row:
    failed = sum(entry.status == "FAILED" for entry in entries)
    cells = tuple(_exact(entries[0], scale)) if len(entries) == 1 else tuple(_merged(entries, scale))
    return Row(stage, entries[0].name, len(entries), failed, cells)


def _exact(entry: Entry, scale: Scale) -> Iterator[Cell]:
    for span in spans(entry, scale.end):
        yield Cell(span.phase, scale.place(span.begin), scale.place(span.end))


def _merged(entries: Iterable[Entry], scale: Scale) -> Iterator[Cell]:
    """For each column the phase that most jobs are in; neighbours that look the same become one cell."""
    changes, members = _changes(entries, scale)
    counts = dict.fromkeys(Phase, 0)
    current: Cell | None = None
    for column in sorted(changes):
        if current is not None:
            current = replace(current, end=column)
        for phase, change in changes[column]:
            counts[phase] += change
        look = _look(counts, members)
        if current is not None and look == (current.phase, current.level):
            continue
        if current is not None:
            yield current
        current = Cell(look[0], column, column, look[1]) if look is not None else None


def _changes(entries: Iterable[Entry], scale: Scale) -> tuple[dict[int, list[tuple[Phase, int]]], int]:
    """By column, which phases gain or lose a job there; and how many jobs there are."""
    changes: dict[int, list[tuple[Phase, int]]] = {}
    members = 0
    for entry in entries:
        members += 1
        for span in spans(entry, scale.end):
            first = min(int(scale.place(span.begin)), scale.columns - 1)
            last = max(first, math.ceil(scale.place(span.end)) - 1)
            changes.setdefault(first, []).append((span.phase, 1))
            changes.setdefault(last + 1, []).append((span.phase, -1))
    return changes, members


def _look(counts: Mapping[Phase, int], members: int) -> tuple[Phase, int] | None:
    phase = max(counts, key=lambda item: (counts[item], item is Phase.FAILED))
    number = counts[phase]
    return (phase, min(_LEVELS, math.ceil(_LEVELS * number / members))) if number else None
