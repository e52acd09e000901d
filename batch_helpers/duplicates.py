"""Two live jobs that are the same work: which one is kept. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from batch_helpers.job import PROGRESS, JobDetail, Status

_REASON = "duplicate of "


@dataclass(frozen=True, slots=True)
class Twins:
    """The job that is kept, and the others. `rivals` have not started and may be ended without losing any work."""

    kept: JobDetail
    others: tuple[JobDetail, ...]

    @property
    def rivals(self) -> tuple[JobDetail, ...]:
        return tuple(other for other in self.others if PROGRESS[other.status] < PROGRESS[Status.STARTING])

    def reason(self) -> str:
        """What a job is told that is ended for the sake of the one that is kept; read again by `kept_instead`."""
        return f"{_REASON}{self.kept.job_id}"


def twins(same_work: Iterable[JobDetail]) -> Twins:
    """Keep the one furthest along, the older on a tie, so that everybody who looks keeps the same one."""
    first, *others = sorted(same_work, key=_rank)
    return Twins(first, tuple(others))


def kept_instead(detail: JobDetail) -> str | None:
    """The jobId for whose sake this job was ended, or None when that is not why it failed."""
    _, found, rest = detail.reason.partition(_REASON)
    return rest.split(";")[0].split()[0] if found and rest.strip() and detail.status is Status.FAILED else None


def _rank(detail: JobDetail) -> tuple[int, float, str]:
    born = detail.created_at if detail.created_at is not None else float("inf")
    return -PROGRESS[detail.status], born, detail.job_id
