"""Where the jobs come from that are shown: a file of events, a queue, or both an old file and the engine's news."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence

from batch_helpers.engines.base import Engine
from batch_helpers.errors import InvalidInput
from batch_helpers.events import EventsFile, History, RunRecord
from batch_helpers.events.again import failed_jobs
from batch_helpers.helper import BatchHelper
from batch_helpers.job import Job, JobDetail, Status

CANCELLED = "cancelled by the user"


class Source:
    """A run or a queue. refresh() asks for news, and is meant for a thread of its own; so are the others.

    connect: makes a helper, whose engine is asked for news, logs and actions; without it the events are all there is.
    events: a file that a monitor writes, or has written. queue: show every job of it, whoever submitted it.
    """

    def __init__(
        self,
        connect: Callable[[], BatchHelper] | None = None,
        *,
        events: str | None = None,
        queue: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = events or f"queue {queue}"
        self._connect, self._queue, self._clock = connect, queue, clock
        self._engine = connect().engine if connect is not None else None
        self._file = EventsFile(events) if events is not None else None
        self._history = self._file.history if self._file is not None else History(name=self.name)
        self._lock = threading.Lock()
        self._asked_for_failed = False

    @property
    def live(self) -> bool:
        """Whether there is an engine to ask."""
        return self._engine is not None

    def refresh(self) -> RunRecord:
        """The picture with everything that is new. Raises errors of batch_helpers.errors."""
        with self._lock:
            warnings = self._file.read().warnings if self._file is not None else ()
            if self._engine is not None:
                self._ask(self._engine)
            return self._history.record(warnings)

    def logs(self, job_id: str, attempt: int | None = None) -> Iterator[str]:
        """The lines of an attempt's log."""
        return self._asked_for("the log").logs(job_id, attempt)

    def cancel(self, job_ids: Sequence[str]) -> str:
        """End these jobs; what was done, in words."""
        self._asked_for("cancelling").terminate(job_ids, CANCELLED)
        return f"{len(job_ids):,} jobs are being ended"

    def retry(self, job_ids: Collection[str]) -> str:
        """Submit these failed jobs again, those that were asked for by us; what was done, in words."""
        if self._connect is None:
            raise InvalidInput("retrying needs an engine: start without --offline")
        with self._lock:
            jobs = failed_jobs(self._history.record(), only=job_ids)
            if not jobs:
                raise InvalidInput("nothing to retry: what these jobs were asked for is not known here")
            # A helper that has submitted before takes what it knows for news, so each retry has one of its own.
            submitted = self._submit(self._connect(), jobs)
        return f"{submitted:,} jobs submitted again"

    def _submit(self, helper: BatchHelper, jobs: Sequence[Job]) -> int:
        old = {entry.detail.key: entry.job_id for entry in self._history.record()}
        ids = helper.add_jobs(jobs)
        found = helper.engine.describe([job_id for job_id in ids if job_id is not None])
        now = self._clock()
        for job, job_id in zip(jobs, ids, strict=True):
            if job_id is not None and job_id != old.get(job.key):
                detail = found.get(job_id) or JobDetail(job_id, job.full_name, Status.SUBMITTED, created_at=now)
                self._history.put(detail, now, job, old.get(job.key))
        return sum(job_id is not None for job_id in ids)

    def _ask(self, engine: Engine) -> None:
        now = self._clock()
        known = {entry.job_id: entry.status.active for entry in self._history.record()}
        open_ids = {job_id for job_id, active in known.items() if active}
        queues = self._queues()
        if not queues or not (open_ids or self._queue):
            return
        self._history.tick(now)
        listed = list(engine.active(queues))
        for detail in listed:
            if self._queue is not None or detail.job_id in known:
                self._renew(detail, now)
        gone = open_ids - {detail.job_id for detail in listed}
        for detail in engine.describe(sorted(gone)).values() if gone else ():
            self._renew(detail, now)
        self._look_back(engine, queues, now)

    def _look_back(self, engine: Engine, queues: Collection[str], now: float) -> None:
        """Failures from before; asked for once, and only of a queue."""
        if self._queue is None or self._asked_for_failed:
            return
        self._asked_for_failed = True
        for detail in engine.failed(queues):
            self._renew(detail, now)

    def _renew(self, detail: JobDetail, now: float) -> None:
        known = self._history.entry(detail.job_id)
        if known is None or known.detail != detail:
            self._history.put(detail, now)

    def _queues(self) -> set[str]:
        if self._queue is not None:
            return {self._queue}
        return {entry.detail.queue for entry in self._history.record() if entry.detail.queue and entry.status.active}

    def _asked_for(self, what: str) -> Engine:
        if self._engine is None:
            raise InvalidInput(f"{what} needs an engine: start without --offline")
        return self._engine
