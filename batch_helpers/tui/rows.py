"""Jobs as rows to be filtered, searched and sorted; no textual here, so that it can be tried at any size."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from batch_helpers.diagnose import diagnose, why_waiting
from batch_helpers.events import Entry, RunRecord
from batch_helpers.job import PROGRESS, Status
from batch_helpers.words import duration, printable

FILTERS: Mapping[str, Callable[[Status], bool]] = {
    "all": lambda status: True,  # noqa: ARG005
    "active": lambda status: status.active,
    "running": lambda status: status in (Status.STARTING, Status.RUNNING),
    "failed": lambda status: status is Status.FAILED,
    "succeeded": lambda status: status is Status.SUCCEEDED,
}

ORDERS: Mapping[str, Callable[[Entry], float | str]] = {
    "as submitted": lambda entry: 0.0,  # noqa: ARG005
    "by name": lambda entry: entry.name,
    "by status": lambda entry: -PROGRESS[entry.status],
    "longest wait": lambda entry: -_or_nothing(entry.wait_seconds),
    "longest run": lambda entry: -_or_nothing(entry.run_seconds),
    "newest end": lambda entry: -(entry.stopped if entry.stopped is not None else -math.inf),
}


@dataclass(frozen=True)
class View:
    """What is wanted to be seen. text: somewhere in the name or the jobId, in any case. stage: only this one."""

    text: str = ""
    filter: str = "all"
    order: str = "as submitted"
    stage: str | None = None


class Rows:
    """The jobs of the newest record. What can be worked out once is: keys must be answered at any number of jobs."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._columns: dict[tuple[str, str], _Column] = {}
        self._order = View.order
        self.record = RunRecord()

    def take(self, record: RunRecord) -> None:
        """Use a newer record; its sums, filters and orders are made here, off the screen's thread."""
        _ = (record.snapshot, record.failures)
        for job_id, entry in record.entries.items():
            known = self._known.get(job_id)
            if known is None or known.entry is not entry:
                self._known[job_id] = _known(entry)
        self.record, self._columns = record, {}
        for name in FILTERS:
            self._column(self._order, name)
        self.prepare(self._order)

    def prepare(self, order: str) -> None:
        """Sort by the order that comes after this one, before somebody asks for it."""
        self._order = order
        self._column(following(order, list(ORDERS)), View.filter)

    def chosen(self, view: View) -> Sequence[Entry]:
        """The jobs to show, in their order."""
        column = self._column(view.order, view.filter)
        found, text = column.entries, view.text.lower()
        if text:
            found = [entry for entry, words in zip(found, column.texts, strict=True) if text in words]
        if view.stage is not None:
            found = [entry for entry in found if entry.stage == view.stage]
        return found

    def _column(self, order: str, filter_name: str) -> _Column:
        """All that pass a filter, in an order: made once for a record."""
        columns, place = self._columns, (order, filter_name)
        if place not in columns:
            columns[place] = self._made(order, filter_name)
        return columns[place]

    def _made(self, order: str, filter_name: str) -> _Column:
        if filter_name != View.filter:
            wanted = FILTERS[filter_name]
            entries = [entry for entry in self._column(order, View.filter).entries if wanted(entry.detail.status)]
        else:
            entries = list(self.record)
            if order != View.order:
                place, known = list(ORDERS).index(order), self._known
                keys = [known[entry.detail.job_id].keys[place] for entry in entries]
                entries = [entries[number] for number in sorted(range(len(entries)), key=keys.__getitem__)]
        return _Column(entries, [self._known[entry.detail.job_id].text for entry in entries])


class _Known(NamedTuple):
    """What is searched and sorted by, worked out once for an entry."""

    entry: Entry
    text: str
    keys: tuple[float | str, ...]


class _Column(NamedTuple):
    entries: Sequence[Entry]
    texts: Sequence[str]


def following(current: str, names: Sequence[str]) -> str:
    """The next of these names, and the first after the last."""
    return names[(names.index(current) + 1) % len(names)]


def _known(entry: Entry) -> _Known:
    return _Known(entry, f"{entry.name}\n{entry.job_id}".lower(), tuple(key(entry) for key in ORDERS.values()))


def cells(entry: Entry, now: float) -> tuple[str, str, str, str, str, str]:
    """What a row shows: status, stage, name, waited, ran, and why it failed or is stuck."""
    return (
        str(entry.status),
        printable(entry.stage),
        printable(entry.name),
        _waited(entry, now),
        _ran(entry, now),
        why(entry),
    )


def why(entry: Entry) -> str:
    """The cause of a failure, or what keeps a job from starting."""
    if entry.status is Status.FAILED:
        return str(diagnose(entry.detail).cause)
    stuck = why_waiting(entry.detail)
    return f"stuck: {stuck.cause}" if stuck is not None else ""


def facts(entry: Entry, now: float) -> list[tuple[str, str]]:
    """Everything about one job, as names and texts; what is not known is left out."""
    job, detail = entry.job, entry.detail
    told = diagnose(detail) if entry.status is Status.FAILED else why_waiting(detail)
    asked = [f"{job.vcpus:g} vCPUs" if job.vcpus else "", f"{job.memory} MiB" if job.memory else "",
             f"{job.gpus} GPUs" if job.gpus else ""] if job is not None else []  # fmt: skip
    found = {
        "job": entry.name,
        "jobId": entry.job_id,
        "stage": entry.stage,
        "status": str(entry.status),
        "cause": str(told.cause) if told else "",
        "reason": detail.reason,
        "remedy": told.remedy if told else "",
        "exit code": "" if detail.exit_code is None else str(detail.exit_code),
        "queue": detail.queue,
        "definition": detail.job_definition,
        "asked for": ", ".join(filter(None, asked)),
        "command": " ".join(job.command) if job is not None else "",
        "outputs": "\n".join(job.outputs) if job is not None else "",
        "waited": _waited(entry, now),
        "ran": _ran(entry, now),
        "replaces": entry.replaces or "",
    }
    return [(name, "\n".join(map(printable, text.splitlines()))) for name, text in found.items() if text]


def attempts(entry: Entry) -> list[str]:
    """A line for each attempt."""
    causes: Sequence[object] = diagnose(entry.detail).attempts if entry.detail.attempts else ()
    return [
        " ".join(
            filter(
                None,
                [
                    f"attempt {attempt.number}:",
                    "" if attempt.exit_code is None else f"exit code {attempt.exit_code}",
                    str(causes[place]) if place < len(causes) and attempt.exit_code != 0 and attempt.reason else "",
                    f"({printable(attempt.reason)})" if attempt.reason else "",
                ],
            )
        )
        for place, attempt in enumerate(entry.tries)
    ]


def _waited(entry: Entry, now: float) -> str:
    seconds = entry.wait_seconds
    if seconds is None and entry.created is not None and entry.status.active:
        seconds = max(0.0, now - entry.created)
    return "" if seconds is None else duration(seconds)


def _ran(entry: Entry, now: float) -> str:
    seconds = entry.run_seconds
    if entry.status is Status.RUNNING and entry.started is not None:
        seconds = max(0.0, now - entry.started)
    return "" if seconds is None else duration(seconds)


def _or_nothing(seconds: float | None) -> float:
    return -1.0 if seconds is None else seconds
