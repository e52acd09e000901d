"""A table that draws only what is in sight, so that a hundred thousand rows are as quick as ten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from batch_helpers.events import Entry
from batch_helpers.job import Status
from batch_helpers.tui.rows import cells

TITLES = ("status", "stage", "job", "waited", "ran", "why")
_WIDTHS = (10, 14, 0, 12, 12, 18)
"""Cells of each column; what is left goes to the one with 0."""

_NARROW = 72
_COLOURS = {Status.FAILED: "red", Status.SUCCEEDED: "green", Status.RUNNING: "blue", Status.STARTING: "yellow"}


class JobTable(ScrollView, can_focus=True):
    """Entries as rows, with a cursor. Posts Chosen when enter is pressed on one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("home,g", "end(-1)", "first", show=False),
        Binding("end,G", "end(1)", "last", show=False),
        Binding("enter", "choose", "look into", show=True),
    ]

    class Chosen(Message):
        """Somebody wants to look into this job."""

        def __init__(self, entry: Entry) -> None:
            super().__init__()
            self.entry = entry

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._now = 0.0
        self.entries: Sequence[Entry] = ()
        self.cursor = 0

    def show(self, entries: Sequence[Entry], *, keep: bool, now: float) -> None:
        """Use these rows, as they are now. keep: leave the cursor on its job, or on its row when the job has gone."""
        self._now = now
        kept = self.current if keep else None
        self.entries = entries
        self.virtual_size = Size(self.size.width, len(entries))
        place = self.cursor if keep else 0
        if kept is not None and not (place < len(entries) and entries[place].job_id == kept.job_id):
            place = next((n for n, entry in enumerate(entries) if entry.job_id == kept.job_id), place)
        self._place(place)
        self.refresh()

    @property
    def current(self) -> Entry | None:
        """The job under the cursor."""
        return self.entries[self.cursor] if self.cursor < len(self.entries) else None

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        place = y + self.scroll_offset.y
        width = self.size.width
        if place >= len(self.entries):
            return Strip.blank(width, self.rich_style)
        entry = self.entries[place]
        style = self.rich_style
        if place == self.cursor:
            style += Style(reverse=True)
        texts = fitted(cells(entry, self._now), width)
        colour = _COLOURS.get(entry.status)
        first = style + Style(color=colour) if colour else style
        return Strip([Segment(texts[0], first), Segment("".join(texts[1:]), style)]).adjust_cell_length(width, style)

    def action_move(self, by: int) -> None:
        self._move_to(self.cursor + by)

    def action_page(self, by: int) -> None:
        self._move_to(self.cursor + by * max(1, self.size.height - 1))

    def action_end(self, side: int) -> None:
        self._move_to(0 if side < 0 else len(self.entries) - 1)

    def action_choose(self) -> None:
        if self.current is not None:
            self.post_message(self.Chosen(self.current))

    def on_click(self, event: object) -> None:
        y = getattr(event, "y", None)
        if y is not None:
            self._move_to(y + self.scroll_offset.y)

    def on_resize(self) -> None:
        self.virtual_size = Size(self.size.width, len(self.entries))

    def _move_to(self, place: int) -> None:
        before = self.cursor
        self._place(place)
        for row in {before, self.cursor}:
            self.refresh(Region(0, row - self.scroll_offset.y, self.size.width, 1))

    def _place(self, place: int) -> None:
        self.cursor = max(0, min(place, len(self.entries) - 1))
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, force=True)


def fitted(texts: Sequence[str], width: int) -> list[str]:
    """Texts cut and filled to the widths of their columns; on a narrow terminal just the status and the job."""
    if width < _NARROW:
        first = min(_WIDTHS[0], width // 2)
        return [_cell(texts[0], first), _cell(texts[2], width - first)]
    wide = width - sum(_WIDTHS)
    return [_cell(text, size or wide) for text, size in zip(texts, _WIDTHS, strict=True)]


def _cell(text: str, width: int) -> str:
    if width <= 1:
        return " " * max(0, width)
    return set_cell_size(text, width - 1) + " "
