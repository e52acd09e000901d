"""What a job must be like to run on a pool, checked before anything is sent. Pure.

https://learn.microsoft.com/azure/batch/batch-quota-limit
"""

from __future__ import annotations

import json
from typing import Any

from batch_helpers.engines.azure.pools import Pool
from batch_helpers.engines.azure.requests import OWN_VARIABLES, substituted, task_request
from batch_helpers.engines.azure.words import ID_LIMIT, first_id, is_id
from batch_helpers.errors import InvalidJob
from batch_helpers.job import Job

MAX_DEPENDENCIES = 960
"""Ids of the greatest length in the 64,000 characters of dependsOn.taskIds, less the service's own overhead.

https://learn.microsoft.com/rest/api/batchservice/tasks/create-task#taskdependencies
"""

MAX_TASK = 900 * 1024
"""Bytes of one task: a request has at most 1 MB."""

MAX_VARIABLE = 100 * 1024
"""Bytes of a command or of one environment variable: Linux takes 128 KiB of either."""

_LONGEST_QUEUE = ID_LIMIT - len("-999")


def check_job(job: Job, pool: Pool) -> None:
    """Raise InvalidJob for what the service would refuse, or accept and let fail."""
    check_queue(job)
    _check_what_runs(job, pool)
    _check_environment(job)
    size = len(_json(task_request(pool, job.bound(job.job_queue, ()), first_id(job))))
    if size > MAX_TASK:
        problem = f"the task comes to {size} bytes, and {MAX_TASK} fit: put the long part in a file that the job reads"
        raise InvalidJob(job.name, "environment", dict(job.environment), problem)


def check_queue(job: Job) -> None:
    if job.job_queue is None:
        raise InvalidJob(
            job.name, "job_queue", None, "a job needs a queue: give job_queue, to the job or to the helper"
        )
    if not is_id(job.job_queue) or len(job.job_queue) > _LONGEST_QUEUE:
        problem = f"a queue is an Azure job here: give up to {_LONGEST_QUEUE} letters, digits, - and _"
        raise InvalidJob(job.name, "job_queue", job.job_queue, problem)


def _check_what_runs(job: Job, pool: Pool) -> None:
    if job.job_definition is not None:
        problem = "Azure Batch has no job definitions: give image= instead, or neither to run on the pool's own"
        raise InvalidJob(job.name, "job_definition", job.job_definition, problem)
    if not job.command or not job.command[0]:
        raise InvalidJob(job.name, "command", job.command, "a task needs a command")
    if job.image is not None and pool.images is None:
        problem = f"pool {pool.name!r} runs no containers: create one with a container image, or leave image out"
        raise InvalidJob(job.name, "image", job.image, problem)
    if job.image is None and pool.images == ():
        problem = f"pool {pool.name!r} runs containers and holds no image: give the job an image"
        raise InvalidJob(job.name, "image", None, problem)


def _check_environment(job: Job) -> None:
    for name, value in job.environment.items():
        if name.startswith("AZ_BATCH_") or name in OWN_VARIABLES or "=" in name:
            problem = f"the name {name!r} is reserved, or has a '=' in it: rename it"
            raise InvalidJob(job.name, "environment", name, problem)
        if len(value.encode()) > MAX_VARIABLE:
            raise InvalidJob(job.name, "environment", name, f"its value has more than {MAX_VARIABLE} bytes")
    words = substituted(job.command, job.parameters)
    if sum(len(word.encode()) for word in words) > MAX_VARIABLE:
        problem = f"the command has more than {MAX_VARIABLE} bytes: put the long part in a file that the job reads"
        raise InvalidJob(job.name, "command", job.command, problem)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
