"""The application: a table of jobs, and what can be done with them."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import Footer, Input, Static

from batch_helpers.diagnose import failure_lines
from batch_helpers.errors import BatchHelpersError
from batch_helpers.events import Entry, RunRecord
from batch_helpers.job import Status
from batch_helpers.report import progress_line, snapshot_table, summary_line
from batch_helpers.tui.aside import Aside
from batch_helpers.tui.rows import FILTERS, ORDERS, Rows, View, following
from batch_helpers.tui.screens import Choice, JobScreen, Question, WorkflowScreen
from batch_helpers.tui.sources import Source
from batch_helpers.tui.stages import stages
from batch_helpers.tui.table import TITLES, JobTable, fitted
from batch_helpers.words import printable

_MOST_FAILURES = 4
_LOWER, _LOW = 16, 24
_MANY = 10_000
"""Jobs from which the collector is told to leave alone what is there: its rounds over them would stop the screen."""

_ON_TABLE = ("search", "next_filter", "next_order", "workflow", "retry_all", "switch", "clear", "quit")
_ON_JOB = ("cancel_one", "retry_one")


class Interactive(App[None]):
    """Shows runs and queues. sources: what there is to choose from. interval: seconds between looks for news."""

    CSS_PATH = "app.tcss"
    TITLE = "batch-helpers"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "quit"),
        Binding("slash", "search", "search", key_display="/"),
        Binding("f", "next_filter", "filter"),
        Binding("o", "next_order", "order"),
        Binding("w", "workflow", "workflow"),
        Binding("c", "cancel_one", "cancel"),
        Binding("r", "retry_one", "retry"),
        Binding("R", "retry_all", "retry all failed", show=False),
        Binding("u", "look", "refresh", show=False),
        Binding("s", "switch", "runs", show=False),
        Binding("escape", "clear", "clear", show=False),
    ]

    def __init__(
        self, sources: Sequence[Source], *, interval: float = 5.0, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__()
        self._sources, self._interval, self._clock = list(sources), interval, clock
        self.source = self._sources[0]
        self.view = View()
        self.aside = Aside(self)
        self._all_rows: dict[Source, Rows] = {}
        self._looking: Source | None = None
        self._said = ""
        self._seen: tuple[Rows, View] | None = None

    def compose(self) -> ComposeResult:
        yield Static("", id="state")
        yield Static("", id="stages-table")
        yield Static("", id="went-wrong")
        with Horizontal(id="above"):
            yield Input(placeholder="/ search: part of a name or jobId", id="search")
            yield Static("", id="view")
        yield Static("", id="titles")
        yield JobTable(id="jobs")
        yield Footer()

    @property
    def _main(self) -> Screen[Any]:
        """The screen with the table, whatever lies over it."""
        return self.screen_stack[0]

    def on_mount(self) -> None:
        self._main.query_one(JobTable).focus()
        self.set_interval(self._interval, self.action_look)
        if len(self._sources) > 1:
            self.action_switch()
        else:
            self.action_look()

    def on_resize(self, event: Resize) -> None:
        """On a low terminal the table comes first."""
        for panel, least in (("#stages-table", _LOW), ("#went-wrong", _LOWER)):
            self._main.query_one(panel).display = event.size.height >= least
        titles = "".join(fitted(TITLES, event.size.width))
        self._main.query_one("#titles", Static).update(Text(titles))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """What is done to the table is not done while another screen lies over it."""
        if action in _ON_TABLE:
            return self.screen is self._main
        if action in _ON_JOB:
            return self.screen is self._main or isinstance(self.screen, JobScreen)
        return True

    def now(self) -> float:
        """The moment that is shown: this one, or the last that a record without an engine tells of."""
        latest = self._rows.record.latest
        return self._clock() if self.source.live or latest is None else latest

    def action_look(self) -> None:
        """Ask for news: the screen never waits for the network, nor does a second question for a first."""
        if self._looking is self.source:
            return
        source = self._looking = self.source
        self.aside.run(lambda: self._news(source), lambda news: self._take(source, news))

    def _news(self, source: Source) -> RunRecord | str:
        try:
            record = source.refresh()
        except BatchHelpersError as exc:
            return str(exc)
        self._rows_of(source).take(record)
        if len(record.entries) > _MANY:
            gc.freeze()
        return record

    def _take(self, source: Source, record: RunRecord | str) -> None:
        self._looking = None
        if source is not self.source:
            return
        if isinstance(record, str):
            self._say(record)
            return
        snapshot = record.snapshot
        self._main.query_one("#stages-table", Static).update(Text(printable_lines(snapshot_table(snapshot))))
        wrong = failure_lines(record.failures, _MOST_FAILURES)
        self._main.query_one("#went-wrong", Static).update(Text("\n".join(wrong)))
        self._said = "; ".join(record.warnings)
        for screen in self.screen_stack:
            if isinstance(screen, JobScreen):
                screen.renew(record)
        self._show()

    def _show(self) -> None:
        rows, view = self._rows, self.view
        self.aside.run(lambda: rows.chosen(view), lambda entries: self._shown(rows, view, entries))

    def _shown(self, rows: Rows, view: View, entries: Sequence[Entry]) -> None:
        if rows is self._rows and view == self.view:
            self._main.query_one(JobTable).show(entries, keep=(rows, view) == self._seen, now=self.now())
            self._seen = (rows, view)
            self.aside.run(lambda: rows.prepare(view.order), lambda nothing: None)  # noqa: ARG005
            self._show_state(len(entries))

    def _show_state(self, shown: int) -> None:
        record, view = self._rows.record, self.view
        active = record.snapshot.active
        told = [
            printable(self.source.name),
            progress_line(record.snapshot) if active else summary_line(record.snapshot),
            printable(self._said),
        ]
        self._main.query_one("#state", Static).update(Text(" · ".join(filter(None, told))))
        stage = f", stage {printable(view.stage)}" if view.stage else ""
        self._main.query_one("#view", Static).update(Text(f"{shown:,} shown: {view.filter}, {view.order}{stage}"))

    def _say(self, text: str) -> None:
        self._said = text
        self._show_state(len(self._main.query_one(JobTable).entries))

    def action_search(self) -> None:
        self._main.query_one("#search", Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.value != self.view.text:
            self.view = replace(self.view, text=event.value)
            self._show()

    def on_input_submitted(self) -> None:
        self._main.query_one(JobTable).focus()

    def action_clear(self) -> None:
        """Show everything again."""
        self.view = View(order=self.view.order)
        self._main.query_one("#search", Input).value = ""
        self._main.query_one(JobTable).focus()
        self._show()

    def action_next_filter(self) -> None:
        self.view = replace(self.view, filter=following(self.view.filter, list(FILTERS)))
        self._show()

    def action_next_order(self) -> None:
        self.view = replace(self.view, order=following(self.view.order, list(ORDERS)))
        self._show()

    def action_exit_now(self) -> None:
        """Leave, whichever screen is open."""
        self.exit()

    def action_workflow(self) -> None:
        record = self._rows.record
        self.push_screen(WorkflowScreen(stages(record), dict(record.skipped)), self._choose_stage)

    def _choose_stage(self, stage: str | None) -> None:
        if stage is not None:
            self.view = replace(self.view, stage=stage)
            self._show()

    def action_switch(self) -> None:
        self.push_screen(Choice([source.name for source in self._sources]), self._use)

    def _use(self, place: int | None) -> None:
        if place is not None:
            self.source = self._sources[place]
            self.action_look()

    def on_job_table_chosen(self, event: JobTable.Chosen) -> None:
        self.push_screen(JobScreen(event.entry, self._rows.record, self.source, self._interval, self.aside, self.now))

    def action_cancel_one(self) -> None:
        entry = self._current()
        if entry is not None and entry.status.active:
            self._ask(f"Cancel {printable(entry.name)}?", lambda: self.source.cancel([entry.job_id]))

    def action_retry_one(self) -> None:
        entry = self._current()
        if entry is not None and entry.status is Status.FAILED:
            self._ask(f"Submit {printable(entry.name)} again?", lambda: self.source.retry([entry.job_id]))

    def action_retry_all(self) -> None:
        failed = [entry.job_id for entry in self._rows.record if entry.status is Status.FAILED]
        if failed:
            self._ask(f"Submit all {len(failed):,} failed jobs again?", lambda: self.source.retry(failed))

    @property
    def _rows(self) -> Rows:
        return self._rows_of(self.source)

    def _rows_of(self, source: Source) -> Rows:
        return self._all_rows.setdefault(source, Rows())

    def _current(self) -> Entry | None:
        screen = self.screen
        return screen.entry if isinstance(screen, JobScreen) else self._main.query_one(JobTable).current

    def _ask(self, question: str, action: Callable[[], str]) -> None:
        def answered(yes: bool | None) -> None:
            if yes:
                self._act(action)

        self.push_screen(Question(question), answered)

    def _act(self, action: Callable[[], str]) -> None:
        self.aside.run(lambda: _told(action), self._acted)

    def _acted(self, told: str) -> None:
        self.notify(printable(told), markup=False)
        self.action_look()


def _told(action: Callable[[], str]) -> str:
    try:
        return action()
    except BatchHelpersError as exc:
        return str(exc)


def printable_lines(text: str) -> str:
    """A table of somebody else's words, line by line."""
    return "\n".join(map(printable, text.splitlines()))
