"""The tasks of an Azure job that have not ended, and which of them never will start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from batch_helpers.engines.azure.api import Raw
from batch_helpers.engines.azure.azure_jobs import AzureJob
from batch_helpers.engines.azure.blocked import blocked, depends_on_any
from batch_helpers.engines.azure.reading import Reading
from batch_helpers.engines.azure.words import UPSTREAM_FAILED


class Picture(NamedTuple):
    """doomed: ids (in lower case) of tasks that never will start, and why. waiting: those of tasks that wait."""

    tasks: Sequence[Raw]
    doomed: Mapping[str, str]
    waiting: frozenset[str]

    @property
    def live(self) -> list[Raw]:
        """The tasks that may still run."""
        return [task for task in self.tasks if task["id"].lower() not in self.doomed]


NOTHING = Picture((), {}, frozenset())


def picture_of(reading: Reading, job: AzureJob) -> Picture:
    """Ask for the unfinished tasks, and for the failed ones where somebody depends on others."""
    tasks = reading.unfinished(job.id)
    dependent = [task for task in tasks if task["state"] == "active" and task.get("dependsOn")]
    if not job.live:
        reason = f"Azure job {job.id} is {job.state} ({job.reason}): this task was not started"
        return Picture(tasks, {task["id"].lower(): reason for task in tasks}, frozenset())
    if not dependent:
        return Picture(tasks, {}, frozenset())
    culprits = blocked(tasks, reading.failed(job.id))
    doomed = {task: f"{UPSTREAM_FAILED}: {culprit}" for task, culprit in culprits.items()}
    unfinished = {task["id"].lower(): task["id"] for task in tasks}
    waiting = {task["id"].lower() for task in dependent if depends_on_any(task["dependsOn"], unfinished)}
    return Picture(tasks, doomed, frozenset(waiting))
