"""Rows and levels as SVG. Colours are classes: the page gives them, and a file of its own carries them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from itertools import groupby

from batch_helpers.events.record import RunRecord
from batch_helpers.timeline.levels import LAYERS, levels
from batch_helpers.timeline.rows import MOST_ROWS, Row, rows
from batch_helpers.timeline.scale import Scale
from batch_helpers.words import duration, printable

_LEFT, _TOP, _BOTTOM, _RIGHT = 150, 8, 26, 16
_COLUMNS = 834
_HEIGHT = 640
_TALLEST, _FEW = 16, 40
_LABEL_HEIGHT = 11
_LONGEST_NAME = 22

THEMES: Mapping[str, Mapping[str, str]] = {
    "light": {"back": "#ffffff", "ink": "#1d2530", "line": "#d9dee5", "wait": "#d3d9e1", "start": "#e9b44c",
              "run": "#3b7dd8", "failed": "#d1453b", "succeeded": "#2a9d8f"},
    "dark": {"back": "#14181f", "ink": "#dfe5ec", "line": "#333b47", "wait": "#465061", "start": "#d9a441",
             "run": "#5b9bf0", "failed": "#ef6a5f", "succeeded": "#3db8a8"},
}  # fmt: skip


def timeline_svg(record: RunRecord, *, theme: str | None = None) -> str:
    """Every job's waiting, starting and running. theme: `light` or `dark` for a file of its own; None for a page.

    Up to 320 jobs have a row each; beyond that a row stands for several, coloured by what most of them do.
    """
    scale = _scale(record)
    found = rows(record, scale)
    height = _row_height(len(found))
    body = [
        *_grid(scale, height * len(found)),
        *_cells(found, height),
        *_failed(found, height),
        *_labels(found, height),
    ]
    per_row = max((row.jobs for row in found), default=1)
    said = f"Timeline of {len(record.entries):,} jobs over {duration(record.elapsed)}"
    if per_row > 1:
        said += f"; each row stands for up to {per_row:,} jobs"
    return _svg(body, height * len(found), said, theme)


def over_time_svg(record: RunRecord, *, theme: str | None = None) -> str:
    """How many jobs were in each state, as stacked areas."""
    height = 160.0
    scale = _scale(record)
    found = levels(record, scale)
    most = max((sum(column) for column in zip(*found.values(), strict=True)), default=0) or 1
    body = [*_grid(scale, height), *_areas(found, scale, height, most), _text(_LEFT - 6, _TOP + 9, f"{most:,}", "end"),
            _text(_LEFT - 6, _TOP + height, "0", "end")]  # fmt: skip
    return _svg(body, height, f"States of up to {most:,} jobs over time", theme)


def _scale(record: RunRecord) -> Scale:
    times = [entry.created for entry in record.entries.values() if entry.created is not None]
    ends = [entry.stopped for entry in record.entries.values() if entry.stopped is not None]
    active = any(entry.status.active for entry in record.entries.values())
    begin = min(times, default=record.began or 0.0)
    end = max([*ends, *([record.latest] if active and record.latest is not None else [])], default=begin)
    return Scale(begin, max(end, begin + 1), _COLUMNS)


def _row_height(number: int) -> float:
    if number <= _FEW:
        return _TALLEST
    return max(_HEIGHT / MOST_ROWS, _HEIGHT / number)


def _cells(found: Sequence[Row], height: float) -> Iterator[str]:
    """One path for each look, so that thousands of cells stay small."""
    paths: dict[str, list[str]] = {}
    thick = height - (2 if height >= 8 else 0.5 if height >= 4 else 0)
    for number, row in enumerate(found):
        top = _TOP + number * height
        for cell in row.cells:
            width = max(cell.end - cell.begin, 0.75)
            shape = f"M{_LEFT + cell.begin:.4g} {top:.5g}h{width:.4g}v{thick:.3g}h-{width:.4g}z"
            paths.setdefault(f"{cell.phase} l{cell.level}", []).append(shape)
    for look, shapes in sorted(paths.items()):
        yield f'<path class="{look}" d="{"".join(shapes)}"/>'
    yield from _titles(found, height)


def _failed(found: Sequence[Row], height: float) -> Iterator[str]:
    """At the right edge, the share of a row's jobs that failed: in the cells a few among many would not show."""
    shapes = [
        f"M{_LEFT + _COLUMNS + 3} {_TOP + number * height:.5g}h{max(1.0, 10 * row.failed / row.jobs):.3g}v{height:.3g}"
        f"H{_LEFT + _COLUMNS + 3}z"
        for number, row in enumerate(found)
        if row.failed and row.jobs > 1
    ]
    if shapes:
        yield f'<path class="failed l4" d="{"".join(shapes)}"/>'


def _titles(found: Sequence[Row], height: float) -> Iterator[str]:
    """What a row is, for a pointer that rests on it."""
    for number, row in enumerate(found):
        what = row.name if row.jobs == 1 else f"{row.jobs:,} jobs from {row.name}"
        failed = f", {row.failed:,} failed" if row.failed else ""
        text = escape(printable(f"{row.stage}: {what}{failed}"))
        yield (
            f'<rect class="hover" x="{_LEFT}" y="{_TOP + number * height:.5g}" width="{_COLUMNS}" '
            f'height="{height:.4g}"><title>{text}</title></rect>'
        )


def _labels(found: Sequence[Row], height: float) -> Iterator[str]:
    """Names of jobs where there is room for each, else of stages where they begin."""
    named = len(found) <= _FEW and all(row.jobs == 1 for row in found)
    free = 0.0
    place = 0
    for stage, group in groupby(found, key=lambda row: row.stage):
        members = list(group)
        names = [row.name for row in members] if named else [f"{stage} ({sum(row.jobs for row in members):,})"]
        for number, name in enumerate(names):
            top = _TOP + (place + number) * height
            y = top + (height / 2 + 4 if height >= _LABEL_HEIGHT else _LABEL_HEIGHT)
            if y >= free:
                yield _text(_LEFT - 8, y, _short(name), "end")
                free = y + _LABEL_HEIGHT
        if place:
            top = _TOP + place * height
            yield f'<path class="line" d="M8 {top:.5g}H{_LEFT + _COLUMNS}"/>'
        place += len(members)


def _grid(scale: Scale, height: float) -> Iterator[str]:
    for column, label in scale.ticks():
        x = _LEFT + column
        yield f'<path class="line" d="M{x:.5g} {_TOP}v{height:.5g}"/>'
        yield _text(x, _TOP + height + 16, label, "middle")


def _areas(found: Mapping[str, Sequence[int]], scale: Scale, height: float, most: int) -> Iterator[str]:
    below = [0] * (scale.columns + 1)
    for layer in LAYERS:
        above = [low + number for low, number in zip(below, found[layer], strict=True)]
        if above != below:
            edge = [*_edge(above, height, most), *reversed(_edge(below, height, most))]
            yield f'<path class="{layer} l4" d="M{"L".join(edge)}z"/>'
        below = above


def _edge(values: Sequence[int], height: float, most: int) -> list[str]:
    """The points where a line bends."""
    last = len(values) - 1
    bends = [n for n in range(len(values)) if n in (0, last) or not values[n - 1] == values[n] == values[n + 1]]
    return [f"{_LEFT + n} {_TOP + height * (1 - values[n] / most):.5g}" for n in bends]


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.5g}" y="{y:.5g}" text-anchor="{anchor}">{escape(printable(text))}</text>'


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _svg(body: Iterable[str], height: float, said: str, theme: str | None) -> str:
    width, tall = _LEFT + _COLUMNS + _RIGHT, round(_TOP + height + _BOTTOM)
    style = f"<style>{_style(THEMES[theme])}</style>" if theme is not None else ""
    back = '<rect class="back" width="100%" height="100%"/>' if theme is not None else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {width} {tall}" width="{width}" '
        f'height="{tall}" role="img" aria-label="{escape(said)}">{style}{back}{"".join(body)}</svg>'
    )


def _style(colours: Mapping[str, str]) -> str:
    fills = "".join(f".{name}{{fill:{colours[name]}}}" for name in (*LAYERS, "back"))
    return (
        f"{fills}text{{font:11px sans-serif;fill:{colours['ink']}}}.line{{stroke:{colours['line']};fill:none}}"
        ".hover{fill:none}.l1{opacity:.3}.l2{opacity:.55}.l3{opacity:.8}"
    )
