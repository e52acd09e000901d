"""Azure's words and the house's: pool = compute environment, Azure job = queue, task = job. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from batch_helpers.job import FINGERPRINT_DIGITS, Job, Status, sanitized

ID_LIMIT = 64
"""Longest id of a pool, job or task: https://learn.microsoft.com/rest/api/batchservice/tasks/create-task"""

STATUS: Mapping[str, Status] = MappingProxyType(
    {"active": Status.RUNNABLE, "preparing": Status.STARTING, "running": Status.RUNNING}
)
"""The states of a task that has not ended; an active one that waits for others is PENDING."""

LIVE_JOB = frozenset({"active", "disabling", "disabled", "enabling"})
"""The states of an Azure job in which its tasks may still run."""

UPSTREAM_FAILED = "Dependent Job failed"
TIMED_OUT = "Job attempt duration exceeded timeout"

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "FailureExitCode": "Essential container in task exited",
        "CommandProgramNotFound": "Task failed to start",
        "ContainerPullFailed": "CannotPullContainerError",
        "DiskFull": "no space left on device",
    }
)
"""The house's words for the codes of a task's failureInfo; others are shown as the service says them."""

_STEM = ID_LIMIT - FINGERPRINT_DIGITS - len("--999")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class TaskPlace(NamedTuple):
    """Where a task is. As a jobId it is spelled `<Azure job>/<task>`; `queue` is the queue of the Azure job."""

    azure_job: str
    task: str

    @property
    def job_id(self) -> str:
        return f"{self.azure_job}/{self.task}"


def place_of(job_id: str) -> TaskPlace | None:
    """The task that a jobId means, or None when it cannot be one of this engine."""
    azure_job, slash, task = job_id.partition("/")
    return TaskPlace(azure_job, task) if slash and is_id(azure_job) and is_id(task) else None


def is_id(text: str) -> bool:
    """Whether the service takes this as an id; it compares ids without regard to case."""
    return _NAME.fullmatch(text) is not None


def first_id(job: Job) -> str:
    """The task id of a job's first attempt: its sanitized name, cut short, and its key."""
    return f"{sanitized(job.name)[:_STEM]}-{job.key}"


def next_id(first: str, number: int) -> str:
    """The task id of attempt `number`: an id is never used a second time, even for a task that was deleted."""
    return first if number == 1 else f"{first}-{number}"


def number_of(first: str, task_id: str) -> int | None:
    """The attempt that a task id is of, or None when it belongs to other work."""
    rest = task_id.lower().removeprefix(first.lower())
    if rest == "" or (match := re.fullmatch(r"-(\d+)", rest)) is None:
        return 1 if task_id.lower() == first.lower() else None
    return int(match[1])
