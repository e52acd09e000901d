"""Two live jobs that are the same work: which one is kept. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from batch_helpers.job import PROGRESS, JobDetail, Status

_REASON = "duplicate of "


@dataclass(frozen=True, slots=True)
class Twins:
    """The job that is kept, and the others: those that wait may be ended without losing any work."""

    kept: JobDetail
    others: tuple[JobDetail, ...]

    @property
    def jobs(self) -> tuple[JobDetail, ...]:
        return (self.kept, *self.others)

    def rivals(self, *, started: bool) -> Iterator[tuple[Twins, JobDetail]]:
        """The others that have started, or those that have not."""
        return ((self, other) for other in self.others if has_started(other) is started)

    def reason(self, rival: JobDetail) -> str:
        """What a job is told that is ended for the sake of the one that is kept; read again by `kept_instead`.

        Children of one array that give way to those of another with the same index are told the same.
        """
        parent, colon, index = self.kept.job_id.rpartition(":")
        return (
            f"{_REASON}{parent}:*" if colon and rival.job_id.endswith(f":{index}") else f"{_REASON}{self.kept.job_id}"
        )


def twins(same_work: Iterable[JobDetail]) -> Twins:
    """Keep the one furthest along, the older on a tie, so that everybody who looks keeps the same one."""
    first, *others = sorted(same_work, key=_rank)
    return Twins(first, tuple(others))


def by_key(jobs: Iterable[JobDetail]) -> dict[str, list[JobDetail]]:
    """Jobs that are the same work together, by the key in their names; those without a key are nobody's twins."""
    groups: dict[str, list[JobDetail]] = {}
    for job in jobs:
        if (key := job.key) is not None:
            groups.setdefault(key, []).append(job)
    return groups


def together(rivals: Iterable[tuple[Twins, JobDetail]]) -> dict[str, list[tuple[Twins, JobDetail]]]:
    """The rivals that may be ended in one go, by what they are told."""
    groups: dict[str, list[tuple[Twins, JobDetail]]] = {}
    for item, rival in rivals:
        groups.setdefault(item.reason(rival), []).append((item, rival))
    return groups


def has_started(job: JobDetail) -> bool:
    """Whether work would be lost if this active job were ended."""
    return PROGRESS[job.status] >= PROGRESS[Status.STARTING]


def kept_instead(detail: JobDetail) -> str | None:
    """The jobId for whose sake this job was ended, or None when that is not why it failed."""
    _, found, rest = detail.reason.partition(_REASON)
    if not found or not rest.strip() or detail.status is not Status.FAILED:
        return None
    kept = rest.split(";")[0].split()[0]
    return kept.removesuffix("*") + detail.job_id.rpartition(":")[2] if kept.endswith(":*") else kept


def _rank(detail: JobDetail) -> tuple[int, float, str]:
    born = detail.created_at if detail.created_at is not None else float("inf")
    return -PROGRESS[detail.status], born, detail.job_id
