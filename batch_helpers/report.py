"""A plan or a snapshot as text. Pure; the only place where tables are made."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from tabulate import tabulate

from batch_helpers.diagnose.messages import signature
from batch_helpers.job import JobDetail, Status
from batch_helpers.monitor import Snapshot
from batch_helpers.plan import Action, Decision
from batch_helpers.words import duration, printable, roughly

_ALWAYS = (Status.SUCCEEDED, Status.FAILED)
_MOST_STAGES = 20
MOST_GROUPS = 3
"""Causes of failures that are shown while a run goes on."""
_MOST_REASONS = 12
_PLACE = {action: place for place, action in enumerate((Action.CONFLICT, *Action))}


def snapshot_table(snapshot: Snapshot) -> str:
    """Stages by status, with totals; a column that is empty everywhere is left out."""
    table = _rows(snapshot)
    total = {title: sum(row[title] for row in table.values()) for title in _TITLES}
    shown = [title for title in _TITLES if total[title] or title in _ALWAYS or title == "total"]
    body = [[printable(name), *(row[title] for title in shown)] for name, row in table.items()]
    if len(body) > _MOST_STAGES:
        body[_MOST_STAGES:] = [[f"… {len(body) - _MOST_STAGES} more", *("" for _ in shown)]]
    if len(body) > 1:
        body.append(["total", *(total[title] for title in shown)])
    return tabulate(body, headers=["stage", *shown], tablefmt="simple")


_TITLES = ("skipped", "held", *Status, "total")


def _rows(snapshot: Snapshot) -> dict[str, Mapping[str, int]]:
    held = Counter(job.group for job in snapshot.held)
    names = dict.fromkeys([*snapshot.skipped, *snapshot.stages, *held])
    return {name: _row(name, snapshot, held) for name in names}


def _row(name: str, snapshot: Snapshot, held: Mapping[str, int]) -> Mapping[str, int]:
    row: dict[str, int] = {"skipped": snapshot.skipped.get(name, 0), "held": held.get(name, 0)}
    row |= {status: snapshot.stages.get(name, {}).get(status, 0) for status in Status}
    row["total"] = sum(row.values())
    return row


def progress_line(snapshot: Snapshot) -> str:
    """How far the run is, how long it has taken, how fast it goes and how long it may still take."""
    counts = snapshot.counts
    ended = counts[Status.SUCCEEDED] + counts[Status.FAILED]
    parts = [f"{ended} of {ended + snapshot.active} ended", f"{duration(snapshot.elapsed)} elapsed"]
    if snapshot.rate and snapshot.active:
        parts.append(_rate(snapshot.rate))
        parts.append(_left(snapshot))
    return ", ".join(parts)


def _left(snapshot: Snapshot) -> str:
    """How long it may still take; so few ends, so uncertain a rate: its relative error is one over their root."""
    left = snapshot.remaining or 0
    return f"about {roughly(left)} left (+- {roughly(left / math.sqrt(max(1, snapshot.finished)))})"


def snapshot_fields(snapshot: Snapshot) -> dict[str, object]:
    """A picture as JSON takes it; seconds, and stages by status with what is skipped and held."""
    left = snapshot.remaining
    stages = {name: {title: number for title, number in row.items() if number} for name, row in _rows(snapshot).items()}
    groups = [
        {"cause": str(item.cause), "count": item.count, "example": item.example, "remedy": item.remedy}
        for item in snapshot.failures
    ]
    return {
        "elapsed": round(snapshot.elapsed, 3),
        "ended": sum(snapshot.counts[status] for status in _ALWAYS),
        "active": snapshot.active,
        "left": None if left is None else round(left, 3),
        "stages": stages,
        "failures": groups,
        "warning": snapshot.warning,
        "paused": snapshot.paused,
    }


def summary_line(snapshot: Snapshot) -> str:
    """What became of the run, in one line."""
    decisions, counts = snapshot.decisions, snapshot.counts
    total, skipped = sum(decisions.values()), decisions.get(Action.SKIP, 0)
    if total and skipped == total:
        return f"all {total} jobs skipped: their outputs exist; nothing was submitted"
    ended = f"{counts[Status.SUCCEEDED]} succeeded, {counts[Status.FAILED]} failed"
    if snapshot.active:
        ended += f", {snapshot.active} not ended"
    return f"{_decided(decisions)} submitted: {ended} in {duration(snapshot.elapsed)}"


def dry_run_line(decisions: Mapping[Action, int]) -> str:
    """What a dry run found, in one line."""
    return f"dry run: {_decided(decisions)} would be submitted; nothing was"


def _decided(decisions: Mapping[Action, int]) -> str:
    submitted = decisions.get(Action.SUBMIT, 0) + decisions.get(Action.HOLD, 0)
    return f"{decisions.get(Action.SKIP, 0)} skipped, {decisions.get(Action.REUSE, 0)} reused, {submitted}"


def detached_line(snapshot: Snapshot) -> str:
    """What Ctrl-C leaves behind, how to come back and how to cancel."""
    line = f"Detached: {snapshot.active} jobs go on. Run the same script again to come back; helper.cancel() ends them."
    if snapshot.held:
        line += f" {len(snapshot.held)} held jobs are submitted when you are back."
    return line


def failure_text(detail: JobDetail, log: Sequence[str]) -> str:
    """One failed job: its name, reason, exit code and the last lines of its log."""
    code = f", exit code {detail.exit_code}" if detail.exit_code is not None else ""
    lines = [
        f"FAILED {printable(detail.short_name)} ({detail.job_id}): {printable(detail.reason) or 'no reason'}{code}"
    ]
    return "\n".join([*lines, *(f"    {printable(line)}" for line in log)])


def plan_table(decisions: Collection[Decision]) -> str:
    """Decisions by stage, then the reasons of those that are not skipped: alike ones as one line when they are many."""
    counts: dict[str, Counter[Action]] = {}
    for decision in decisions:
        counts.setdefault(decision.job.group, Counter())[decision.action] += 1
    total = sum(counts.values(), Counter[Action]())
    shown = [action for action in Action if total[action]]
    body = [[printable(stage), *(by_action[action] for action in shown)] for stage, by_action in counts.items()]
    if len(body) > _MOST_STAGES:
        body[_MOST_STAGES:] = [[f"… {len(body) - _MOST_STAGES} more", *("" for _ in shown)]]
    if len(body) > 1:
        body.append(["total", *(total[action] for action in shown)])
    table = tabulate(body, headers=["stage", *shown], tablefmt="simple")
    return "\n".join([table, "", *_reasons(decisions)]).rstrip()


def _reasons(decisions: Iterable[Decision]) -> list[str]:
    told = [item for item in decisions if item.action is not Action.SKIP]
    if len(told) <= _MOST_REASONS:
        return [printable(f"{item.job.name}: {item}") for item in told]
    alike: dict[str, list[Decision]] = {}
    for item in told:
        alike.setdefault(f"{item.action}: {signature(item.reason)}", []).append(item)
    groups = sorted(alike.items(), key=lambda group: (_PLACE[group[1][0].action], -len(group[1])))
    lines = [printable(_group_line(reason, items)) for reason, items in groups[:_MOST_REASONS]]
    rest = sum(len(items) for _, items in groups[_MOST_REASONS:])
    return [*lines, f"… and {rest:,} jobs with {len(groups) - _MOST_REASONS:,} other reasons"] if rest else lines


def _group_line(reason: str, items: Sequence[Decision]) -> str:
    if len(items) == 1:
        return f"{items[0].job.name}: {items[0]}"
    return f"{len(items):,} x {reason}, e.g. {items[0].job.name}: {items[0].reason}"


def _rate(per_second: float) -> str:
    return f"{per_second:.1f} jobs/s" if per_second >= 1 else f"{per_second * 60:.1f} jobs/min"
