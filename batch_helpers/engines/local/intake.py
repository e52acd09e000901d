"""From the user's Job to what the database keeps of it."""

from __future__ import annotations

import os
import shutil
import uuid

from batch_helpers.engines.local.checks import substituted
from batch_helpers.engines.local.outputs import paths_of
from batch_helpers.engines.local.rows import Context, NewJob, Spec
from batch_helpers.errors import ServiceError
from batch_helpers.job import Job
from batch_helpers.uris import local_path

QUEUE = "local"
"""The queue of jobs that name none; any other name is a queue here too."""


def here() -> Context:
    """The working directory and environment of this process, without what belongs to a job that it may be part of."""
    try:
        directory = os.getcwd()
    except FileNotFoundError as exc:
        raise ServiceError("the current directory has been removed: change to another one and run again") from exc
    return Context(directory, {key: text for key, text in os.environ.items() if not key.startswith("AWS_BATCH_")})


def new_job(job: Job, containers: str | None) -> NewJob:
    """What is kept of a bound job, under a jobId of its own."""
    return NewJob(
        id=str(uuid.uuid4()),
        name=job.full_name,
        queue=job.job_queue or QUEUE,
        spec=_spec(job, containers),
        fingerprint=job.fingerprint,
        job_definition=job.job_definition or job.image or "",
        vcpus=job.vcpus or 1,
        memory=job.memory or 0,
        attempts=job.attempts,
        timeout=job.timeout,
        lenient=job.run_dependents_on_fail,
        depends_on=tuple(str(item) for item in job.depends_on),
    )


def _spec(job: Job, containers: str | None) -> Spec:
    command = substituted(job.command, job.parameters)
    outputs = [path for uri in job.outputs for path in paths_of(uri)]
    if job.image is None or containers is None:
        return Spec(command, dict(job.environment), outputs)
    inputs = [path for uri in job.inputs if (path := local_path(uri))]
    folders = [os.path.dirname(path) for path in outputs]
    folders += [path if os.path.isdir(path) else os.path.dirname(path) for path in inputs]
    return Spec(command, dict(job.environment), outputs, job.image, shutil.which(containers), folders)
