"""The jobs of a run as columns of numbers: what the page's own table reads."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from batch_helpers.diagnose import Diagnosis, diagnose
from batch_helpers.events.record import Entry, RunRecord
from batch_helpers.job import Status
from batch_helpers.words import printable

MOST_TEXTS = 20_000
"""Different reasons that are kept word for word; jobs beyond show their cause and remedy only."""


def columns(record: RunRecord) -> dict[str, Any]:
    """Everything about the jobs that the page shows on demand. Times are seconds since the run began.

    Texts are numbers into lists of texts, -1 for none.
    """
    begin = record.began or 0.0
    entries = list(record.entries.values())
    told = [diagnose(entry.detail) if entry.status is Status.FAILED else None for entry in entries]
    jobs = {name: [column(entry) for entry in entries] for name, column in _PLAIN.items()}
    jobs |= {name: [_tenths(time(entry), begin) for entry in entries] for name, time in _TIMES.items()}
    jobs |= {name: [_tenths(length(entry)) for entry in entries] for name, length in _LENGTHS.items()}
    superseded = frozenset(record.superseded)
    jobs["again"] = [int(entry.job_id in superseded) for entry in entries]
    texts: dict[str, list[str]] = {}
    for name, given in _texts(entries, told).items():
        texts[name], jobs[name] = _numbered(given)
    return {"begin": begin, "texts": texts, "jobs": jobs}


def packed(found: Mapping[str, Any]) -> str:
    """JSON, compressed, as letters and digits: a third of the size, and nothing in it means anything to HTML."""
    data = json.dumps(found, separators=(",", ":")).encode()
    return base64.b64encode(gzip.compress(data, compresslevel=6, mtime=0)).decode()


def _texts(entries: Sequence[Entry], told: Sequence[Diagnosis | None]) -> dict[str, Iterable[str]]:
    return {
        "stage": [entry.stage for entry in entries],
        "status": [str(entry.status) for entry in entries],
        "queue": [entry.detail.queue for entry in entries],
        "cause": [str(found.cause) if found else "" for found in told],
        "remedy": [found.remedy if found else "" for found in told],
        "reason": [found.evidence if found else "" for found in told],
    }


def _numbered(given: Iterable[str]) -> tuple[list[str], list[int]]:
    """Each text once, and for each given text its place there: -1 for none, and for those there was no room for."""
    places: dict[str, int] = {}
    numbers = []
    for text in given:
        if text and text not in places and len(places) < MOST_TEXTS:
            places[text] = len(places)
        numbers.append(places.get(text, -1))
    return [_harmless(text) for text in places], numbers


def _harmless(text: str) -> str:
    return text if text.isprintable() else printable(text)


def _tenths(seconds: float | None, begin: float = 0.0) -> float | None:
    return None if seconds is None else round(seconds - begin, 1)


_PLAIN: Mapping[str, Callable[[Entry], Any]] = {
    "name": lambda entry: _harmless(entry.name),
    "id": lambda entry: _harmless(entry.job_id),
    "exit": lambda entry: entry.detail.exit_code,
    "tries": lambda entry: len(entry.tries),
    "vcpus": lambda entry: entry.job.vcpus if entry.job is not None else None,
    "mib": lambda entry: entry.job.memory if entry.job is not None else None,
}
_TIMES: Mapping[str, Callable[[Entry], float | None]] = {
    "created": lambda entry: entry.created,
    "starting": lambda entry: entry.starting,
    "started": lambda entry: entry.started,
    "stopped": lambda entry: entry.stopped,
}
_LENGTHS: Mapping[str, Callable[[Entry], float | None]] = {
    "waited": lambda entry: entry.wait_seconds,
    "ran": lambda entry: entry.run_seconds,
}
