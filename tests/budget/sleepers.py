"""Threads whose time stands still until a test moves it."""

from __future__ import annotations

import threading
from collections.abc import Callable

PATIENCE = 10.0


class Sleepers:
    """A clock, and threads that sleep by it; `advance` moves it in steps, each when all of them sleep or are done."""

    def __init__(self) -> None:
        self.now = 0.0
        self._changed = threading.Condition()
        self._awake = 0
        self._alarms: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        with self._changed:
            self._alarms.append(until)
            self._awake -= 1
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: self.now >= until, PATIENCE)

    def start(self, work: Callable[[], object]) -> None:
        """Run `work` in a thread until it sleeps or ends."""

        def run() -> None:
            try:
                work()
            finally:
                with self._changed:
                    self._awake -= 1
                    self._changed.notify_all()

        self._awake += 1
        threading.Thread(target=run, daemon=True).start()
        self._settle()

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
