"""Which tasks may start: dependencies by ids and by ranges, and what a failed task does to those that wait for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.azure.fake_batch.refusal import Refusal

Task = Mapping[str, Any]

LONGEST_IDS = 64_000


def check(task: Task, job: Mapping[str, Any]) -> None:
    depends = task.get("dependsOn")
    if depends is None:
        return
    if not job.get("usesTaskDependencies"):
        raise Refusal("TaskDependenciesNotSpecifiedOnJob")
    if sum(map(len, depends.get("taskIds") or ())) > LONGEST_IDS:
        raise Refusal("TaskDependencyListTooLong")
    for span in depends.get("taskIdRanges") or ():
        if span["start"] > span["end"]:
            raise Refusal("InvalidPropertyValue", "dependsOn.taskIdRanges")


def ready(task: Task, tasks: Mapping[str, Task]) -> bool:
    """Whether every upstream task has ended in a way that lets this one start; one that is not there has not."""
    return all((up := tasks.get(name)) is not None and satisfies(up) for name in upstream(task, tasks))


def upstream(task: Task, tasks: Mapping[str, Task]) -> Iterator[str]:
    depends = task.get("dependsOn") or {}
    yield from (name.lower() for name in depends.get("taskIds") or ())
    for span in depends.get("taskIdRanges") or ():
        yield from (str(number) for number in range(span["start"], span["end"] + 1))


def satisfies(task: Task) -> bool:
    if task["state"] != "completed":
        return False
    info = task["executionInfo"]
    action = (exit_options(task) or {}).get("dependencyAction")
    if action is None:
        return bool(info["result"] == "success")
    return str(action).lower() == "satisfy"


def exit_options(task: Task) -> Mapping[str, Any] | None:
    """The exit options that hold for how a task ended."""
    conditions, info = task.get("exitConditions") or {}, task["executionInfo"]
    code = info.get("exitCode")
    for item in conditions.get("exitCodes") or ():
        if item["code"] == code:
            return item["exitOptions"]  # type: ignore[no-any-return]
    for item in conditions.get("exitCodeRanges") or ():
        if code is not None and item["start"] <= code <= item["end"]:
            return item["exitOptions"]  # type: ignore[no-any-return]
    if info["result"] == "success":
        return None
    if code is None and conditions.get("preProcessingError"):
        return conditions["preProcessingError"]  # type: ignore[no-any-return]
    return conditions.get("default")
