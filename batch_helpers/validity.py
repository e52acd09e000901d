"""Which outputs are there and count: by their existence, and by what their jobs ask of them beyond it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from batch_helpers.job import Job
from batch_helpers.output import Output
from batch_helpers.stores.base import Found, Store

_ABSENT = Found()


@dataclass(frozen=True, slots=True)
class Survey:
    """What stores tell of some jobs' outputs.

    found: outputs that are there and count. wanting: why others do not, though something of them is there.
    outdated: jobs with `newer_than_inputs` that are not, and why. undated: those of which it cannot be told, and why.
    """

    found: Mapping[str, Found] = field(default_factory=dict)
    wanting: Mapping[str, str] = field(default_factory=dict)
    outdated: Mapping[Job, str] = field(default_factory=dict)
    undated: Mapping[Job, str] = field(default_factory=dict)

    def lacking(self, job: Job) -> list[str]:
        """What keeps the outputs of a job from counting, in words; nothing when all is well."""
        missing = [described(uri, self.wanting) for uri in job.outputs if uri not in self.found]
        return missing or ([self.outdated[job]] if job in self.outdated else [])


def survey(store: Store, jobs: Iterable[Job]) -> Survey:
    """Ask where the outputs of these jobs lie, each kind of question once for all jobs."""
    jobs = list(jobs)
    outputs = [uri for job in jobs for uri in job.outputs]
    special = [uri for uri in outputs if isinstance(uri, Output)]
    dated = [job for job in jobs if job.newer_than_inputs]
    if not special and not dated:
        return Survey(store.find(outputs) if outputs else {})
    measured = {uri for uri in special if uri.min_size} | {uri for job in dated for uri in _dated_files(job)}
    there = store.find(dict.fromkeys([*_files(outputs), *measured]), measured=measured)
    counted = store.count({uri: _counted(uri) for uri in special if uri.least})
    wanting: dict[str, str] = {uri: why for uri in special if (why := _why_not(uri, there, counted))}
    found = {uri: _at(uri, there) for uri in outputs if uri not in wanting and _is_there(uri, there)}
    outdated, undated = _by_dates([job for job in dated if all(uri in found for uri in job.outputs)], there)
    return Survey(found, wanting, outdated, undated)


def described(uri: str, wanting: Mapping[str, str]) -> str:
    """An output that does not count, with the reason if something of it is there."""
    return f"{uri} {wanting[uri]}" if uri in wanting else uri


def _file(uri: str) -> str | None:
    return uri.file if isinstance(uri, Output) else uri


def _files(uris: Iterable[str]) -> Iterator[str]:
    return (file for uri in uris if (file := _file(uri)) is not None)


def _dated_files(job: Job) -> Iterator[str]:
    return _files((*job.outputs, *job.inputs))


def _counted(folder: Output) -> int:
    """How many files there must be in all: the marker is one of them, but does not count."""
    return folder.least + (folder.marker is not None)


def _at(uri: str, there: Mapping[str, Found]) -> Found:
    return there.get(_file(uri) or "", _ABSENT)


def _is_there(uri: str, there: Mapping[str, Found]) -> bool:
    file = _file(uri)
    return file is None or file in there


def _why_not(uri: Output, there: Mapping[str, Found], counted: Mapping[str, int]) -> str | None:
    """Why an output does not count; None when it does, or when it is one file that is not there at all."""
    marked = uri.file in there
    if uri.marker is not None and not marked:
        return f"has no {uri.marker}"
    if uri.least and (number := counted.get(uri, 0) - (uri.marker is not None)) < uri.least:
        return f"has {number} of {uri.least} objects"
    if not uri.min_size or not marked:
        return None
    size = _at(uri, there).size
    if size is None:
        return f"has no size that is known, and wants {uri.min_size} bytes"
    return None if size >= uri.min_size else f"is too small: {size} bytes, wants {uri.min_size}"


def _by_dates(jobs: Sequence[Job], there: Mapping[str, Found]) -> tuple[dict[Job, str], dict[Job, str]]:
    outdated, undated = {}, {}
    for job in jobs:
        outputs, inputs = _dates(_files(job.outputs), there), _dates(job.inputs, there)
        if outputs and inputs and min(outputs.values()) < max(inputs.values()):
            old, new = min(outputs, key=outputs.__getitem__), max(inputs, key=inputs.__getitem__)
            outdated[job] = f"out of date: {old} is older than its input {new}"
        elif unknown := [uri for uri in _dated_files(job) if uri not in outputs and uri not in inputs]:
            undated[job] = _unknown(unknown, there)
    return outdated, undated


def _dates(uris: Iterable[str], there: Mapping[str, Found]) -> dict[str, float]:
    return {uri: date for uri in uris if (date := there.get(uri, _ABSENT).modified) is not None}


def _unknown(uris: Collection[str], there: Mapping[str, Found]) -> str:
    first = next(iter(uris))
    problem = "has no date" if first in there else "does not exist"
    more = f", and {len(uris) - 1} more" if len(uris) > 1 else ""
    return f"whether it is newer than its inputs is not known: {first} {problem}{more}"
