"""From bound jobs to tasks: checked, their dependencies placed, and sent to the Azure job of their queue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from batch_helpers.engines.azure import limits
from batch_helpers.engines.azure.api import API
from batch_helpers.engines.azure.azure_jobs import AzureJobs, is_ended
from batch_helpers.engines.azure.reading import Reading
from batch_helpers.engines.azure.requests import task_request
from batch_helpers.engines.azure.submission import Submission
from batch_helpers.engines.azure.words import TaskPlace, place_of
from batch_helpers.errors import ServiceError, SubmitFailed, UnknownDependency
from batch_helpers.job import Job, JobDetail, Status

Describe = Callable[[Sequence[str]], Mapping[str, JobDetail]]

_NEW_JOBS = 3
"""Azure jobs that may be completed under our hands in one submission."""


class Intake:
    """Submissions of one engine. describe: what is known of jobIds that this process did not submit."""

    def __init__(self, api: API, reading: Reading, jobs: AzureJobs, describe: Describe) -> None:
        self._api, self._reading, self._jobs, self._describe = api, reading, jobs, describe
        self._known: set[str] = set()

    def check(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            limits.check_queue(job)
            limits.check_job(job, self._jobs.pool_of(job.job_queue or ""))

    def submit(self, jobs: Sequence[Job]) -> list[str]:
        self.check(jobs)
        self._check_dependencies(jobs)
        queues: dict[str, dict[int, Job]] = {}
        for place, job in enumerate(jobs):
            queues.setdefault(job.job_queue or "", {})[place] = job
        done: dict[int, str] = {}
        for queue, some in queues.items():
            try:
                self._submit(queue, some, done)
            except ServiceError as exc:
                text = f"{len(done)} of {len(jobs)} jobs were submitted, then: {exc}"
                raise SubmitFailed(text, done) from exc
        return [done[place] for place in range(len(jobs))]

    def _submit(self, queue: str, jobs: Mapping[int, Job], done: dict[int, str]) -> None:
        """Send the jobs of one queue; when its Azure job is completed meanwhile, the rest goes to the next one."""
        left = dict(jobs)
        for attempt in range(1, _NEW_JOBS + 1):
            azure_job = self._jobs.current(queue)
            pool = self._jobs.pool_of(queue)
            submission = Submission(self._api, self._reading, azure_job, partial(task_request, pool))
            try:
                submission.send({place: self._placed(job, azure_job) for place, job in left.items()})
            except ServiceError as exc:
                if not is_ended(exc) or self._jobs.pool is None or attempt == _NEW_JOBS:
                    raise
                self._jobs.forget(queue)
            finally:
                ids = {place: TaskPlace(azure_job, task).job_id for place, task in submission.done.items()}
                done.update(ids)
                self._known.update(ids.values())
            left = {place: job for place, job in left.items() if place not in done}
            if not left:
                return

    def _check_dependencies(self, jobs: Sequence[Job]) -> None:
        wanted = {str(item): job for job in jobs for item in job.depends_on}
        strange = [item for item in wanted if item not in self._known]
        known = self._describe(strange) if strange else {}
        for item in strange:
            if item not in known:
                raise UnknownDependency(f"{wanted[item].name!r} depends on {item!r}, which is no task that there is")
        self._known.update(known)

    def _placed(self, job: Job, azure_job: str) -> Job:
        """The job with only those dependencies that the service must see to: tasks of the same Azure job."""
        elsewhere = [str(item) for item in job.depends_on if not _is_in(azure_job, str(item))]
        if not elsewhere:
            return job
        details = self._describe(elsewhere)
        for item in elsewhere:
            detail = details.get(item)
            if detail is not None and detail.status.active:
                raise ServiceError(
                    f"{job.name!r} depends on {item}, a task of another Azure job, and tasks wait for those of their "
                    "own only: use one queue for both"
                )
            if detail is not None and detail.status is Status.FAILED:
                raise ServiceError(f"{job.name!r} depends on {item}, which has failed: {detail.reason}")
        return job.bound(job.job_queue, [str(item) for item in job.depends_on if item not in elsewhere])


def _is_in(azure_job: str, job_id: str) -> bool:
    place = place_of(job_id)
    return place is not None and place.azure_job.lower() == azure_job.lower()
