"""The workflow behind a run: which stage waits for which, and how far each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from batch_helpers.events import Entry, RunRecord
from batch_helpers.events.lines import KEY_PREFIX
from batch_helpers.job import Job, Status
from batch_helpers.words import printable

_BAR = 24


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage, the stages that its jobs wait for, and its jobs by status. level: how many stages come before it."""

    name: str
    upstream: tuple[str, ...]
    counts: Mapping[Status, int]
    held: int
    level: int


def stages(record: RunRecord) -> list[Stage]:
    """The stages in the order in which their first jobs were submitted, held ones last."""
    found = _Links(record)
    order = list(
        dict.fromkeys([*record.skipped, *(entry.stage for entry in record), *(job.group for job in record.held)])
    )
    levels: dict[str, int] = {}
    made = []
    for name in order:
        upstream = tuple(sorted((item for item in found.upstream.get(name, ()) if item != name), key=order.index))
        levels[name] = max((levels[item] + 1 for item in upstream if item in levels), default=0)
        held = sum(job.group == name for job in record.held)
        made.append(Stage(name, upstream, record.stages.get(name, {}), held, levels[name]))
    return made


def neighbours(record: RunRecord, entry: Entry) -> tuple[list[Entry], list[Entry]]:
    """The jobs that one waits for, and those that wait for it, as far as they are known."""
    names = {entry.job_id, f"{KEY_PREFIX}{entry.detail.key}"}
    after = [
        other
        for other in record
        if other.job is not None and any(_named(item) in names for item in other.job.depends_on)
    ]
    return _Links(record).before(entry), after


def stage_lines(found: Sequence[Stage], skipped: Mapping[str, int]) -> list[str]:
    """A line for each stage: its name, set in by what comes before it, a bar and its numbers."""
    names = ["  " * min(stage.level, 8) + printable(stage.name) for stage in found]
    widest = min(40, max(map(len, names), default=0))
    return [
        f"{name:<{widest}}  {_told(stage, skipped.get(stage.name, 0))}"
        for name, stage in zip(names, found, strict=True)
    ]


def _told(stage: Stage, skipped: int) -> str:
    total = sum(stage.counts.values()) + stage.held + skipped
    wide = _share(stage.counts.get(Status.SUCCEEDED, 0) + skipped, total)
    bad = _share(stage.counts.get(Status.FAILED, 0), total)
    bar = "█" * wide + "▒" * bad + "·" * (_BAR - wide - bad)
    numbers = {
        "skipped": skipped,
        "held": stage.held,
        **{str(status): stage.counts.get(status, 0) for status in Status},
    }
    said = ", ".join(f"{number:,} {name}" for name, number in numbers.items() if number)
    waits = f"  after {', '.join(map(printable, stage.upstream))}" if stage.upstream else ""
    return f"{bar}  {said}{waits}"


class _Links:
    """Dependencies, found by jobId or by the work that they name."""

    def __init__(self, record: RunRecord) -> None:
        self._entries = record.entries
        self._by_key = {entry.detail.key: entry for entry in record.entries.values()}
        self.upstream: dict[str, set[str]] = {}
        for entry in record:
            self.upstream.setdefault(entry.stage, set()).update(item.stage for item in self.before(entry))
        for job in record.held:
            self.upstream.setdefault(job.group, set()).update(item.stage for item in self._of(job))

    def before(self, entry: Entry) -> list[Entry]:
        return self._of(entry.job) if entry.job is not None else []

    def _of(self, job: Job) -> list[Entry]:
        found = [self._find(item) for item in job.depends_on]
        return [entry for entry in found if entry is not None]

    def _find(self, item: str | Job | None) -> Entry | None:
        if isinstance(item, Job):
            return self._by_key.get(item.key)
        if item is None or not item.startswith(KEY_PREFIX):
            return self._entries.get(item or "")
        return self._by_key.get(item.removeprefix(KEY_PREFIX))


def _named(item: str | Job | None) -> str | None:
    return f"{KEY_PREFIX}{item.key}" if isinstance(item, Job) else item


def _share(number: int, total: int) -> int:
    if not number or not total:
        return 0
    return min(_BAR - (number < total), max(1, _BAR * number // total))
