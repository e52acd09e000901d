"""Budget: a TokenBucket that threads stand in line for."""

from __future__ import annotations

import math
import threading
import time
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from itertools import count

from batch_helpers.budget.bucket import TokenBucket
from batch_helpers.errors import InvalidInput, ServiceError, Throttled

HEAD_START = 5.0
"""Seconds by which submissions go before polls: a poll that has waited for longer goes first."""

_LONGEST_NAP = 1.0

_Ticket = tuple[int, float, int]


class Priority(IntEnum):
    """Who goes first when there is not room for all."""

    CANCEL = 0
    SUBMIT = 1
    POLL = 2


def _is_throttled(error: BaseException) -> bool:
    return isinstance(error, Throttled)


class Budget:
    """At most `rate` requests per second, fewer after throttles; safe to share between threads.

    clock, sleep: how it tells the time and waits, in seconds.

    Raises InvalidInput for a rate that is no positive number.
    """

    def __init__(
        self,
        rate: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._bucket = TokenBucket(checked_rate(rate), clock())
        self._line: list[_Ticket] = []
        self._numbers = count()
        self._lock = threading.Lock()

    @property
    def rate(self) -> float:
        """Requests per second that are admitted now."""
        with self._lock:
            return self._bucket.rate(self._clock())

    def limit(self, rate: float) -> None:
        """Admit another number of requests per second from now on."""
        with self._lock:
            self._bucket.limit(checked_rate(rate), self._clock())

    @contextmanager
    def turn(
        self, priority: Priority = Priority.SUBMIT, slowed_by: Callable[[BaseException], bool] = _is_throttled
    ) -> Iterator[None]:
        """Wait until a request may go; send it within.

        slowed_by: which errors that come out of it slow everybody down; by default Throttled.
        """
        sent = self._wait(priority)
        try:
            yield
        except ServiceError as exc:
            if slowed_by(exc):
                with self._lock:
                    self._bucket.throttle(sent, self._clock())
            raise

    def _wait(self, priority: Priority) -> float:
        ticket = self._enter(priority)
        try:
            while True:
                with self._lock:
                    now = self._clock()
                    delay = self._bucket.take(now, bisect_left(self._line, ticket))
                if delay == 0:
                    return now
                self._sleep(min(delay, _LONGEST_NAP))
        finally:
            with self._lock:
                self._line.remove(ticket)

    def _enter(self, priority: Priority) -> _Ticket:
        with self._lock:
            late = HEAD_START if priority is Priority.POLL else 0.0
            ticket = (int(priority is not Priority.CANCEL), self._clock() + late, next(self._numbers))
            insort(self._line, ticket)
        return ticket


def checked_rate(rate: float) -> float:
    """The rate as it is. Raises InvalidInput when it is no positive number."""
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate < math.inf:
        raise InvalidInput(f"rate={rate!r}: give a positive number of requests per second")
    return rate
