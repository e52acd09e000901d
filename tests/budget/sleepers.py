"""Threads whose time stands still until a test moves it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

PATIENCE = 10.0


class _Over(Exception):
    """Ends a thread that still sleeps when its test has ended."""


class Sleepers:
    """A clock, and threads that sleep by it; `advance` moves it in steps, each when all of them sleep or are done."""

    def __init__(self) -> None:
        self.now = 0.0
        self._changed = threading.Condition()
        self._awake = 0
        self._alarms: list[float] = []
        self._threads: list[threading.Thread] = []
        self._over = False

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        with self._changed:
            self._alarms.append(until)
            self._awake -= 1
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: self._over or self.now >= until, PATIENCE)
        if self._over:
            raise _Over

    def start(self, work: Callable[[], object]) -> None:
        """Run `work` in a thread until it sleeps or ends."""

        def run() -> None:
            try:
                with suppress(_Over):
                    work()
            finally:
                with self._changed:
                    self._awake -= 1
                    self._changed.notify_all()

        self._awake += 1
        self._threads.append(threading.Thread(target=run, daemon=True))
        self._threads[-1].start()
        self._settle()

    def close(self) -> None:
        """End the threads that still sleep."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def advance(self, seconds: float, step: float = 0.05) -> None:
        for _ in range(round(seconds / step)):
            with self._changed:
                self.now += step
                self._awake += sum(alarm <= self.now for alarm in self._alarms)
                self._alarms = [alarm for alarm in self._alarms if alarm > self.now]
                self._changed.notify_all()
            self._settle()

    def _settle(self) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._awake == 0, PATIENCE)
