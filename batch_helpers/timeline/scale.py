"""From time to columns, and round times to mark."""

from __future__ import annotations

from dataclasses import dataclass

_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
_DAY = 86400


@dataclass(frozen=True, slots=True)
class Scale:
    """begin, end: seconds since the epoch. columns: how many there are between them."""

    begin: float
    end: float
    columns: int

    def place(self, time: float) -> float:
        """The column of a time, from 0 to `columns`; what is outside lies on the edge."""
        share = (time - self.begin) / (self.end - self.begin)
        return self.columns * min(1.0, max(0.0, share))

    def ticks(self, most: int = 8) -> list[tuple[float, str]]:
        """Columns and labels of round times since the beginning, at most `most` of them and the beginning."""
        length = self.end - self.begin
        step = next((step for step in _STEPS if length / step <= most), 0)
        if not step:
            days = length / _DAY / most
            step = int(days + 1) * _DAY
        count = int(length / step) + 1
        return [(self.place(self.begin + number * step), _elapsed(number * step)) for number in range(count)]


def _elapsed(seconds: float) -> str:
    if seconds == 0:
        return "0"
    if seconds % _DAY == 0:
        return f"{seconds / _DAY:g} d"
    if seconds % 3600 == 0:
        return f"{seconds / 3600:g} h"
    if seconds % 60 == 0:
        return f"{seconds / 60:g} min" if seconds < 3600 else f"{int(seconds // 3600)}:{int(seconds % 3600 // 60):02} h"
    return f"{seconds:g} s" if seconds < 60 else f"{int(seconds // 60)}:{int(seconds % 60):02} min"
