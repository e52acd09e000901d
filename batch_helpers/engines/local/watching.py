"""Waiting for a change of the database without taking the machine from the jobs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_QUICK, _SLOW = 0.01, 0.1
_SHARE, _LONGEST = 19, 1.0


class Waiter:
    """Sleeps in short naps until something has changed.

    Those who look, wait and look again get about a twentieth of a CPU for it: what looking has cost is slept first.
    """

    def __init__(self, sleep: Callable[[float], None], clock: Callable[[], float]) -> None:
        self._sleep, self._clock = sleep, clock
        self._cost = 0.0

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Around each look at the database."""
        began = time.thread_time()
        try:
            yield
        finally:
            self._cost += time.thread_time() - began

    def wait(self, seconds: float, changed: Callable[[], bool]) -> None:
        """Return when `changed` says so, or after `seconds`."""
        until = self._clock() + seconds
        due, self._cost, nap = min(_SHARE * self._cost, _LONGEST), 0.0, _QUICK
        if due > 0:
            self._sleep(min(due, seconds))
        while (left := until - self._clock()) > 0 and not changed():
            self._sleep(min(nap, left))
            nap = min(nap * 1.5, _SLOW)
