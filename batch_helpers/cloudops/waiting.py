"""Tasks that cannot be added yet: they wait for others that need only have ended, or for more than a task may name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from batch_helpers.cloudops.cloud import NewTask
from batch_helpers.job import Job, JobDetail, Status


class Verdict(NamedTuple):
    """ready: tasks to add now. doomed: those that never will be, by ID, and why."""

    ready: list[NewTask]
    doomed: dict[str, str]


@dataclass(slots=True)
class Waiting:
    """The held tasks of one job, by ID. longest: characters of IDs that one task may depend on; None is no limit."""

    longest: int | None
    tasks: dict[str, NewTask] = field(default_factory=dict)
    _either_way: dict[str, set[str]] = field(default_factory=dict)

    @property
    def jobs(self) -> tuple[Job, ...]:
        return tuple(task.job for task in self.tasks.values())

    @property
    def upstream(self) -> set[str]:
        """The tasks that held ones wait for, and that are not held themselves."""
        return {name for task in self.tasks.values() for name in task.upstream} - self.tasks.keys()

    def must_wait(self, task: NewTask, either_way: Iterable[str]) -> bool:
        """Whether a task has to be held. either_way: those of its upstream, still active, that need only have ended."""
        return (
            bool(set(either_way)) or any(name in self.tasks for name in task.upstream) or not self._fits(task.upstream)
        )

    def hold(self, task: NewTask, either_way: Iterable[str]) -> None:
        assert task.id is not None
        self.tasks[task.id], self._either_way[task.id] = task, set(either_way)

    def drop(self, task_id: str) -> NewTask:
        del self._either_way[task_id]
        return self.tasks.pop(task_id)

    def look(self, known: Mapping[str, JobDetail], lenient: Iterable[str]) -> Verdict:
        """Which held tasks may be added. known: their upstream, as far as it exists. lenient: see Cloud.lenient."""
        verdict, lets = Verdict([], {}), set(lenient)
        for task_id, task in self.tasks.items():
            if any(name in self.tasks for name in task.upstream):
                continue
            strict = [name for name in task.upstream if name not in self._either_way[task_id] | lets]
            failed = next((name for name in strict if name in known and known[name].status is Status.FAILED), None)
            left = tuple(name for name in task.upstream if name in known and known[name].status.active)
            if failed is not None:
                verdict.doomed[task_id] = f"Dependent Job failed: {failed}; this task was not added"
            elif self._either_way[task_id].isdisjoint(left) and self._fits(left):
                verdict.ready.append(task._replace(upstream=left))
        return verdict

    def _fits(self, upstream: Iterable[str]) -> bool:
        return self.longest is None or sum(map(len, upstream)) <= self.longest
