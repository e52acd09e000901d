"""The screens beside the table: one job, the workflow, a question."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Footer, OptionList, RichLog, Static
from textual.widgets.option_list import Option

from batch_helpers.errors import BatchHelpersError
from batch_helpers.events import Entry, RunRecord
from batch_helpers.tui.aside import Aside
from batch_helpers.tui.rows import attempts, facts
from batch_helpers.tui.sources import Source
from batch_helpers.tui.stages import Stage, neighbours, stage_lines
from batch_helpers.words import printable

MOST_LINES = 2000
LONGEST_LINE = 2000
_NEIGHBOURS = 8


class JobScreen(Screen[None]):
    """One job: everything that is known of it, and its log as it grows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "back"),
        Binding("left_square_bracket", "attempt(-1)", "earlier attempt"),
        Binding("right_square_bracket", "attempt(1)", "later attempt"),
    ]

    def __init__(
        self,
        entry: Entry,
        record: RunRecord,
        source: Source,
        interval: float,
        aside: Aside,
        now: Callable[[], float],
    ) -> None:
        super().__init__()
        self._aside, self._now = aside, now
        self._reading: tuple[str, int | None] | None = None
        self.entry, self._record, self._source, self._interval = entry, record, source, interval
        self._attempt: int | None = None
        self._lines: tuple[str, ...] | None = None

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="facts"):
            yield Static(self._facts(), id="known")
        yield Static("", id="log-title")
        yield RichLog(id="log", wrap=False, markup=False, highlight=False, max_lines=MOST_LINES)
        yield Footer()

    def on_mount(self) -> None:
        self._read_log()
        self.set_interval(self._interval, self._again)

    def renew(self, record: RunRecord) -> None:
        """There is a newer picture of the run."""
        self._record = record
        self.entry = record.entries.get(self.entry.job_id, self.entry)
        self.query_one("#known", Static).update(self._facts())

    def action_attempt(self, by: int) -> None:
        numbers = [attempt.number for attempt in self.entry.tries]
        if numbers:
            now = self._attempt if self._attempt in numbers else numbers[-1]
            place = max(0, min(len(numbers) - 1, numbers.index(now) + by))
            self._attempt = numbers[place]
            self._lines = None
            self._read_log()

    def _again(self) -> None:
        if self.entry.status.active:
            self._read_log()

    def _read_log(self) -> None:
        job_id, attempt = self.entry.job_id, self._attempt
        if self._reading != (job_id, attempt):
            self._reading = (job_id, attempt)
            self._aside.run(lambda: _read(self._source, job_id, attempt), lambda found: self._show_log(attempt, found))

    def _show_log(self, attempt: int | None, found: tuple[str, tuple[str, ...]]) -> None:
        title, lines = found
        self._reading = None
        if not self.is_attached or attempt != self._attempt or lines == self._lines:
            return
        self.query_one("#log-title", Static).update(Text(title))
        log = self.query_one(RichLog)
        log.clear()
        for text in lines:
            log.write(Text(text))
        self._lines = lines

    def _facts(self) -> Text:
        known = facts(self.entry, self._now())
        before, after = neighbours(self._record, self.entry)
        links = [("waits for", before), ("waited for by", after)]
        known += [(name, _listed(entries)) for name, entries in links if entries]
        known += [("", told) for told in attempts(self.entry)]
        found = Text()
        for name, text in known:
            found.append(f"{name:>14}  ", "dim")
            found.append(text.replace("\n", "\n" + " " * 16) + "\n")
        return found


class WorkflowScreen(Screen["str | None"]):
    """The stages, what each waits for, and how far it is; enter shows the jobs of one."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,w", "dismiss(None)", "back")]

    def __init__(self, found: list[Stage], skipped: dict[str, int]) -> None:
        super().__init__()
        self._stages, self._skipped = found, skipped

    def compose(self) -> ComposeResult:
        options = [Option(Text(told, no_wrap=True)) for told in stage_lines(self._stages, self._skipped)]
        yield OptionList(*options, id="stages")
        yield Footer()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._stages[event.option_index].name)


class Question(ModalScreen[bool]):
    """Yes or no; enter alone says no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss(True)", "yes"),
        Binding("n,escape,enter", "dismiss(False)", "no"),
    ]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        with Vertical(id="question"):
            yield Static(Text(f"{self._question}\n\n[y] yes   [n] no"))


class Choice(Screen[int]):
    """Which run or queue to see."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "app.exit_now", "quit")]

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self._names = names

    def compose(self) -> ComposeResult:
        yield Static("Runs and queues", id="choice-title")
        yield OptionList(*(Option(Text(printable(name), no_wrap=True)) for name in self._names), id="choice")
        yield Footer()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_index)


def tail(source: Source, job_id: str, attempt: int | None, most: int = MOST_LINES) -> tuple[str, ...]:
    """The last lines of a log, harmless and of bearable length."""
    return tuple(_harmless(text) for text in deque(source.logs(job_id, attempt), maxlen=most))


def _read(source: Source, job_id: str, attempt: int | None) -> tuple[str, tuple[str, ...]]:
    """A title and the lines below it."""
    which = "the last attempt" if attempt is None else f"attempt {attempt}"
    try:
        lines = tail(source, job_id, attempt)
    except BatchHelpersError as exc:
        return printable(str(exc)), ()
    return f"log of {which}" if lines else f"log of {which}: nothing yet", lines


def _harmless(text: str) -> str:
    return printable(text[:LONGEST_LINE]) + ("…" if len(text) > LONGEST_LINE else "")


def _listed(entries: list[Entry]) -> str:
    some = [f"{printable(entry.name)} ({entry.status})" for entry in islice(entries, _NEIGHBOURS)]
    more = len(entries) - len(some)
    return ", ".join([*some, f"and {more:,} more"] if more else some)
