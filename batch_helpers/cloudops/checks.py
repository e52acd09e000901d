"""What callers give, checked before anything is sent. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from batch_helpers.errors import InvalidInput

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def job_name(given: object) -> str:
    """A job's name without its spaces. Raises InvalidInput for what Azure Batch does not take as one."""
    name = given.replace(" ", "") if isinstance(given, str) else ""
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"job_name={given!r}: give 1 to 64 letters, digits, - and _ (spaces are removed)")
    return name


def minutes(given: object) -> float | None:
    """A timeout. Raises InvalidInput for what is not a positive number of minutes."""
    if given is None:
        return None
    if not isinstance(given, int | float) or isinstance(given, bool) or not math.isfinite(given) or given <= 0:
        raise InvalidInput(f"timeout={given!r}: give a positive number of minutes")
    return float(given)


def retries(given: object) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given <= 100:
        raise InvalidInput(f"task_retries={given!r}: give a whole number from 0 to 100")
    return given


def task_ids(given: Any) -> tuple[str, ...]:
    """The tasks that are depended on; None among them is ignored, as it stands for one that had nothing to do."""
    if given is None:
        return ()
    if isinstance(given, str | int) and not isinstance(given, bool):
        given = [given]
    if not isinstance(given, Iterable) or isinstance(given, Mapping | bytes):
        raise InvalidInput(f"depends_on={given!r}: give a list of task IDs")
    ids = [item for item in given if item is not None]
    for item in ids:
        if isinstance(item, bool) or not isinstance(item, str | int) or item == "":
            raise InvalidInput(f"depends_on: {item!r} is no task ID; give what add_task returned")
    return tuple(dict.fromkeys(map(str, ids)))


def id_range(given: Any, *, ints: bool) -> tuple[int, int] | None:
    """The first and the last task of a range, both included."""
    if given is None:
        return None
    if not ints:
        raise InvalidInput(f"depends_on_range={given!r}: this job's task IDs are no integers: use depends_on")
    pair = tuple(given) if isinstance(given, tuple | list) else ()
    if len(pair) != 2 or not all(isinstance(item, int) and not isinstance(item, bool) for item in pair):
        raise InvalidInput(f"depends_on_range={given!r}: give the first and the last task ID, such as (1, 10)")
    first, last = pair
    if not 1 <= first <= last:
        raise InvalidInput(f"depends_on_range={given!r}: give the smaller task ID first, and none below 1")
    return first, last
