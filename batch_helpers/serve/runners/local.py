"""The runner that really runs: each job is a row of the local engine, under its own jobId, one attempt at a time."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from batch_helpers.engines.local.database import Database
from batch_helpers.engines.local.intake import here
from batch_helpers.engines.local.room import machine_memory, machine_vcpus
from batch_helpers.engines.local.rows import Capacity as Limits
from batch_helpers.engines.local.rows import Context, Spec
from batch_helpers.engines.local.start import see_to_it
from batch_helpers.job import Attempt, JobDetail, Status
from batch_helpers.serve.jobs.entrypoints import AWS_CLI, Entrypoints
from batch_helpers.serve.runners import tasks
from batch_helpers.serve.runners.base import Capacity, Event
from batch_helpers.serve.runners.folders import Folders
from batch_helpers.serve.runners.tasks import several
from batch_helpers.serve.runners.translation import how_it_ended, new_job, nothing_to_run, spec_of
from batch_helpers.serve.state.rows import Ready, Stop

WINDOW = 500
"""The most attempts that the engine is given at a time; the others wait here, where they cost nothing."""

_POLL = 0.05
_STOPPED = "stopped by the endpoint"
_CARE = 1.0


class _Watched(NamedTuple):
    """An attempt that the engine has, and the state in which it was last seen."""

    seq: int
    number: int
    status: str
    is_task: bool = False


class LocalRunner:
    """Runs attempts with the engine in `directory`.

    vcpus, memory (MiB): how much of the machine jobs may take together. containers: `docker`, `podman` or `apptainer`,
    to run jobs in their images; None runs their commands directly, after what `entrypoints` says of their image.
    """

    writes_logs = True

    def __init__(
        self,
        directory: str,
        *,
        vcpus: float | None = None,
        memory: int | None = None,
        containers: str | None = None,
        entrypoints: Entrypoints = AWS_CLI,
    ) -> None:
        self.capacity = Capacity(vcpus or machine_vcpus(), memory or machine_memory())
        self._runtime = shutil.which(containers) if containers else None
        self._entrypoints = entrypoints
        self._folders = Folders(directory)
        self._database = Database(directory)
        self._environment = here().environment
        with self._database.changes(time.time()) as changes:
            changes.limit(Limits(vcpus, memory))
        self._thread = ThreadPoolExecutor(1, "batch-helpers runner")
        self._watched: dict[str, _Watched] = {}
        self._version: int | None = None
        self._cared = 0.0

    @property
    def room(self) -> int:
        return max(0, WINDOW - len(self._watched))

    async def turn(self, ready: Sequence[Ready], stops: Sequence[Stop]) -> list[Event]:
        """Give the engine what is new, and see what has become of what it has; in a thread, since it may take long."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._turn, ready, stops)

    def due_in(self) -> float | None:
        return _POLL if self._watched else None

    def log(self, job_id: str, attempt: int, container: str) -> str | None:
        path = self._folders.container_log(job_id, attempt, container)
        return path if os.path.exists(path) else self._folders.log(job_id, attempt)

    def forget(self, job_ids: Sequence[str]) -> None:
        for job_id in job_ids:
            self._folders.forget(job_id)

    async def close(self) -> None:
        """The engine's supervisor goes on with what it has. A turn that is still under way is waited for."""
        self._thread.shutdown(wait=True)
        self._database.close()

    def _turn(self, ready: Sequence[Ready], stops: Sequence[Stop]) -> list[Event]:
        events = self._give(ready)
        if stops:
            with self._database.changes(time.time()) as changes:
                changes.cancel([stop.job_id for stop in stops if stop.force], _STOPPED)
                changes.cancel([stop.job_id for stop in stops if not stop.force], _STOPPED, started=False)
        self._look_after(urgent=bool(ready or stops))
        return events + self._news()

    def _give(self, ready: Sequence[Ready]) -> list[Event]:
        """Hand over the attempts that the engine does not have yet; those without a command end here."""
        void = {item.seq: how for item in ready if (how := nothing_to_run(item, self._runtime, self._entrypoints))}
        ready = [item for item in ready if item.seq not in void]
        there = {detail.job_id: detail for detail in self._database.describe([item.id for item in ready])}
        new = [item for item in ready if item.id not in there]
        again = [item for item in ready if item.id in there and _is_next(there[item.id], item.number)]
        if new or again:
            self._insert(new, again)
        self._watched |= {item.id: _Watched(item.seq, item.number, "", bool(several(item))) for item in ready}
        now = int(time.time() * 1000)
        return [Event(seq, Status.FAILED, now, how) for seq, how in void.items()]

    def _insert(self, new: Sequence[Ready], again: Sequence[Ready]) -> None:
        """Each job has a folder of its own, as it has a file system on AWS; an attempt finds it empty."""
        for item in (*new, *again):
            self._folders.make(item.id)
            if several(item):
                tasks.prepare(item, self._folders, self._runtime, self._entrypoints)
        with self._database.changes(time.time()) as changes:
            for item in new:
                context = Context(self._folders.path(item.id), self._environment)
                changes.insert([new_job(item, self._spec(item))], context)
            changes.again([item.id for item in again])

    def _spec(self, item: Ready) -> Spec:
        if several(item):
            return Spec(tasks.command_of(self._folders.path(item.id)))
        return spec_of(item, self._runtime, self._entrypoints)

    def _look_after(self, *, urgent: bool) -> None:
        """See that there is a supervisor while there is something for it to do."""
        now = time.monotonic()
        if urgent or (self._watched and now - self._cared > _CARE):
            see_to_it(self._database)
            self._cared, self._version = now, None

    def _news(self) -> list[Event]:
        if not self._watched or self._version == (version := self._database.version()):
            return []
        self._version = version
        details = self._database.describe(list(self._watched))
        return [event for detail in details for event in self._events(detail)]

    def _events(self, detail: JobDetail) -> list[Event]:
        """What has changed about an attempt since it was last seen."""
        watched = self._watched[detail.job_id]
        attempt = next((item for item in detail.attempts if item.number == watched.number), None)
        over = detail.status in (Status.SUCCEEDED, Status.FAILED)
        if detail.status == watched.status or (attempt is None and not over):
            return []
        self._watched[detail.job_id] = watched._replace(status=detail.status)
        events = []
        if attempt is not None and watched.status != Status.RUNNING and detail.status != Status.STARTING:
            events.append(Event(watched.seq, Status.RUNNING, _milliseconds(attempt.started_at)))
        if over:
            del self._watched[detail.job_id]
            how = how_it_ended(detail, attempt)
            if watched.is_task:
                how = tasks.how_it_ended(self._folders.path(detail.job_id), how)
            if detail.status is Status.SUCCEEDED:
                self._folders.remove(detail.job_id)
            stopped = attempt.stopped_at if attempt else detail.stopped_at
            events.append(Event(watched.seq, detail.status, _milliseconds(stopped), how, attempt is not None))
        elif detail.status is Status.STARTING:
            events.append(Event(watched.seq, Status.STARTING, _milliseconds(detail.started_at)))
        return events


def _is_next(detail: JobDetail, number: int) -> bool:
    """Whether attempt `number` is the one after those that the engine has seen to their end."""
    return detail.status is Status.FAILED and _last(detail.attempts) == number - 1


def _last(attempts: Sequence[Attempt]) -> int:
    return attempts[-1].number if attempts else 0


def _milliseconds(seconds: float | None) -> int:
    return int((time.time() if seconds is None else seconds) * 1000)
