"""The scheduler: moves jobs on from one state to the next, and tells the runner what to start and stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from batch_helpers.errors import ServiceError
from batch_helpers.job import Status
from batch_helpers.serve.api.lookups import environments_of
from batch_helpers.serve.arns import QUEUE
from batch_helpers.serve.jobs.logs import place_of, task_of
from batch_helpers.serve.runners.base import Event
from batch_helpers.serve.scheduling.arrays import spawn
from batch_helpers.serve.scheduling.endings import ending
from batch_helpers.serve.scheduling.placement import obstacle
from batch_helpers.serve.scheduling.retention import Retention
from batch_helpers.serve.scheduling.timelimits import TimeLimits
from batch_helpers.serve.service import Service
from batch_helpers.serve.state.rows import Ready, Stop, Stream

_log = logging.getLogger(__name__)

_ADMITTED = 1000
_PATIENCE = 5.0
_ENDED = (Status.SUCCEEDED, Status.FAILED)


class Scheduler:
    """Runs in the endpoint's own thread, between its requests. What a turn has done is committed before the next."""

    def __init__(self, service: Service, retention: Retention) -> None:
        self._service, self._retention = service, retention
        self._moves = service.database.moves
        self._limits = TimeLimits(service)
        self._awake = asyncio.Event()
        service.wishes.wake = self._awake.set

    async def run(self) -> None:
        """Go on where the last life of this endpoint left off, and never end."""
        await self._resume()
        while True:
            self._awake.clear()
            try:
                busy = await self.turn()
            except ServiceError as exc:
                _log.error("jobs do not move on, and are tried again in %g s: %s", _PATIENCE, exc)
                await self._recover()
                continue
            if not busy:
                await self._rest()
            await asyncio.sleep(0)

    async def turn(self) -> bool:
        """Move on what can be moved on; whether there was anything."""
        admitted = self._admit()
        ready = self._ready()
        stops = list(self._service.wishes.stops)
        events = await self._service.runner.turn(ready, stops)
        del self._service.wishes.stops[: len(stops)]
        self._apply(events)
        self._limits.enforce()
        forgotten = self._retention.sweep(self._service.clock.seconds())
        return bool(admitted or ready or events or forgotten)

    async def _rest(self) -> None:
        due = self._service.runner.due_in()
        try:
            await asyncio.wait_for(self._awake.wait(), _PATIENCE if due is None else min(due, _PATIENCE))
        except TimeoutError:
            return

    async def _recover(self) -> None:
        """After a failure nobody knows which attempts the runner has, so it is offered them all again."""
        await asyncio.sleep(_PATIENCE)
        with suppress(ServiceError), self._service.database.transaction():
            self._moves.disown()

    async def _resume(self) -> None:
        """Hand the attempts that were under way back to the runner, and end those of which that was wanted."""
        now = self._service.clock.milliseconds()
        with self._service.database.transaction():
            self._moves.disown()
            for seq, job_id, status, reason in self._moves.unfulfilled():
                self._service.wishes.stops.append(Stop(seq, job_id, force=True))
                if status == Status.RUNNABLE:
                    self._moves.fail(seq, reason, now)
        after = 0
        while batch := self._service.database.jobs.under_way(after, _ADMITTED):
            after = batch[-1].seq
            self._apply(await self._service.runner.turn(batch, ()))

    def _admit(self) -> int:
        """From SUBMITTED to PENDING or RUNNABLE, or to FAILED where that was clear from the start."""
        rows = self._moves.submitted(_ADMITTED)
        if not rows:
            return 0
        now = self._service.clock.milliseconds()
        with self._service.database.transaction():
            for seq, doom, _, _ in rows:
                if doom is not None:
                    self._moves.fail(seq, doom, now)
            plain = [(seq, waiting) for seq, doom, waiting, size in rows if doom is None and size is None]
            self._moves.admit([seq for seq, waiting in plain if waiting], Status.PENDING)
            self._moves.admit([seq for seq, waiting in plain if not waiting], Status.RUNNABLE)
            for seq, doom, waiting, size in rows:
                if doom is None and size is not None:
                    spawn(self._service, seq, size, waiting, now)
        return len(rows)

    def _ready(self) -> list[Ready]:
        """The attempts that the runner is given now: queues of higher priority first, each in order of submission."""
        room = self._service.runner.room
        queues = self._service.database.resources.all(QUEUE)
        ready: list[Ready] = []
        for queue in sorted(queues, key=lambda item: -int(item.document["priority"])):
            if len(ready) < room:
                waiting = self._service.database.jobs.ready(queue.name, room - len(ready))
                ready += self._placed(waiting, [item.document for item in environments_of(self._service, queue)])
        return ready

    def _placed(self, waiting: Sequence[Ready], environments: Sequence[dict[str, object]]) -> list[Ready]:
        """Those of these jobs of one queue that can start; the others are told why they cannot."""
        if not waiting:
            return []
        why = partial(obstacle, environments=environments, capacity=self._service.runner.capacity)
        obstacles = {item.seq: why(item.container) for item in waiting}
        with self._service.database.transaction():
            self._moves.mark([seq for seq, problem in obstacles.items() if problem is None])
            for seq, problem in obstacles.items():
                if problem is not None:
                    self._moves.mark([seq], stuck=True, reason=problem)
        return [item for item in waiting if obstacles[item.seq] is None]

    def _apply(self, events: Sequence[Event]) -> None:
        if not events:
            return
        database = self._service.database
        with database.transaction():
            self._moves.starting([event.seq for event in events if event.status is Status.STARTING])
            self._run([event for event in events if event.status is Status.RUNNING])
            ended = [event for event in events if event.status in _ENDED]
            occupants = self._moves.occupants([event.seq for event in ended])
            self._moves.end(
                [ending(self._service.details, occupants[item.seq], item) for item in ended if item.seq in occupants]
            )

    def _run(self, events: Sequence[Event]) -> None:
        rows, streams = [], []
        started = self._service.database.jobs.started([event.seq for event in events])
        for event in events:
            if item := started.get(event.seq):
                task = task_of(item.id, item.number)
                rows.append((event.at, place_of(item.definition, item.container, task).stream, event.seq))
                places = (place_of(item.definition, container, task) for container in item.containers)
                streams += [Stream(*place, item.id, item.number, event.at) for place in places]
        self._moves.running(rows)
        if self._service.runner.writes_logs:
            self._service.database.streams.add(streams)
