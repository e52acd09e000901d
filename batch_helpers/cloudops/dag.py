"""Task: a command, and the tasks that it runs after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from batch_helpers.errors import InvalidInput, UnknownDependency
from batch_helpers.plan import submission_order


class Task:
    """A task of a graph that `CloudClient.run_dag` runs.

    cmd: the command, as for `CloudClient.add_task`, whose other arguments may follow. id: a word in its task ID.
    """

    def __init__(self, cmd: str | Sequence[str], id: str = "", **options: Any) -> None:  # noqa: A002
        refused = {"job_name", "command_line", "name_suffix", "depends_on", "depends_on_range"} & options.keys()
        if refused:
            raise InvalidInput(f"Task: {', '.join(sorted(refused))} is settled by the graph: use id, after and before")
        self.cmd, self.id, self.options = cmd, id, options
        self.deps: list[Task] = []

    def __repr__(self) -> str:
        return f"Task({self.cmd!r})"

    def after(self, other: Task | Iterable[Task]) -> Task:
        """Run this when the other, or all of the others, have succeeded."""
        for task in _tasks(other):
            if task not in self.deps:
                self.deps.append(task)
        return self

    def before(self, other: Task | Iterable[Task]) -> Task:
        """Run this before the other, or before any of the others."""
        for task in _tasks(other):
            task.after(self)
        return self

    set_upstream = after
    set_downstream = before


def levels(tasks: Sequence[Task]) -> list[list[Task]]:
    """The tasks in runs, each of which needs only tasks of the runs before it.

    Raises CycleError, or UnknownDependency for a task that is not among them.
    """
    names = _names(tasks)
    for task in tasks:
        for other in task.deps:
            if other not in names:
                raise UnknownDependency(f"{task} runs after {other}, which is not given: give run_dag both")
    order = submission_order({names[task]: [names[other] for other in task.deps] for task in tasks})
    by_name = {name: task for task, name in names.items()}
    depth: dict[Task, int] = {}
    for name in order:
        task = by_name[name]
        depth[task] = 1 + max((depth[other] for other in task.deps), default=0)
    return [[task for task in names if depth[task] == level] for level in range(1, max(depth.values(), default=0) + 1)]


def _names(tasks: Sequence[Task]) -> Mapping[Task, str]:
    """A name for each task, for messages: its command, numbered where several have the same."""
    names: dict[Task, str] = {}
    taken: dict[str, int] = {}
    for task in dict.fromkeys(tasks):
        text = task.id or (task.cmd if isinstance(task.cmd, str) else " ".join(task.cmd))
        taken[text] = taken.get(text, 0) + 1
        names[task] = text if taken[text] == 1 else f"{text} ({taken[text]})"
    return names


def _tasks(given: Any) -> list[Task]:
    several = isinstance(given, Iterable) and not isinstance(given, str)
    tasks = list(given) if several else [given]
    for task in tasks:
        if not isinstance(task, Task):
            raise InvalidInput(f"{task!r} is no Task")
    return tasks
