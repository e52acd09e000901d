"""How many jobs were in each state, over time."""

from __future__ import annotations

from itertools import accumulate

from batch_helpers.events.record import Entry, RunRecord
from batch_helpers.job import Status
from batch_helpers.timeline.scale import Scale
from batch_helpers.timeline.spans import Phase, spans

SUCCEEDED, FAILED = "succeeded", "failed"
LAYERS = (SUCCEEDED, FAILED, "run", "start", "wait")
"""From the bottom up: what is done, then what is under way."""


def levels(record: RunRecord, scale: Scale) -> dict[str, list[int]]:
    """Jobs in each layer at every column."""
    changes = {layer: [0] * (scale.columns + 2) for layer in LAYERS}
    for entry in record:
        _count(changes, entry, scale)
    return {layer: list(accumulate(change))[: scale.columns + 1] for layer, change in changes.items()}


def _count(changes: dict[str, list[int]], entry: Entry, scale: Scale) -> None:
    for span in spans(entry, scale.end):
        layer = Phase.RUN if span.phase is Phase.FAILED else span.phase
        changes[layer][round(scale.place(span.begin))] += 1
        changes[layer][round(scale.place(span.end)) + (span.end >= scale.end and entry.status.active)] -= 1
    if not entry.status.active:
        stopped = entry.stopped if entry.stopped is not None else scale.end
        changes[FAILED if entry.status is Status.FAILED else SUCCEEDED][round(scale.place(stopped))] += 1
