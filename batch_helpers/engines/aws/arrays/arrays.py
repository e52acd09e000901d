"""The arrays that an engine knows: what it has submitted, and what it has met in listings."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from batch_helpers.engines.aws.api import API
from batch_helpers.engines.aws.arrays import reading
from batch_helpers.engines.aws.arrays.grouping import Upstream, split_child
from batch_helpers.engines.aws.arrays.known import Array
from batch_helpers.engines.aws.arrays.table import Table, digest_in
from batch_helpers.engines.aws.crew import each
from batch_helpers.engines.aws.details import Parent
from batch_helpers.engines.aws.listing import when_stopped
from batch_helpers.errors import ServiceError
from batch_helpers.job import FINGERPRINT_DIGITS, JobDetail, Status

_LATE = 3600.0
"""Seconds by which the clocks of two machines, and a listing, may be late."""

_FEW, _VERY_MANY = 100, 500
"""Children of one array that are described one by one; beyond that its numbers, or its listing, have to do."""

_NEWEST = 10
_STARTED = (Status.STARTING, Status.RUNNING)


class Arrays:
    """The children of arrays as jobs of their own.

    read: gives the object at a URI. ours: whether a URI is in this engine's own place.
    """

    def __init__(self, api: API, width: int, read: Callable[[str], bytes], ours: Callable[[str], bool]) -> None:
        self._api, self._width, self._read, self._ours = api, width, read, ours
        self._known: dict[str, Array] = {}
        self._strangers: set[str] = set()

    def put(self, job_id: str, name: str, queue: str, table: Table) -> None:
        """Know an array that has just been submitted."""
        if job_id not in self._known:
            latest = Parent(job_id, name, Status.SUBMITTED, queue=queue, size=len(table.names))
            self._known[job_id] = Array(job_id, table.names, latest)

    def upstream(self, job_ids: Iterable[str]) -> dict[str, Upstream]:
        """Those of these arrays that are known, as jobs that others may wait for."""
        known = {job_id: self._known[job_id] for job_id in job_ids if job_id in self._known}
        return {job_id: Upstream(len(array.names), array.needed()) for job_id, array in known.items()}

    def await_children(self, job_ids: Iterable[str]) -> None:
        """Jobs are held back for these single children, so that their ends are looked for at every poll."""
        for child in map(split_child, job_ids):
            if child and child[0] in self._known:
                self._known[child[0]].awaited = True

    def with_children(self, jobs: Iterable[JobDetail], *, told: bool) -> list[JobDetail]:
        """These active jobs, with the living children of arrays of ours in the place of their parents.

        told: children of which it is only known how many have ended are given as ended, and arrays whose tables cannot
        be read stay as they are; otherwise all that have not certainly ended are given as active, and what cannot be
        read is an error: what is planned without it could run twice.
        """
        jobs = list(jobs)
        found = {job.job_id: job for job in jobs if isinstance(job, Parent) and digest_in(job.name)}
        arrays = self._refreshed(found, told=told)
        others = [job for job in jobs if job.job_id not in arrays]
        return self._settled(others, arrays.values(), told=told)

    def look(
        self, watched: Collection[str], newest: Callable[[float], Sequence[JobDetail] | None]
    ) -> list[JobDetail] | None:
        """The active jobs that matter to those who watch these children; None when it takes a listing of the queues.

        newest: the active jobs that were submitted since a time, if that can be told at little cost.
        """
        wanted = {
            child[0] if child else job_id for job_id, child in zip(watched, map(split_child, watched), strict=True)
        }
        if not wanted <= self._known.keys():
            return None
        found = reading.parents(self._api, sorted(wanted), self._width)
        born = [array.latest.created_at for array in map(self._known.__getitem__, wanted)]
        since = min((when for when in born if when is not None), default=time.time())
        recent = newest(since - _LATE)
        if recent is None:
            return None
        others = [job for job in recent if job.job_id not in wanted]
        return self.with_children([*found.values(), *others], told=True)

    def described(self, job_ids: Sequence[str]) -> tuple[dict[str, JobDetail], list[str]]:
        """What is known already of these children that have ended, and the jobIds that are to be described.

        Of an array of which many are asked about, its numbers are asked first; of very many that have failed, what the
        listing says has to do.
        """
        groups = self._by_array(job_ids)
        many = [job_id for job_id, indexes in groups.items() if self._unsettled(job_id, indexes) > _FEW]
        here = reading.parents(self._api, many, self._width) if many else {}
        self._refreshed(here, told=False)
        known: dict[str, JobDetail] = {}
        gone: set[str] = set()
        for job_id, indexes in groups.items():
            array = self._known[job_id]
            failed = {index for index in indexes if index in array.ended and not self._complete(array, index)}
            array.described |= failed if len(failed) > _VERY_MANY else set()
            ended = {f"{job_id}:{index}": array.ended[index] for index in indexes if self._complete(array, index)}
            known |= ended
            if job_id in many and job_id not in here:
                gone |= {f"{job_id}:{index}" for index in indexes}
        return known, [job_id for job_id in job_ids if job_id not in known and job_id not in gone]

    def named(self, jobs: Mapping[str, JobDetail]) -> dict[str, JobDetail]:
        """Descriptions of jobs, the children of arrays of ours under their own names."""
        owners = {job_id: child for job_id in jobs if (child := split_child(job_id)) and digest_in(jobs[job_id].name)}
        self._learn({child[0] for child in owners.values()}, strict=False)
        return {job_id: self._named(job, owners.get(job_id)) for job_id, job in jobs.items()}

    def to_end(self, job_ids: Sequence[str]) -> list[str]:
        """The jobIds to end instead of these: a parent's, where all of its children that have not ended are meant."""
        groups = self._by_array(job_ids)
        whole = {job_id for job_id, indexes in groups.items() if indexes >= set(self._known[job_id].left())}
        children = {f"{job_id}:{index}" for job_id in whole for index in groups[job_id]}
        return [*whole, *(job_id for job_id in job_ids if job_id not in children)]

    def terminated(self, job_ids: Sequence[str]) -> None:
        """These have been told to end, whether they had started or not."""
        for job_id, indexes in self._by_array(job_ids).items():
            self._known[job_id].terminated |= indexes
            self._known[job_id].ending |= indexes

    def failed_children(self, jobs: Iterable[JobDetail]) -> list[JobDetail]:
        """These failed jobs, with the failed children of arrays of ours in the place of their parents.

        Only of the newest arrays, a thousand of each, since it takes a listing; those whose tables cannot be read are
        left out.
        """
        found: list[JobDetail] = []
        children: list[JobDetail] = []
        for job in jobs:
            (children if isinstance(job, Parent) and digest_in(job.name) else found).append(job)
        newest = [job.job_id for job in sorted(children, key=when_stopped, reverse=True)[:_NEWEST]]
        self._learn(newest, strict=False)
        known = [self._known[job_id] for job_id in newest if job_id in self._known]
        listed = each(lambda array: reading.children(self._api, array, Status.FAILED, most=1), known, self._width)
        found += [child for some in listed for _, child, _ in some]
        return sorted(found, key=when_stopped, reverse=True)

    def _named(self, job: JobDetail, child: tuple[str, int] | None) -> JobDetail:
        array = self._known.get(child[0]) if child else None
        if array is None or child is None or child[1] >= len(array.names):
            return job
        named = array.child(child[1], job)
        if not job.status.active:
            array.ended[child[1]] = named
            array.described.add(child[1])
        return named

    def _complete(self, array: Array, index: int) -> bool:
        """Whether all is known of a child that there is to know: of a failed one, its attempts too."""
        detail = array.ended.get(index)
        return detail is not None and (detail.status is Status.SUCCEEDED or index in array.described)

    def _unsettled(self, job_id: str, indexes: Iterable[int]) -> int:
        return sum(index not in self._known[job_id].ended for index in indexes)

    def _by_array(self, job_ids: Iterable[str]) -> dict[str, set[int]]:
        groups: dict[str, set[int]] = {}
        for job_id in job_ids:
            child = split_child(job_id)
            if child and child[0] in self._known:
                groups.setdefault(child[0], set()).add(child[1])
        return groups

    def _refreshed(self, found: Mapping[str, Parent], *, told: bool) -> dict[str, Array]:
        """The arrays among these parents, brought up to date."""
        self._learn(found, strict=not told)
        arrays = {job_id: self._known[job_id] for job_id in found if job_id in self._known}
        silent = [job_id for job_id in arrays if found[job_id].counts is None]
        numbered = {**found, **(reading.parents(self._api, silent, self._width) if silent else {})}
        for job_id, array in arrays.items():
            array.latest, array.started = numbered.get(job_id, array.latest), None
            array.ending = set(array.terminated)
        exact = [array for array in arrays.values() if array.latest.cancelled and array.latest.status.active]
        self._list_exactly(exact)
        self._list([(array, status) for array in arrays.values() for status in array.to_list(all_of_them=not told)])
        return arrays

    def _learn(self, job_ids: Iterable[str], *, strict: bool) -> None:
        """Read the tables of arrays that are not known. One that cannot be read is an error, or is left alone."""
        strange = [job_id for job_id in job_ids if job_id not in self._strangers and job_id not in self._known]
        found = reading.parents(self._api, strange, self._width) if strange else {}

        def read(parent: Parent) -> None:
            try:
                array = reading.array_of(parent, self._read, self._ours)
            except ServiceError:
                if strict:
                    raise
                return
            if array is None:
                self._strangers.add(parent.job_id)
            else:
                self._known[parent.job_id] = array

        each(read, list(found.values()), self._width)

    def _settled(self, others: Sequence[JobDetail], arrays: Collection[Array], *, told: bool) -> list[JobDetail]:
        """With exact states where the same work is alive twice, since then it matters which one has started."""
        if not arrays:
            return list(others)
        children = [(array, array.living(told=told)) for array in arrays]
        seen: set[str] = set()
        twice: set[str] = set()
        for job in (*others, *(child for _, living in children for child in living)):
            (twice if _key(job) in seen else seen).add(_key(job))
        if twice:
            self._list_exactly([array for array, living in children if any(_key(job) in twice for job in living)])
            children = [(array, array.living(told=told)) for array in arrays]
        return [*others, *(child for _, living in children for child in living)]

    def _list_exactly(self, arrays: Sequence[Array]) -> None:
        """Learn just which children have started, and which have ended; in the order in which a child moves."""
        for array in arrays:
            array.started = {}
        self._list([(array, status) for array in arrays for status in _STARTED])
        self._list([(array, status) for array in arrays for status in (Status.SUCCEEDED, Status.FAILED)])
        for array in arrays:
            if array.latest.cancelled:
                array.ending |= set(array.left()) - set(array.started or ())

    def _list(self, work: Sequence[tuple[Array, Status]]) -> None:
        listed = each(lambda item: reading.children(self._api, *item), work, self._width)
        for (array, status), found in zip(work, listed, strict=True):
            if status in _STARTED:
                array.ending |= {index for index, _, ending in found if ending}
                array.started = {**(array.started or {}), **{index: child for index, child, _ in found}}
            else:
                array.take((index, child) for index, child, _ in found)


def _key(job: JobDetail) -> str:
    """The end of its name, which is the key where it has one."""
    return job.name[-FINGERPRINT_DIGITS:]
