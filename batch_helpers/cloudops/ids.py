"""The IDs of tasks: they continue where the job's tasks are, whoever added them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from batch_helpers.job import sanitized

LONGEST = 64

_PLAIN = re.compile(r"task-(\d+)(?:-.*)?", re.IGNORECASE)


def new_id(number: int, suffix: str, *, ints: bool) -> str:
    """`17` where IDs are integers, else `task-17` or `task-17-<suffix>`."""
    if ints:
        return str(number)
    stem = f"task-{number}"
    return f"{stem}-{sanitized(suffix)}"[:LONGEST] if suffix else stem


def highest(ids: Iterable[str], *, ints: bool) -> int:
    """The highest number among the IDs of a job, 0 when there is none."""
    return max((_number(task_id, ints=ints) for task_id in ids), default=0)


def _number(task_id: str, *, ints: bool) -> int:
    if ints:
        return int(task_id) if task_id.isascii() and task_id.isdigit() else 0
    match = _PLAIN.fullmatch(task_id)
    return int(match[1]) if match else 0
