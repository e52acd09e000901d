"""From the end of an attempt to what becomes of its job."""

from __future__ import annotations

import json

from batch_helpers.job import Status
from batch_helpers.serve.jobs.logs import UNNAMED
from batch_helpers.serve.jobs.retrying import Failure, is_retried
from batch_helpers.serve.jobs.tasks import ContainerEnd, streams_of
from batch_helpers.serve.runners.base import Event
from batch_helpers.serve.state.rows import Ending, Occupant
from batch_helpers.serve.texts.details import DetailWriter, End, Times
from batch_helpers.serve.verdicts import EXITED

_REASON = 255
"""Longest reason of a container: https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerDetail.html"""


def ending(details: DetailWriter, job: Occupant, event: Event) -> Ending:
    """SUCCEEDED or FAILED for good, or RUNNABLE for another attempt; someone's wish to end it comes before both."""
    how, number = event.how, job.attempt + 1
    failed = event.status is Status.FAILED
    if not event.began:
        return Ending(job.seq, Status.FAILED, job.cancel, event.at, attempt=job.attempt, attempts=job.attempts)
    reason = job.cancel if job.cancel is not None and failed else how.status_reason or EXITED
    times, why = Times(job.started_at, event.at, reason), how.reason[:_REASON] or None
    if job.task is None:
        attempt = details.attempt(times, End(None, how.exit_code, why, job.stream))
    else:
        attempt = details.task_attempt(times, job.stream, _container_ends(job, job.task, how))
    attempts = attempt if job.attempts is None else f"{job.attempts},{attempt}"
    if failed and job.cancel is None and is_retried(json.loads(job.retries), number, how):
        return Ending(job.seq, Status.RUNNABLE, None, event.at, attempt=number, attempts=attempts)
    return Ending(job.seq, event.status, reason, event.at, how.exit_code, why, number, attempts)


def _container_ends(job: Occupant, task: str, how: Failure) -> list[End]:
    """How each container of a task ended; where nothing is known of one, it ended as the job did."""
    containers = json.loads(task).get("containers")
    if containers is None:
        return [End(job.container or UNNAMED, how.exit_code, how.reason[:_REASON] or None, job.stream)]
    told = {item.name: item for item in how.containers}
    streams = streams_of(containers, job.definition, job.stream)
    ends = []
    for name, stream in streams.items():
        end = told.get(name, ContainerEnd(name, how.exit_code, how.reason))
        ends.append(End(name, end.exit_code, end.reason[:_REASON] or None, stream))
    return ends
