"""SubmitJob, once per decision: it has no client token, so a lost answer is settled by the job's name."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from batch_helpers.duplicates import twins
from batch_helpers.engines.aws.api import API
from batch_helpers.engines.aws.details import Parent
from batch_helpers.engines.aws.listing import jobs_named
from batch_helpers.engines.aws.once import settled
from batch_helpers.engines.aws.reading import DESCRIBED, describe_jobs
from batch_helpers.engines.aws.requests import SUBMISSION_TAG, submit_request
from batch_helpers.job import Job, JobDetail

if TYPE_CHECKING:
    from mypy_boto3_batch.type_defs import SubmitJobRequestTypeDef


class Submission:
    """One call of Engine.submit; its mark tells its own jobs from earlier ones of the same name."""

    def __init__(self, api: API, sleep: Callable[[float], None]) -> None:
        self._api, self._sleep = api, sleep
        self.mark = uuid.uuid4().hex

    def send(self, job: Job, definition: str, carried: Job | None = None, *, reclaims: int = 1) -> str:
        """Submit a bound job and return its jobId, or that of the live job that it turned out to be."""
        request = submit_request(job, definition, self.mark, carried, reclaims=reclaims)
        return self.deliver(request, f"job {job.name!r}")

    def deliver(self, request: SubmitJobRequestTypeDef, what: str) -> str:
        """Send a request that bears the mark and return its jobId, or that of the live job that it turned out to be."""
        doing = f"submit {what} to queue {request['jobQueue']!r}"
        return settled(partial(self._post, request, doing), partial(self._find, request), self._sleep)

    def _post(self, request: SubmitJobRequestTypeDef, doing: str) -> str:
        job_id: str = self._api.once("submit_job", doing, "jobId", **request)["jobId"]
        return job_id

    def _find(self, request: SubmitJobRequestTypeDef) -> str | None:
        named = list(jobs_named(self._api, request["jobQueue"], request["jobName"]))
        live = [job for job in named if job.status.active and not (isinstance(job, Parent) and job.cancelled)]
        return twins(live).kept.job_id if live else self._finished([job for job in named if job not in live])

    def _finished(self, ended: list[JobDetail]) -> str | None:
        """A job of ours may have run and ended already; it is told from yesterday's by its mark."""
        latest = sorted(ended, key=lambda job: job.created_at or 0, reverse=True)[:DESCRIBED]
        described = describe_jobs(self._api, [job.job_id for job in latest], 1)
        return next(
            (raw["jobId"] for raw in described if (raw.get("tags") or {}).get(SUBMISSION_TAG) == self.mark), None
        )
