"""Tasks that wait for ever, because one that they depend on has failed: the service never ends them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from batch_helpers.engines.azure.api import Raw


def blocked(unfinished: Sequence[Raw], failed: Iterable[Raw]) -> dict[str, str]:
    """Ids (in lower case) of the unfinished tasks that will never start, and the id of the failed one behind each."""
    culprits = {task["id"].lower(): task["id"] for task in failed if not satisfies(task)}
    found: dict[str, str] = {}
    waiting = [task for task in unfinished if task["state"] == "active" and task.get("dependsOn")]
    while waiting and culprits:
        doomed = {}
        for task in waiting:
            if (culprit := next(_among(task["dependsOn"], culprits), None)) is not None:
                doomed[task["id"].lower()] = culprit
        found |= doomed
        culprits = doomed
        waiting = [task for task in waiting if task["id"].lower() not in found]
    return found


def depends_on_any(depends: Raw, tasks: Mapping[str, str]) -> bool:
    """Whether one of these tasks (ids in lower case, and as they are spelled) is among the dependencies."""
    return next(_among(depends, tasks), None) is not None


def satisfies(task: Raw) -> bool:
    """Whether a failed task lets those start that depend on it.

    https://learn.microsoft.com/azure/batch/batch-task-dependencies#dependency-actions
    """
    conditions = task.get("exitConditions") or {}
    info = task.get("executionInfo") or {}
    options = _options(conditions, info.get("exitCode")) or conditions.get("default") or {}
    return str(options.get("dependencyAction") or "").lower() == "satisfy"


def _options(conditions: Raw, code: int | None) -> Mapping[str, Any] | None:
    if code is None:
        return conditions.get("preProcessingError")
    for item in conditions.get("exitCodes") or ():
        if item["code"] == code:
            return dict(item["exitOptions"])
    for item in conditions.get("exitCodeRanges") or ():
        if item["start"] <= code <= item["end"]:
            return dict(item["exitOptions"])
    return None


def _among(depends: Raw, culprits: Mapping[str, str]) -> Iterator[str]:
    yield from (culprits[name.lower()] for name in depends.get("taskIds") or () if name.lower() in culprits)
    spans = depends.get("taskIdRanges") or ()
    if spans:
        numbers = {int(name): culprit for name, culprit in culprits.items() if name.isascii() and name.isdigit()}
        yield from (culprit for number, culprit in numbers.items() for span in spans if _within(number, span))


def _within(number: int, span: Raw) -> bool:
    return bool(span["start"] <= number <= span["end"])
