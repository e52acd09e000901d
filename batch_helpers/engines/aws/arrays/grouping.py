"""Which bound jobs become an array together, and how it waits for what they wait for. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from batch_helpers.engines.aws.limits import MAX_DEPENDENCIES
from batch_helpers.job import Job

OWN_PREFIX = "batch_helpers:"

MOST = 10_000
"""Children of one array: https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html"""


@dataclass(frozen=True, slots=True)
class Part:
    """Jobs that are submitted by one request, by their places; the order is that of the children's indexes.

    whole: jobIds, of array parents too, that all of it waits for. each: array parents, for whose child of the same
    index each child waits (N_TO_N).
    """

    places: tuple[int, ...]
    whole: tuple[str, ...] = ()
    each: tuple[str, ...] = ()


@dataclass(slots=True)
class Parts:
    """What is submitted as arrays and singly, and the places of the jobs that the service cannot be told of yet."""

    arrays: list[Part] = field(default_factory=list)
    singles: list[Part] = field(default_factory=list)
    held: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Upstream:
    """An array that jobs may wait for. needed: the children that have not succeeded.

    Who waits for an array as a whole fails with any of its children, so it has to want all of those.
    """

    size: int
    needed: frozenset[int]


def split(jobs: Sequence[Job], known: Mapping[str, Upstream], fits: Callable[[Job], bool]) -> Parts:
    """Divide bound jobs into parts.

    known: the arrays that are known, by their parents' jobIds. fits: whether a job may be an array's child.
    """
    parts = Parts()
    for (_, whole, each), places in _by_shape(jobs, known, fits, parts).items():
        if each:
            _one_by_one(jobs, places, whole, each, known, parts)
        else:
            _chunked(places, whole, parts)
    return parts


def split_child(job_id: str) -> tuple[str, int] | None:
    """The parent and the index of an array's child; None for any other jobId."""
    parent, colon, index = job_id.rpartition(":")
    return (parent, int(index)) if colon and index.isdecimal() else None


def _by_shape(
    jobs: Sequence[Job], known: Mapping[str, Upstream], fits: Callable[[Job], bool], parts: Parts
) -> dict[tuple[Hashable, tuple[str, ...], tuple[str, ...]], list[int]]:
    shapes: dict[tuple[Hashable, tuple[str, ...], tuple[str, ...]], list[int]] = {}
    for place, job in enumerate(jobs):
        waits = _waits(job, known)
        if waits is None or len(waits[0]) + len(waits[1]) > MAX_DEPENDENCIES:
            parts.held.append(place)
        elif fits(job):
            shapes.setdefault((needs(job), *waits), []).append(place)
        elif waits[1]:
            parts.held.append(place)
        else:
            parts.singles.append(Part((place,), waits[0]))
    return shapes


def needs(job: Job) -> Hashable:
    """What all children of an array have in common."""
    what = (job.job_definition, job.image, job.job_queue, job.group)
    tags = tuple(sorted(users_tags(job).items()))
    return (*what, job.vcpus, job.memory, job.gpus, job.attempts, job.timeout, tags)


def users_tags(job: Job) -> dict[str, str]:
    """The tags of a job without those of this package, which are about the job alone."""
    return {name: value for name, value in job.tags.items() if not name.startswith(OWN_PREFIX)}


def parents_of(jobs: Iterable[Job]) -> set[str]:
    """The arrays for whose children these jobs wait."""
    children = (split_child(str(item)) for job in jobs for item in job.depends_on)
    return {child[0] for child in children if child is not None}


def _waits(job: Job, known: Mapping[str, Upstream]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The jobIds to wait for as a whole, and the arrays to wait for child by child; None when it is neither."""
    whole: list[str] = []
    children: dict[str, set[int]] = {}
    for item in map(str, job.depends_on):
        child = split_child(item)
        if child is None:
            whole.append(item)
        else:
            children.setdefault(child[0], set()).add(child[1])
    each = []
    for parent, indexes in children.items():
        upstream = known.get(parent)
        if upstream is not None and upstream.needed <= indexes:
            whole.append(parent)
        elif upstream is not None and len(indexes) == 1:
            each.append(parent)
        else:
            return None
    return tuple(dict.fromkeys(whole)), tuple(sorted(each))


def _one_by_one(
    jobs: Sequence[Job],
    places: Iterable[int],
    whole: tuple[str, ...],
    each: tuple[str, ...],
    known: Mapping[str, Upstream],
    parts: Parts,
) -> None:
    """Arrays whose children wait for the children of others with the same index: all of them, or the jobs are held."""
    seen: Counter[int] = Counter()
    layers: dict[int, dict[int, int]] = {}
    sizes = {known[parent].size for parent in each}
    for place in places:
        children = map(split_child, map(str, jobs[place].depends_on))
        indexes = {child[1] for child in children if child is not None and child[0] in each}
        index = min(indexes)
        if len(indexes) > 1 or len(sizes) > 1:
            parts.held.append(place)
            continue
        layers.setdefault(seen[index], {})[index] = place
        seen[index] += 1
    for layer in layers.values():
        if len(layer) in sizes:
            parts.arrays.append(Part(tuple(layer[index] for index in range(len(layer))), whole, each))
        else:
            parts.held += layer.values()


def _chunked(places: Sequence[int], whole: tuple[str, ...], parts: Parts) -> None:
    for start in range(0, len(places), MOST):
        chunk = tuple(places[start : start + MOST])
        (parts.arrays if len(chunk) > 1 else parts.singles).append(Part(chunk, whole))
