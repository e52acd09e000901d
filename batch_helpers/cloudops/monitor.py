"""Watching a job to its end, or to the end of one's patience."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TextIO

from batch_helpers.cloudops.cloud import Cloud
from batch_helpers.cloudops.desk import Desk
from batch_helpers.errors import ServiceError
from batch_helpers.job import Job, JobDetail, Status
from batch_helpers.monitor import Snapshot, Watch, watch
from batch_helpers.stores.base import Store
from batch_helpers.words import duration


class MonitorTimedOut(ServiceError):
    """Watching has taken longer than was allowed; the tasks go on. `summary` is the last picture."""

    def __init__(self, message: str, summary: Snapshot) -> None:
        self.summary = summary
        super().__init__(message)


class Monitor:
    """One watch over the tasks of a job, those of other processes included."""

    def __init__(self, cloud: Cloud, store: Store, desk: Desk) -> None:
        self._cloud, self._desk, self._name = cloud, desk, desk.job.name
        self._watch = Watch(cloud.engine, store)
        self._tasks: dict[str, str] = {}
        for task, detail in _last_attempts(cloud.tasks(self._name)).items():
            self._add(desk.known.get(task), task, desk.verdicts.get(task, detail))

    def run(self, stream: TextIO, timeout: float | None, interval: float) -> Snapshot:
        """Print how it goes until nothing is active. timeout: seconds. Raises MonitorTimedOut."""
        from batch_helpers.display import Display

        began = time.monotonic()
        deadline = None if timeout is None else began + timeout
        snapshot = self._picture(self._watch.snapshot())
        with Display(stream, interval, self._cloud.engine.logs) as display:
            try:
                for polled in watch(self._watch, self._waiter(deadline), interval=interval, busy=self._busy):
                    snapshot = self._picture(self._watch.snapshot() if self._step() else polled)
                    display.show(snapshot)
                    if deadline is not None and time.monotonic() >= deadline and self._busy():
                        raise MonitorTimedOut(self._patience(snapshot, timeout or 0), snapshot)
            except KeyboardInterrupt:
                snapshot = replace(snapshot, detached=True)
            display.finish(snapshot)
        ended = {job_id: detail for job_id, detail in snapshot.jobs.items() if not detail.status.active}
        self._desk.verdicts.update({self._tasks[job_id]: detail for job_id, detail in ended.items()})
        return snapshot

    def _step(self) -> bool:
        """Take in held tasks that were added now or never will be, and tasks of others; whether there were any."""
        released = self._desk.release()
        added = released.added
        for task, detail in (self._cloud.some(self._name, list(added)) if added else {}).items():
            self._add(added[task], task, detail)
        for task, (job, reason) in released.doomed.items():
            self._add(job, task, JobDetail(task, job.full_name, Status.FAILED, queue=self._name, reason=reason))
        strangers = [detail for group in self._watch.seen.values() for detail in group]
        new = [detail for detail in strangers if self._watch.detail(detail.job_id) is None]
        for detail in new:
            self._add(None, detail.short_name, detail)
        return bool(added or released.doomed or new)

    def _add(self, job: Job | None, task: str, detail: JobDetail) -> None:
        """A task that succeeded before anybody looked is looked at once more, for its outputs."""
        job = (job or Job(task, command=["-"])).bound(self._name, ())
        self._tasks[detail.job_id] = task
        if detail.status is Status.SUCCEEDED and job.outputs and task not in self._desk.verdicts:
            detail = replace(detail, status=Status.RUNNING)
        self._watch.add(job, detail)

    def _busy(self) -> bool:
        return bool(self._watch.open or self._desk.waiting.tasks)

    def _waiter(self, deadline: float | None) -> Callable[[float], None]:
        def wait(seconds: float) -> None:
            left = seconds if deadline is None else max(0.0, deadline - time.monotonic())
            self._cloud.engine.wait(min(seconds, left))

        return wait

    def _picture(self, snapshot: Snapshot) -> Snapshot:
        return replace(snapshot, held=self._desk.waiting.jobs, decisions=dict(self._desk.decisions))

    def _patience(self, snapshot: Snapshot, timeout: float) -> str:
        return (
            f"job {self._name!r}: {snapshot.active} tasks have not ended after {duration(timeout)}; they go on: "
            "monitor_job comes back to them, delete_job ends them"
        )


def _last_attempts(tasks: Mapping[str, JobDetail]) -> dict[str, JobDetail]:
    """The tasks without those whose work was tried again later: the last attempt decides."""
    last = {detail.name: task for task, detail in sorted(tasks.items(), key=lambda item: item[1].created_at or 0)}
    return {task: detail for task, detail in tasks.items() if last[detail.name] == task}
