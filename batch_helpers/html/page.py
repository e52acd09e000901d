"""Puts the page together: everything is in the file, and everything that others wrote is escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

from batch_helpers import __version__
from batch_helpers.cost import Costs
from batch_helpers.cost.words import cost_lines, hours, largest, money
from batch_helpers.diagnose.groups import memory_text
from batch_helpers.events.record import Entry, RunRecord
from batch_helpers.html.columns import columns, packed
from batch_helpers.job import Status
from batch_helpers.report import summary_line
from batch_helpers.timeline import over_time_svg, timeline_svg
from batch_helpers.timeline.levels import LAYERS
from batch_helpers.timeline.picture import THEMES
from batch_helpers.timeline.rows import MOST_ROWS
from batch_helpers.words import duration, printable

_MOST_GROUPS, _MOST_STAGES, _MOST_SLOW = 50, 200, 20
_STAGE_TITLES = ("skipped", "active", "succeeded", "failed")


def report_html(record: RunRecord, found: Costs, *, made: datetime | None = None) -> str:
    """One HTML page about a run, light or dark as the reader has it; it asks no network for anything."""
    script = _file("browser.js")
    page = _environment().from_string(_file("page.html.j2"))
    return page.render(
        **_head(record, found),
        **_tables(record, found),
        themes=THEMES,
        layers=LAYERS,
        style=_file("style.css"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        data=packed(columns(record)),
        timeline=timeline_svg(record),
        states=over_time_svg(record),
        banded=len(record.entries) > MOST_ROWS,
        version=__version__,
        made=f"{made or datetime.now(UTC):%Y-%m-%d %H:%M UTC}",
    )


def _environment() -> Environment:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {"shown": lambda value: printable(str(value)), "memory": memory_text}
    return environment


def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _head(record: RunRecord, found: Costs) -> dict[str, Any]:
    where = f" on {record.engine}" if record.engine else ""
    began, latest = _moment(record.began), _moment(record.latest)
    state = "" if record.ended else "; the record ends before the run does"
    return {
        "title": record.name or "run",
        "when": f"{began} to {latest}{where}{state}",
        "summary": summary_line(record.snapshot),
        "notes": [*(f"{_moment(at)}: {text}" for at, text in record.notes), *record.warnings],
        "tiles": _tiles(record, found),
        "failures": record.failures[:_MOST_GROUPS],
        "more_failures": max(0, len(record.failures) - _MOST_GROUPS),
    }


def _tiles(record: RunRecord, found: Costs) -> list[Mapping[str, Any]]:
    counts = record.snapshot.counts
    numbers = {
        "succeeded": f"{counts[Status.SUCCEEDED]:,}",
        "failed": f"{counts[Status.FAILED]:,}",
        "not ended": f"{record.snapshot.active:,}" if record.snapshot.active else "",
        "skipped": f"{sum(record.skipped.values()):,}" if record.skipped else "",
        "elapsed": duration(record.elapsed),
        "vCPU-hours": hours(found.total.vcpu_hours),
        "GiB-hours": hours(found.total.gib_hours),
        "cost": money(found.total.money, found.currency) if found.total.money is not None else "",
        "for nothing": _wasted(found),
    }
    bad = {"failed": counts[Status.FAILED] > 0}
    return [{"name": name, "value": text, "bad": bad.get(name, False)} for name, text in numbers.items() if text]


def _wasted(found: Costs) -> str:
    wasted = found.all_wasted
    if not wasted.attempts:
        return ""
    if wasted.money is not None:
        return money(wasted.money, found.currency)
    return f"{hours(wasted.vcpu_hours)} vCPU-h"


def _tables(record: RunRecord, found: Costs) -> dict[str, Any]:
    priced = found.total.money is not None
    by_sample = len(found.stages) <= 1 < len(found.samples)
    return {
        "stage_titles": _STAGE_TITLES,
        "stages": _stages(record, found),
        "priced": priced,
        "cost_lines": cost_lines(found),
        "cost_title": "sample" if by_sample else "stage",
        "cost_rows": [
            {
                "name": name,
                "attempts": f"{used.attempts:,}",
                "vcpu_hours": hours(used.vcpu_hours),
                "gib_hours": hours(used.gib_hours),
                "money": money(used.money, found.currency),
            }
            for name, used in largest(found.samples if by_sample else found.stages)
        ],
        "slowest": [_slow(entry) for entry in _slowest(record)],
    }


def _stages(record: RunRecord, found: Costs) -> list[dict[str, Any]]:
    names = list(dict.fromkeys([*record.skipped, *record.stages]))
    return [
        {"name": name, "numbers": _numbers(record, name), "attempts": f"{_attempts(found, name):,}"}
        for name in names[:_MOST_STAGES]
    ]


def _numbers(record: RunRecord, stage: str) -> Sequence[str]:
    counts = record.stages.get(stage, {})
    active = sum(number for status, number in counts.items() if status.active)
    numbers = (
        record.skipped.get(stage, 0),
        active,
        counts.get(Status.SUCCEEDED, 0),
        counts.get(Status.FAILED, 0),
    )
    return [f"{number:,}" for number in numbers]


def _attempts(found: Costs, stage: str) -> int:
    used = found.stages.get(stage)
    return used.attempts if used is not None else 0


def _slowest(record: RunRecord) -> list[Entry]:
    timed = [(entry.run_seconds, entry) for entry in record]
    ran = [(seconds, entry) for seconds, entry in timed if seconds is not None]
    return [entry for _, entry in sorted(ran, key=lambda item: -item[0])[:_MOST_SLOW]]


def _slow(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "stage": entry.stage,
        "status": str(entry.status),
        "waited": duration(entry.wait_seconds) if entry.wait_seconds is not None else "",
        "ran": duration(entry.run_seconds or 0),
        "attempts": len(entry.tries),
    }


def _moment(time: float | None) -> str:
    return "an unknown time" if time is None else f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S} UTC"
