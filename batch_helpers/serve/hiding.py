"""New jobs that listings do not show yet: the service's listings lag behind, and tests want to see it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class _Veil:
    until: float | None
    listings: int | None


@dataclass(slots=True)
class Hiding:
    """Which jobs are hidden, from ListJobs and DescribeJobs, until a time or for a number of listings."""

    _veils: dict[str, _Veil] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._veils)

    def hide(self, job_id: str, until: float | None, listings: int | None) -> None:
        """Hide a job until a time (seconds since the epoch), or from the next `listings` listings."""
        self._veils[job_id] = _Veil(until, listings)

    def hidden(self, job_id: str, now: float) -> bool:
        """Whether a job is hidden at this time; does not count as a listing."""
        veil = self._veils.get(job_id)
        if veil is None:
            return False
        if (veil.until is not None and now >= veil.until) or veil.listings == 0:
            del self._veils[job_id]
            return False
        return True

    def listed(self, job_ids: list[str], now: float) -> frozenset[str]:
        """Those of these jobs that a listing leaves out."""
        hidden = frozenset(job_id for job_id in job_ids if self.hidden(job_id, now))
        for job_id in hidden:
            veil = self._veils[job_id]
            if veil.listings is not None:
                veil.listings -= 1
        return hidden
