"""A run as it becomes known, from its events or from a live engine: puts changes together, and gives the picture."""

from __future__ import annotations

from collections.abc import Mapping

from batch_helpers.events.record import Entry, RunRecord
from batch_helpers.job import Job, JobDetail
from batch_helpers.monitor import Snapshot
from batch_helpers.plan import Action

_APART = 1.0


class History:
    """What is known of a run so far. Frozen pictures of it are taken with `record()`."""

    def __init__(self, name: str = "", engine: str = "") -> None:
        self.name, self.engine, self.directory = name, engine, ""
        self.began: float | None = None
        self.latest: float | None = None
        self.ended = False
        self.skipped: dict[str, int] = {}
        self.decisions: dict[Action, int] = {}
        self.notes: list[tuple[float, str]] = []
        self._entries: dict[str, Entry] = {}
        self._held: dict[str, Job] = {}
        self._superseded: set[str] = set()
        self._latest: dict[str, str] = {}

    def tick(self, at: float) -> bool:
        """Time goes on; False when it went backwards by more than two watchers at once may be apart."""
        self.began = at if self.began is None else min(self.began, at)
        forward = self.latest is None or at >= self.latest - _APART
        self.latest = at if self.latest is None else max(self.latest, at)
        return forward

    def put(self, detail: JobDetail, at: float, job: Job | None = None, replaces: str | None = None) -> None:
        """A job is new, or has changed."""
        known = self._entries.get(detail.job_id)
        if known is None:
            replaces = replaces or self._ended_before(detail)
        if replaces is not None:
            self._superseded.add(replaces)
        if known is None:
            self._entries[detail.job_id] = Entry(detail, job, replaces, ((detail.status, at),))
            self._held.pop(detail.key or "", None)
            return
        seen = known.seen
        if detail.status is not known.status and all(status is not detail.status for status, _ in seen):
            seen = (*seen, (detail.status, at))
        self._entries[detail.job_id] = Entry(detail, job or known.job, known.replaces or replaces, seen)

    def _ended_before(self, detail: JobDetail) -> str | None:
        """The job that did the same work in an earlier run of the script, and has ended."""
        if detail.key is None:
            return None
        earlier, self._latest[detail.key] = self._latest.get(detail.key), detail.job_id
        return earlier if earlier is not None and not self._entries[earlier].status.active else None

    def entry(self, job_id: str) -> Entry | None:
        """What is known of one job."""
        return self._entries.get(job_id)

    def hold(self, job: Job) -> None:
        """A job waits to be submitted."""
        self._held[job.key] = job

    def follow(
        self, snapshot: Snapshot, work: Mapping[str, Job], at: float, replaces: Mapping[str, str] | None = None
    ) -> None:
        """Take over what a monitor sees; only what has changed costs anything."""
        self.tick(at)
        for job_id, detail in snapshot.jobs.items():
            known = self._entries.get(job_id)
            if known is None or (known.detail is not detail and known.detail != detail):
                self.put(detail, at, work.get(job_id), (replaces or {}).get(job_id))
        self._held = {job.key: job for job in snapshot.held}
        self.skipped, self.decisions = dict(snapshot.skipped), dict(snapshot.decisions)

    def record(self, warnings: tuple[str, ...] = ()) -> RunRecord:
        """The picture as it is now."""
        return RunRecord(
            name=self.name,
            engine=self.engine,
            directory=self.directory,
            began=self.began,
            latest=self.latest,
            ended=self.ended,
            entries=dict(self._entries),
            held=tuple(self._held.values()),
            skipped=dict(self.skipped),
            decisions=dict(self.decisions),
            superseded=frozenset(self._superseded),
            notes=tuple(self.notes),
            warnings=warnings,
        )
