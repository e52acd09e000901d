"""Where snapshots are shown: redrawn in place on a terminal, one table per change in a pipe or a log."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from batch_helpers.diagnose import failure_lines
from batch_helpers.dwelling import waiting_lines
from batch_helpers.errors import ServiceError
from batch_helpers.job import JobDetail
from batch_helpers.monitor import Snapshot
from batch_helpers.plan import Plan
from batch_helpers.report import (
    MOST_GROUPS,
    detached_line,
    dry_run_line,
    failure_text,
    progress_line,
    snapshot_table,
    summary_line,
)

if TYPE_CHECKING:
    from rich.live import Live

LOG_LINES = 5
MOST_FAILURES = 10


class Display:
    """Shows snapshots on a stream. `logs` reads a job's log, for those that failed."""

    def __init__(
        self,
        stream: TextIO,
        interval: float,
        logs: Callable[[str], Iterator[str]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream, self._live = stream, _live(stream)
        self._interval, self._logs, self._clock = interval, logs, clock
        self._shown = ""
        self._next, self._pending = 0.0, False
        self._began = clock()
        self._held_since: float | None = None

    def __enter__(self) -> Display:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        if self._live:
            self._live.stop()

    def show(self, snapshot: Snapshot) -> None:
        """Show the picture: at once on a terminal; elsewhere when it has changed, and not too often."""
        if self._live:
            from batch_helpers.screen import Screen

            self._live.update(Screen(snapshot, self._waiting(snapshot)), refresh=True)
            return
        self._pending = self._clock() < self._next
        if not self._pending:
            self._print_changed(snapshot)

    @property
    def due(self) -> float:
        """Seconds until a picture that came too early is to be shown; infinite when none did."""
        return max(0.05, self._next - self._clock()) if self._pending else float("inf")

    def plan(self, plan: Plan) -> None:
        """Show what a dry run has found."""
        self._print(f"{plan}\n")
        self._print(dry_run_line(plan.counts))

    def finish(self, snapshot: Snapshot) -> None:
        """Show the last picture, the failures, and what became of it all."""
        if self._live:
            self._live.stop()
        if snapshot.jobs or snapshot.held or snapshot.skipped:
            self._print_changed(snapshot)
        self._show_failures(snapshot)
        if snapshot.paused:
            self._print(snapshot.paused)
        self._print(summary_line(snapshot))
        if snapshot.detached:
            self._print(detached_line(snapshot))

    def _print_changed(self, snapshot: Snapshot) -> None:
        table = snapshot_table(snapshot)
        if table == self._shown and not snapshot.warning:
            return
        self._shown = table
        now = self._clock()
        self._next = now + min(self._interval, 1 + (now - self._began) / 20)
        if snapshot.jobs or snapshot.held:
            stamp = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")
            self._print(f"{stamp}  {progress_line(snapshot)}")
        if snapshot.warning:
            self._print(f"warning: {snapshot.warning}")
        failures = failure_lines(snapshot.failures, MOST_GROUPS) if snapshot.active else []
        self._print("\n".join([table, *failures, *self._waiting(snapshot), ""]))

    def _waiting(self, snapshot: Snapshot) -> list[str]:
        now = time.time()
        self._held_since = (self._held_since or now) if snapshot.held else None
        return waiting_lines(snapshot, now, self._held_since)

    def _show_failures(self, snapshot: Snapshot) -> None:
        failed = snapshot.failed
        for detail in failed[:MOST_FAILURES]:
            self._print(failure_text(detail, self._tail(detail)))
        if len(failed) > MOST_FAILURES:
            self._print(f"… and {len(failed) - MOST_FAILURES} more failed jobs; all {len(failed)} by cause:")
            self._print("\n".join(failure_lines(snapshot.failures)))

    def _tail(self, detail: JobDetail) -> list[str]:
        try:
            return list(deque(self._logs(detail.job_id), maxlen=LOG_LINES))
        except ServiceError as exc:
            return [f"(no log: {exc})"]

    def _print(self, text: str) -> None:
        encoding = self._stream.encoding or "utf-8"
        text = text.encode(encoding, "replace").decode(encoding)
        if self._live:
            from rich.text import Text

            self._live.console.print(Text(text))
        else:
            print(text, file=self._stream, flush=True)


def _live(stream: TextIO) -> Live | None:
    """What redraws on a terminal; a pipe or a log needs none of it, nor to wait for its import."""
    if not stream.isatty():
        return None
    from rich.console import Console
    from rich.live import Live

    console = Console(file=stream, highlight=False, soft_wrap=True)
    if not console.is_terminal or console.is_dumb_terminal:
        return None
    return Live(console=console, auto_refresh=False, transient=True)
