"""The supervisor's loop: what has ended is recorded, what may start is started, and then it waits to be woken."""

from __future__ import annotations

import time

from batch_helpers.engines.local.attempt import Attempt
from batch_helpers.engines.local.crew import Crew
from batch_helpers.engines.local.database import Database
from batch_helpers.engines.local.launch import launch, read_spec
from batch_helpers.engines.local.processes import Alarm, created_at
from batch_helpers.engines.local.room import Need
from batch_helpers.engines.local.rows import Context, Outcome, Ready, Running
from batch_helpers.engines.local.scheduler import Scheduler

_QUICK, _SLOW = 0.01, 0.1


class Shift:
    """Turns of the loop over one database, with one crew."""

    def __init__(self, database: Database, crew: Crew, alarm: Alarm) -> None:
        self._database, self._crew, self._alarm = database, crew, alarm
        self._scheduler = Scheduler(database)
        self._contexts: dict[int, Context] = {}
        self._outcomes: list[Outcome] = []
        self._version = -1
        self._nap = _QUICK

    @property
    def idle(self) -> bool:
        """Whether nothing runs, nothing waits for room, and everything is recorded."""
        return not self._crew and not self._outcomes and self._scheduler.empty

    def turn(self) -> None:
        """Do all that can be done now. ServiceError: nothing was started, and the next turn tries again."""
        if self._crew.reap():
            self._nap = _QUICK
        self._look()
        self._crew.enforce()
        for attempt in self._crew.settled():
            self._scheduler.room.give_back(attempt.need)
            self._outcomes.append(attempt.outcome())
        fresh = self._crew.unrecorded()
        if self._outcomes or fresh or self._scheduler.can_admit():
            for attempt in self._record(fresh):
                self._crew.start(attempt)

    def pause(self) -> None:
        """Wait until a process ends, somebody submits or cancels, or a time is over."""
        if self._scheduler.can_admit():
            return
        self._alarm.wait(min(self._nap, self._crew.patience()))
        self._nap = min(self._nap * 1.5, _SLOW)

    def _look(self) -> None:
        """See what others have written since the last turn."""
        version = self._database.version()
        if version != self._version:
            self._scheduler.refresh()
            self._crew.stop(self._database.cancelled())
            self._version, self._nap = version, _QUICK

    def _record(self, fresh: list[Attempt]) -> list[Attempt]:
        """Write what has happened and what is about to, in one transaction; returns what is to be started."""
        admitted: list[tuple[Ready, Need]] = []
        try:
            with self._database.changes(time.time()) as changes:
                changes.end(self._outcomes)
                changes.running([Running(item.ready.seq, item.pid, created_at(item.pid)) for item in fresh])
                if changes.promoted:
                    self._scheduler.refresh()
                admitted = self._scheduler.admit()
                attempts = [self._attempt(ready, need) for ready, need in admitted]
                started = changes.start(ready.seq for ready, _ in admitted)
        except BaseException:
            self._forget([need for _, need in admitted])
            raise
        self._outcomes.clear()
        for attempt in fresh:
            attempt.recorded = True
        self._forget([need for ready, need in admitted if ready.seq not in started])
        return [attempt for attempt in attempts if attempt.ready.seq in started]

    def _forget(self, needs: list[Need]) -> None:
        """Give back the room of jobs that were not started after all."""
        for need in needs:
            self._scheduler.room.give_back(need)
        if needs:
            self._scheduler.refresh()

    def _attempt(self, ready: Ready, need: Need) -> Attempt:
        spec, number = read_spec(ready.spec), ready.attempt + 1
        if ready.context not in self._contexts:
            self._contexts[ready.context] = self._database.context(ready.context)
        started = launch(ready, number, spec, self._contexts[ready.context], need)
        return Attempt(ready, spec, started, need, started_at=time.time(), began=time.monotonic())
