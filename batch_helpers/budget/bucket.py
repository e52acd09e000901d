"""TokenBucket: how fast requests may go. Pure: the time is given, in seconds."""

from __future__ import annotations

import math

BURST = 0.2
"""Seconds' worth of requests that may go at once after a pause."""

RECOVERY = 15.0
"""Seconds from standstill to the full rate after throttles."""

SLOWEST = 1.0
"""Requests per second that remain however often the service throttles."""

_ROUNDING = 1e-6


class TokenBucket:
    """Admits `rate` requests per second at most, and fewer for a while after the service has refused one for its rate.

    A throttle halves the rate, or the pace at which requests really went if that was lower; from then on it grows by
    an equal amount each second (additive increase, multiplicative decrease).
    """

    def __init__(self, rate: float, now: float) -> None:
        self._most, self._least = rate, min(rate, SLOWEST)
        self._lowered, self._since = rate, now
        self._throttled = -math.inf
        self._tokens, self._filled = self._burst, now
        self._pace, self._paced = 0.0, now

    def rate(self, now: float) -> float:
        """Requests per second that are admitted at this time."""
        return min(self._most, self._lowered + self._most * max(0.0, now - self._since) / RECOVERY)

    def limit(self, rate: float, now: float) -> None:
        """Admit another number of requests per second from now on."""
        self._fill(now)
        slowed = self.rate(now) < self._most
        self._lowered, self._since = min(self.rate(now), rate) if slowed else rate, now
        self._most, self._least = rate, min(rate, SLOWEST)

    def take(self, now: float, before: int = 0) -> float:
        """Admit one request and return 0, or return the seconds until it can be admitted.

        before: how many others are waiting that go first; tokens are left for them.
        """
        self._fill(now)
        missing = before + 1 - self._tokens
        if missing > _ROUNDING:
            return missing / self.rate(now)
        self._tokens -= 1
        self._pace, self._paced = self._pace_at(now) + 1, now
        return 0.0

    def throttle(self, sent: float, now: float) -> None:
        """A request that was admitted at `sent` was refused for its rate: halve, once for all that were in flight."""
        if sent <= self._throttled:
            return
        self._fill(now)
        lowered = min(self.rate(now), self._pace_at(now)) / 2
        self._lowered, self._since, self._throttled = max(self._least, lowered), now, now
        self._tokens = min(self._tokens, 0.0)

    @property
    def _burst(self) -> float:
        return max(1.0, self._most * BURST)

    def _fill(self, now: float) -> None:
        elapsed = max(0.0, now - self._filled)
        mean = (self.rate(self._filled) + self.rate(now)) / 2
        self._tokens = min(self._burst, self._tokens + mean * elapsed)
        self._filled = max(now, self._filled)

    def _pace_at(self, now: float) -> float:
        """Requests in about the last second; older ones fade."""
        return self._pace * math.exp(self._paced - max(now, self._paced))
