"""The failed jobs of a run, to be submitted once more: pure."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import replace

from batch_helpers.diagnose import Cause, diagnose
from batch_helpers.events.lines import KEY_PREFIX
from batch_helpers.events.record import Entry, RunRecord
from batch_helpers.job import REPLACES_TAG, Job, Status
from batch_helpers.plan import submission_order


def failed_jobs(
    record: RunRecord, causes: Container[Cause] | None = None, only: Container[str] | None = None
) -> list[Job]:
    """The jobs that have failed, as they were asked for, each after those of them that it depends on.

    Dependencies on jobs that have succeeded or were skipped are dropped: their outputs are there. causes, only: just
    those with these causes, just these jobIds. Jobs that were submitted by somebody else, and so are known by name
    only, are left out.
    """
    wanted = (entry for entry in record if only is None or entry.job_id in only)
    failed = {entry.job_id: entry for entry in wanted if entry.job is not None and _wanted(entry, causes)}
    known = _Known(record)
    upstream = {job_id: list(known.upstream(entry)) for job_id, entry in failed.items()}
    within = {job_id: [item for item in items if item in failed] for job_id, items in upstream.items()}
    made: dict[str, Job] = {}
    for job_id in submission_order(within):
        needs = [made.get(item, item) for item in upstream[job_id]]
        job = failed[job_id].job
        if job is not None:
            queue = job.job_queue or failed[job_id].detail.queue or None
            made[job_id] = replace(job, depends_on=needs, job_queue=queue, tags={**job.tags, REPLACES_TAG: job_id})
    return list(made.values())


class _Known:
    """Jobs of a run by the ways in which a dependency names them."""

    def __init__(self, record: RunRecord) -> None:
        self._entries: Mapping[str, Entry] = record.entries
        self._by_key = {entry.detail.key: entry for entry in record}
        self._successors = {entry.replaces: entry for entry in record.entries.values() if entry.replaces}

    def upstream(self, entry: Entry) -> Iterator[str]:
        """The jobIds that it still has to wait for, or that have failed; those that nobody here knows stay."""
        for item in entry.job.depends_on if entry.job is not None else ():
            if not isinstance(item, str):
                continue
            found = self._find(item)
            if found is None and not item.startswith(KEY_PREFIX):
                yield item
            elif found is not None and found.status is not Status.SUCCEEDED:
                yield found.job_id

    def _find(self, item: str) -> Entry | None:
        if item.startswith(KEY_PREFIX):
            return self._by_key.get(item.removeprefix(KEY_PREFIX))
        found = self._entries.get(item)
        while found is not None and found.job_id in self._successors:
            found = self._successors[found.job_id]
        return found


def _wanted(entry: Entry, causes: Container[Cause] | None) -> bool:
    if entry.status is not Status.FAILED:
        return False
    return causes is None or diagnose(entry.detail).cause in causes
