"""The attempts that run at this moment: started, watched, stopped, and settled when nothing of them is left."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from batch_helpers.engines.local import outputs, processes
from batch_helpers.engines.local.attempt import Attempt
from batch_helpers.engines.local.logs import SpareLogs, log_path
from batch_helpers.engines.local.processes import CannotStart, Exit
from batch_helpers.engines.local.verdict import TIMED_OUT

GRACE = 2.0
"""Seconds between the request to end (SIGTERM) and the end (SIGKILL)."""

_RECORD_AFTER = 0.02
_LINGER = 5.0
_LINGER_STEP = 0.002
_CLEANING = 30.0
_OUR_LOG = 2

Spawn = Callable[[list[str], Mapping[str, str], str, int], int]


class Crew:
    """The attempts of one supervisor. `spawn` starts a process, see processes.spawn."""

    def __init__(self, directory: str, spawn: Spawn = processes.spawn) -> None:
        self._directory, self._spawn = directory, spawn
        self._running: dict[int, Attempt] = {}
        self._ended: list[Attempt] = []
        self._cleaners: set[int] = set()
        self._logs = SpareLogs()

    def __len__(self) -> int:
        return len(self._running) + len(self._ended)

    def start(self, attempt: Attempt) -> None:
        """Start an attempt; one that cannot be started has ended with its reason, in its log too."""
        try:
            log = self._logs.open(self._log(attempt))
        except OSError as exc:
            self._not_started(attempt, CannotStart(f"its log cannot be written: {exc.strerror}"))
            return
        try:
            self._start(attempt, log)
        except CannotStart as exc:
            with suppress(OSError):
                os.write(log, f"{exc}\n".encode(errors="replace"))
            self._not_started(attempt, exc)
        finally:
            os.close(log)

    def reap(self) -> bool:
        """Take note of the processes that have ended; whether there were any."""
        ended = list(processes.reap())
        for item in ended:
            attempt = self._running.pop(item.pid, None)
            if attempt is None:
                self._cleaners.discard(item.pid)
            else:
                self._left(attempt, item)
        return bool(ended)

    def stop(self, reasons: Mapping[int, str]) -> None:
        """Ask the attempts of these jobs, by seq, to end, and see that they do."""
        for attempt in self._running.values():
            if attempt.ready.seq in reasons and not attempt.stopping:
                self._stop(attempt, reasons[attempt.ready.seq])

    def enforce(self) -> None:
        """End the attempts whose time is over, and those that were asked to end and did not."""
        now = time.monotonic()
        for attempt in self._running.values():
            if attempt.kill_at is not None:
                if now >= attempt.kill_at:
                    attempt.kill_at = now + 1
                    processes.kill_group(attempt.pid, signal.SIGKILL)
            elif attempt.deadline is not None and now >= attempt.deadline:
                self._stop(attempt, TIMED_OUT)

    def settled(self) -> list[Attempt]:
        """The attempts of which nothing runs any more, each handed out once."""
        done = [attempt for attempt in self._ended if not self._lingers(attempt)]
        if done:
            self._ended = [attempt for attempt in self._ended if attempt not in done]
        for attempt in done:
            self._logs.done(self._log(attempt))
        return done

    def unrecorded(self) -> list[Attempt]:
        """Those that have run for a moment and stand as STARTING; short ones need no record of their own."""
        before = time.monotonic() - _RECORD_AFTER
        return [item for item in self._running.values() if not item.recorded and item.began <= before]

    def patience(self) -> float:
        """Seconds until something must be done here even if no process ends."""
        if self._ended:
            return _LINGER_STEP
        now = time.monotonic()
        return min((self._next(attempt, now) for attempt in self._running.values()), default=60.0)

    def abandon(self) -> None:
        """Kill everything and remove the outputs of all that ran."""
        for pid in self._running:
            processes.kill_group(pid, signal.SIGKILL)
        while self:
            self.reap()
            for attempt in self.settled():
                outputs.discard(attempt.spec.outputs)
            time.sleep(_LINGER_STEP)

    def _start(self, attempt: Attempt, log: int) -> None:
        if problem := outputs.prepare(attempt.spec.outputs):
            raise CannotStart(problem)
        launch = attempt.launch
        attempt.pid = self._spawn(launch.command, launch.environment, launch.directory, log)
        self._running[attempt.pid] = attempt

    def _not_started(self, attempt: Attempt, exc: CannotStart) -> None:
        attempt.problem, attempt.code, attempt.stopped_at = str(exc), exc.code, time.time()
        self._ended.append(attempt)

    def _left(self, attempt: Attempt, item: Exit) -> None:
        """A main process has ended: so must all that it has left behind."""
        attempt.code, attempt.peak_memory, attempt.stopped_at = item.code, item.peak_memory, time.time()
        self._ended.append(attempt)
        now = time.monotonic()
        if processes.kill_group(attempt.pid, signal.SIGKILL):
            attempt.patience = now + _LINGER
        if item.code and attempt.launch.removal:
            attempt.patience = now + _CLEANING
            self._clean(attempt, attempt.launch.removal)

    def _clean(self, attempt: Attempt, removal: list[str]) -> None:
        """Remove the container of a client that has ended badly: it may have left it running."""
        with suppress(CannotStart):
            attempt.cleaner = self._spawn(removal, attempt.launch.environment, attempt.launch.directory, _OUR_LOG)
            self._cleaners.add(attempt.cleaner)

    def _stop(self, attempt: Attempt, reason: str) -> None:
        attempt.stopping, attempt.kill_at = reason, time.monotonic() + GRACE
        processes.kill_group(attempt.pid, signal.SIGTERM)

    def _lingers(self, attempt: Attempt) -> bool:
        """Whether there is still something to wait for; the group is only ours as long as somebody is left in it."""
        if attempt.patience <= time.monotonic():
            return False
        return attempt.cleaner in self._cleaners or processes.group_runs(attempt.pid)

    def _next(self, attempt: Attempt, now: float) -> float:
        moments = [attempt.kill_at if attempt.kill_at is not None else attempt.deadline]
        if not attempt.recorded:
            moments.append(attempt.began + _RECORD_AFTER)
        return max(0.0, min(moment for moment in (*moments, now + 60.0) if moment is not None) - now)

    def _log(self, attempt: Attempt) -> str:
        return log_path(self._directory, attempt.ready.id, attempt.number)
