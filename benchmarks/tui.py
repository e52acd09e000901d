"""From a key to the screen, with 100,000 jobs in the terminal application.

    python -m benchmarks.tui [jobs]

The time from the key's arrival until the last row that it changes has been drawn; the first use of an order sorts.
"""

from __future__ import annotations

import asyncio
import sys
import time
from statistics import median

from textual.strip import Strip

from batch_helpers.events import RunRecord
from batch_helpers.tui.app import Interactive
from batch_helpers.tui.rows import View
from batch_helpers.tui.sources import Source
from batch_helpers.tui.table import JobTable
from tests.html.synthetic import run

JOBS, BAR = 100_000, 100
KEYS = ("down", "pagedown", "end", "home", "f", "f", "f", "f", "f", "slash", "s", "9", "9", "escape", "o", "o", "o")


class Fixed(Source):
    """A run that does not change."""

    def __init__(self, record: RunRecord) -> None:
        super().__init__(queue="benchmark")
        self._record = record

    def refresh(self) -> RunRecord:
        return self._record


def main() -> None:
    """Print each key's time, the median of three rounds, beside the bar."""
    given = sys.argv[1:] if sys.argv[0].endswith("tui.py") else []
    record = run(int(given[0]) if given else JOBS, active=0.2)
    rounds = asyncio.run(_rounds(record, 3))
    for place, key in enumerate(KEYS):
        times = [found[place] for found in rounds]
        print(f"{key:<10} {median(times):6.0f} ms (worst {max(times):4.0f} ms, bar {BAR} ms)")


async def _rounds(record: RunRecord, number: int) -> list[list[float]]:
    app = Interactive([Fixed(record)], interval=1000)
    drawn = _watch_drawing()
    async with app.run_test(size=(140, 50)) as pilot:
        while app.aside.busy or not app.query_one(JobTable).entries:
            await pilot.pause(0.02)
        found = []
        for _ in range(number):
            times = []
            app.view = View()
            for key in KEYS:
                drawn[0] = began = time.perf_counter()
                await pilot.press(key)
                while app.aside.busy:
                    await pilot.pause(0.001)
                await pilot.pause(0.05)
                times.append(1000 * (drawn[0] - began))
            found.append(times)
        return found


def _watch_drawing() -> list[float]:
    last = [0.0]
    draw = JobTable.render_line

    def render_line(self: JobTable, y: int) -> Strip:
        strip = draw(self, y)
        last[0] = time.perf_counter()
        return strip

    JobTable.render_line = render_line  # type: ignore[method-assign]
    return last


if __name__ == "__main__":
    main()
