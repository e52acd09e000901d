"""A limit on the rate of requests, as the service has one for each account and region."""

from __future__ import annotations

import time
from collections.abc import Callable


class RateLimit:
    """A token bucket: `rate` requests per second, with bursts of as many. `clock` is in seconds."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._clock = rate, clock
        self._tokens, self._filled = max(1.0, rate), clock()

    def admits(self) -> bool:
        """Whether one more request is within the rate; it counts only then."""
        now = self._clock()
        self._tokens = min(max(1.0, self._rate), self._tokens + (now - self._filled) * self._rate)
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
