"""From the end of an attempt to what becomes of its job."""

from __future__ import annotations

import json

from batch_helpers.job import Status
from batch_helpers.serve.jobs.retrying import is_retried
from batch_helpers.serve.runners.base import Event
from batch_helpers.serve.state.rows import Ending, Occupant
from batch_helpers.serve.texts.details import DetailWriter, ended_as
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
    why = how.reason[:_REASON] or None
    ended = ended_as(how.exit_code, why)
    attempt = details.attempt((job.started_at, event.at), ended, reason, job.stream, job.container)
    attempts = attempt if job.attempts is None else f"{job.attempts},{attempt}"
    if failed and job.cancel is None and is_retried(json.loads(job.retries), number, how):
        return Ending(job.seq, Status.RUNNABLE, None, event.at, attempt=number, attempts=attempts)
    return Ending(job.seq, event.status, reason, event.at, how.exit_code, why, number, attempts)
