"""The runner of `--instant`: attempts pass through their states without a process, and end as they are told to."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import count
from typing import NamedTuple

from batch_helpers.job import Status
from batch_helpers.serve.clock import Clock
from batch_helpers.serve.jobs.timeouts import timeout_of
from batch_helpers.serve.outcomes import Outcome, Place, first_fitting
from batch_helpers.serve.runners.base import Capacity, Event
from batch_helpers.serve.state.rows import Ready, Stop
from batch_helpers.serve.verdicts import TERMINATED, TIMED_OUT

BATCH = 1000
"""The most attempts that move in one turn, so that requests are answered in between."""


class _Play(NamedTuple):
    """An attempt, as far as this runner has to know it."""

    seq: int
    name: str
    outcome: Outcome
    timeout: float | None


class InstantRunner:
    """Attempts that only seem to run. `outcomes` tells how each ends; without one it succeeds at once."""

    capacity = Capacity()
    writes_logs = False

    def __init__(self, clock: Clock, outcomes: Sequence[Outcome] = ()) -> None:
        self._clock = clock
        self.outcomes = list(outcomes)
        self._stages: dict[Status, deque[_Play]] = {stage: deque() for stage in (Status.RUNNABLE, Status.STARTING)}
        self._running: list[tuple[float, int, _Play]] = []
        self._held: dict[int, tuple[Status, _Play]] = {}
        self._there: dict[int, Status] = {}
        self._order = count()

    @property
    def room(self) -> int:
        return BATCH

    async def turn(self, ready: Sequence[Ready], stops: Sequence[Stop]) -> list[Event]:
        """Move attempts on by one state each, those that have come furthest first."""
        now = self._clock.milliseconds()
        events = [self._stop(now, stop) for stop in stops]
        events += self._end(now)
        events += self._start_running(now)
        events += self._start(now)
        for item in ready:
            self._take(item)
        events += [self._stop(now, stop) for stop in stops]  # of those that have just been taken
        return [event for event in events if event is not None]

    def due_in(self) -> float | None:
        if any(self._stages.values()):
            return 0.0
        return max(0.0, self._running[0][0] - self._clock.seconds()) if self._running else None

    def log(self, job_id: str, attempt: int, container: str) -> str | None:  # noqa: ARG002
        """Nothing runs, so nothing is written: as on AWS, a log stream may never exist."""
        return None

    def forget(self, job_ids: Sequence[str]) -> None:
        """Nothing is left of what never ran."""

    async def close(self) -> None:
        """There is nothing to let go of."""

    def release(self, pattern: str = "*") -> int:
        """Let held attempts go on whose jobs' names match; how many there were. What came later is held as before."""
        freed = [seq for seq, (_, play) in self._held.items() if fnmatchcase(play.name, pattern)]
        for seq in freed:
            stage, play = self._held.pop(seq)
            self._put(stage, play._replace(outcome=_without_hold(play.outcome)))
        return len(freed)

    def _take(self, item: Ready) -> None:
        if item.seq in self._there:
            return
        place = Place(item.queue, item.container)
        outcome = first_fitting(self.outcomes, item.name, item.array_index, item.number, place)
        play = _Play(item.seq, item.name, outcome, timeout_of(item.document))
        self._put(Status(item.status), play)

    def _put(self, stage: Status, play: _Play) -> None:
        """Set an attempt into a state: it goes on from there, or is held there."""
        self._there[play.seq] = stage
        if play.outcome.hold == stage:
            self._held[play.seq] = (stage, play)
        elif stage is Status.RUNNING:
            seconds = play.outcome.seconds if play.timeout is None else min(play.outcome.seconds, play.timeout)
            heapq.heappush(self._running, (self._clock.seconds() + seconds, next(self._order), play))
        else:
            self._stages[stage].append(play)

    def _start(self, now: int) -> list[Event | None]:
        return [self._moved(play, Status.STARTING, now) for play in self._next(Status.RUNNABLE)]

    def _start_running(self, now: int) -> list[Event | None]:
        return [self._moved(play, Status.RUNNING, now) for play in self._next(Status.STARTING)]

    def _next(self, stage: Status) -> list[_Play]:
        waiting = self._stages[stage]
        return [waiting.popleft() for _ in range(min(BATCH, len(waiting)))]

    def _moved(self, play: _Play, status: Status, now: int) -> Event | None:
        if play.seq not in self._there:
            return None
        self._put(status, play)
        return Event(play.seq, status, now)

    def _end(self, now: int) -> list[Event | None]:
        ended: list[Event | None] = []
        while self._running and len(ended) < BATCH and self._running[0][0] <= self._clock.seconds():
            _, _, play = heapq.heappop(self._running)
            if play.seq in self._there:
                ended.append(self._over(play, now))
        return ended

    def _over(self, play: _Play, now: int) -> Event:
        del self._there[play.seq]
        if play.timeout is not None and play.outcome.seconds >= play.timeout:
            return Event(play.seq, Status.FAILED, now, TIMED_OUT)
        failure = play.outcome.failure()
        return Event(play.seq, Status.SUCCEEDED if failure.exit_code == 0 else Status.FAILED, now, failure)

    def _stop(self, now: int, stop: Stop) -> Event | None:
        stage = self._there.get(stop.seq)
        if stage is None or (stage is not Status.RUNNABLE and not stop.force):
            return None
        del self._there[stop.seq]
        self._held.pop(stop.seq, None)
        return Event(stop.seq, Status.FAILED, now, TERMINATED, began=stage is not Status.RUNNABLE)


def _without_hold(outcome: Outcome) -> Outcome:
    return Outcome(**{**outcome.to_json(), "hold": None})
