"""The time, as far as an endpoint is concerned."""

from __future__ import annotations

import time
from collections.abc import Callable


class Clock:
    """The time in seconds since the epoch. Tests move it forward instead of waiting."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now, self._ahead = now, 0.0

    def seconds(self) -> float:
        return self._now() + self._ahead

    def milliseconds(self) -> int:
        return int(self.seconds() * 1000)

    def advance(self, seconds: float) -> None:
        """Let time pass at once."""
        self._ahead += seconds
