"""The picture of a run for a terminal: a line with a bar for each stage, and what a person should look into."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from batch_helpers.diagnose import failure_lines
from batch_helpers.job import Status
from batch_helpers.monitor import Snapshot
from batch_helpers.report import MOST_GROUPS, progress_line
from batch_helpers.words import printable

MOST_STAGES = 12
_NAME, _BAR = 24, 24
"""Most cells of a stage's name, and of its bar."""


class _Part(NamedTuple):
    """What a bar is made of; `plain` is its character on a terminal without UTF-8."""

    word: str
    full: str
    plain: str
    style: str


_PARTS = (
    _Part("succeeded", "█", "#", "green"),
    _Part("failed", "▒", "x", "red"),
    _Part("running", "▓", "=", "blue"),
    _Part("waiting", "░", "-", ""),
    _Part("held", "·", ".", "dim"),
)


@dataclass(frozen=True, slots=True)
class Screen:
    """Drawn anew at each refresh, to the width that the terminal has then. notes: what waits, a line each."""

    snapshot: Snapshot
    notes: Sequence[str] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in self._lines(options.max_width, ascii_only=options.ascii_only):
            shown = Text(in_ascii(line.plain), spans=line.spans) if options.ascii_only else line
            shown.no_wrap, shown.style = True, line.style
            shown.truncate(options.max_width, overflow="crop" if options.ascii_only else "ellipsis")
            yield shown

    def _lines(self, width: int, *, ascii_only: bool) -> Iterator[Text]:
        snapshot = self.snapshot
        stages = _stages(snapshot)
        widest = min(_NAME, max(1, width // 3), max((len(name) for name in stages), default=0))
        space = max(0, min(_BAR, width - widest - 32))
        for name, counts in list(stages.items())[:MOST_STAGES]:
            yield _stage_line(name[:widest].ljust(widest), counts, space, ascii_only=ascii_only)
        if len(stages) > MOST_STAGES:
            yield Text(f"{'...' if ascii_only else '…'} {len(stages) - MOST_STAGES} more stages", style="dim")
        yield Text(progress_line(snapshot), style="bold")
        for text in failure_lines(snapshot.failures, MOST_GROUPS):
            yield Text(text.strip(), style="red")
        yield from map(Text, self.notes)
        for text in filter(None, (snapshot.warning and f"warning: {snapshot.warning}", snapshot.paused)):
            yield Text(printable(text), style="yellow")


def in_ascii(text: str) -> str:
    """Text for a terminal that shows nothing else."""
    return text.encode("ascii", "replace").decode()


def _stages(snapshot: Snapshot) -> Mapping[str, Counter[str]]:
    found = {printable(name): _counts(by_status) for name, by_status in snapshot.stages.items()}
    for name, number in snapshot.skipped.items():
        found.setdefault(printable(name), Counter())["skipped"] += number
    for job in snapshot.held:
        found.setdefault(printable(job.group), Counter())["held"] += 1
    return found


def _counts(by_status: Mapping[Status, int]) -> Counter[str]:
    words: Counter[str] = Counter()
    for status, number in by_status.items():
        own = status in (Status.SUCCEEDED, Status.FAILED, Status.RUNNING)
        words[status.lower() if own else "waiting"] += number
    return words


def _stage_line(name: str, counts: Counter[str], space: int, *, ascii_only: bool) -> Text:
    line = Text(f"{name}  ")
    done = {**counts, "succeeded": counts["succeeded"] + counts["skipped"]}
    for part, cells in zip(_PARTS, shares([done.get(part.word, 0) for part in _PARTS], space), strict=True):
        line.append((part.plain if ascii_only else part.full) * cells, style=part.style)
    words = [f"{counts[word]:,} {word}" for word in ("skipped", *(part.word for part in _PARTS)) if counts[word]]
    return line.append(f"{'  ' if space else ''}{', '.join(words)}")


def shares(numbers: Sequence[int], cells: int) -> list[int]:
    """`cells` divided by `numbers`: they add up, and what is there at all is seen as far as there is room."""
    total = sum(numbers)
    if not total or not cells:
        return [0] * len(numbers)
    found = [min(1, number) if number * cells < total else number * cells // total for number in numbers]
    while sum(found) != cells:
        largest = max(range(len(numbers)), key=found.__getitem__)
        found[largest] += 1 if sum(found) < cells else -1
    return found
