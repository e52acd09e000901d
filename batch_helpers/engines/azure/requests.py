"""Job -> the task that is added for it. Pure. https://learn.microsoft.com/rest/api/batchservice/tasks/create-task"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from batch_helpers.engines.azure.pools import Pool
from batch_helpers.engines.azure.words import place_of
from batch_helpers.job import Job

FINGERPRINT = "BATCH_HELPERS_FINGERPRINT"
"""Holds the full fingerprint, of which the task's id carries the first digits."""

SUBMISSION = "BATCH_HELPERS_SUBMISSION"
"""Tells the task that a request made, when its answer was lost, from one that was there before."""

COMMAND = "BATCH_HELPERS_COMMAND"
"""Holds a command that no command line can carry for certain."""

OWN_VARIABLES = (FINGERPRINT, SUBMISSION, COMMAND)

_SHELL = ("/bin/sh", "-c")
_REFERENCE = re.compile(r"Ref::([A-Za-z0-9_-]+)")
_PLAIN = re.compile(r"[^'\\\n]+")


def task_request(pool: Pool, job: Job, task_id: str, submission: str = "") -> dict[str, Any]:
    """The task for a bound job; its dependencies are tasks of the same Azure job."""
    line, script = command_line(substituted(job.command, job.parameters))
    variables = {**job.environment, FINGERPRINT: job.fingerprint, SUBMISSION: submission, COMMAND: script}
    request: dict[str, Any] = {
        "id": task_id,
        "displayName": job.full_name,
        "commandLine": line,
        "environmentSettings": [{"name": name, "value": value} for name, value in variables.items() if value],
        "constraints": _constraints(job),
        "requiredSlots": pool.slots_for(job.vcpus),
    }
    if (image := image_of(job, pool)) is not None:
        request["containerSettings"] = _container(image, pool)
    if upstream := [place.task for item in job.depends_on if (place := place_of(str(item)))]:
        request["dependsOn"] = {"taskIds": upstream}
    if job.run_dependents_on_fail:
        request["exitConditions"] = {"default": {"dependencyAction": "satisfy"}}
    return request


def image_of(job: Job, pool: Pool) -> str | None:
    """The image that a job runs in: its own, or the first that the pool's nodes hold; None outside of containers."""
    if pool.images is None:
        return None
    return job.image or next(iter(pool.images), None)


def command_line(words: Sequence[str]) -> tuple[str, str]:
    """A command as the service takes it, which has no shell, and a script for the variable COMMAND (or nothing).

    How nodes read quotes within quotes is not documented, so what needs them goes by way of the environment.
    """
    if all(_PLAIN.fullmatch(word) for word in words):
        return shlex.join(words), ""
    script = words[2] if tuple(words[:2]) == _SHELL and len(words) == 3 else shlex.join(words)
    return f"/bin/sh -c 'eval \"${COMMAND}\"'", script


def substituted(command: Sequence[str], parameters: Mapping[str, str]) -> list[str]:
    """The command with each `Ref::name` replaced by that parameter; unknown names stay as they are.

    https://docs.aws.amazon.com/batch/latest/userguide/job_definition_parameters.html#parameters
    """
    return [_REFERENCE.sub(lambda match: parameters.get(match[1], match[0]), word) for word in command]


def _container(image: str, pool: Pool) -> dict[str, Any]:
    """Containers have no names of their own: tasks that share one could not run side by side on a node."""
    settings: dict[str, Any] = {"imageName": image}
    if pool.mounts:
        binds = (f"--mount type=bind,source=$AZ_BATCH_NODE_MOUNTS_DIR/{path},target=/{path}" for path in pool.mounts)
        settings["containerRunOptions"] = " ".join(binds)
    return settings


def _constraints(job: Job) -> dict[str, Any]:
    constraints: dict[str, Any] = {"maxTaskRetryCount": job.attempts - 1}
    if job.timeout is not None:
        constraints["maxWallClockTime"] = f"PT{job.timeout}S"
    return constraints
