"""AzureEngine: the seam `Engine` over Azure Batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from batch_helpers.azure_client import AzureAccess
from batch_helpers.engines.azure import limits, logs
from batch_helpers.engines.azure.api import API, Raw
from batch_helpers.engines.azure.azure_jobs import AzureJob, AzureJobs
from batch_helpers.engines.azure.collection import MOST_TASKS
from batch_helpers.engines.azure.details import FIELDS, from_task
from batch_helpers.engines.azure.intake import Intake
from batch_helpers.engines.azure.picture import NOTHING, Picture, picture_of
from batch_helpers.engines.azure.pools import Pools
from batch_helpers.engines.azure.reading import Reading
from batch_helpers.engines.azure.termination import Termination
from batch_helpers.engines.azure.words import place_of
from batch_helpers.engines.base import Capabilities
from batch_helpers.job import Job, JobDetail, Status

_LAST_JOBS, _MOST_FAILED = 3, 5000


class AzureEngine:
    """Jobs as tasks of Azure Batch. Making one makes no call and needs no credentials.

    A queue is an Azure job. pool: where Azure jobs are made for queues that have none, or whose last one has been
    completed; without it only Azure jobs that exist are used. A jobId is `<Azure job>/<task>`. sleep: how it waits.
    Its parts `api`, `pools`, `jobs` and `reading` are those of which other faces of Azure Batch are made too.
    """

    name = "azure"
    capabilities = Capabilities(limits.MAX_DEPENDENCIES, failure_dependencies=True, jobs_per_request=MOST_TASKS)

    def __init__(
        self,
        access: AzureAccess | None = None,
        *,
        pool: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sleep = sleep
        self.api = API(access or AzureAccess(), sleep)
        self.pools = Pools(self.api)
        self.jobs = AzureJobs(self.api, self.pools, pool)
        self.reading = Reading(self.api)
        self._intake = Intake(self.api, self.reading, self.jobs, self.describe)
        self._termination = Termination(self.api)

    def check(self, jobs: Sequence[Job]) -> None:
        """Raise InvalidJob for the first job that cannot run on its pool, NotFound for a pool that does not exist."""
        self._intake.check(jobs)

    def submit(self, jobs: Sequence[Job]) -> list[str]:
        """Add a task for each bound job, in collections of a hundred; a live task of the same work is adopted.

        Raises UnknownDependency and InvalidJob before anything is sent, SubmitFailed with what was added when one is
        refused.
        """
        return self._intake.submit(jobs)

    def active(self, queues: Collection[str]) -> Iterator[JobDetail]:
        """Every task of these queues that may still run; those that wait for a failed one in vain are left out."""
        for queue in dict.fromkeys(queues):
            for azure_job in self.jobs.of(queue):
                if azure_job.live:
                    picture = picture_of(self.reading, azure_job)
                    yield from (_detail(raw, azure_job, picture) for raw in picture.live)

    def describe(self, job_ids: Sequence[str]) -> dict[str, JobDetail]:
        """All that is known of these tasks; a task that will never start is FAILED, with the reason."""
        found: dict[str, JobDetail] = {}
        for name, tasks in _by_azure_job(job_ids).items():
            for task, detail in self._details(name, self.reading.some(name, list(tasks))).items():
                found[tasks[task]] = replace(detail, job_id=tasks[task])
        return {job_id: found[job_id] for job_id in job_ids if job_id in found}

    def terminate(self, job_ids: Sequence[str], reason: str) -> None:
        """End these tasks in any state; those that have ended or are unknown are left alone."""
        self._termination.end(job_ids, reason)

    def cancel(self, job_ids: Sequence[str], reason: str) -> None:
        """End those of these tasks that have not started; the others, ended and unknown ones are left alone."""
        waiting = []
        for name, tasks in _by_azure_job(job_ids).items():
            states = {raw["id"].lower(): raw["state"] for raw in self.reading.some(name, list(tasks))}
            waiting += [job_id for task, job_id in tasks.items() if states.get(task) == "active"]
        self._termination.end(waiting, reason)

    def failed(self, queues: Collection[str]) -> Iterator[JobDetail]:
        """The tasks that failed in the last few Azure jobs of these queues, the newest first; 5,000 of each at most."""
        found = []
        for queue in dict.fromkeys(queues):
            for azure_job in self.jobs.of(queue)[-_LAST_JOBS:]:
                raws = islice(self.reading.failed(azure_job.id, FIELDS), _MOST_FAILED)
                found += [self._reasoned(_detail(raw, azure_job, NOTHING)) for raw in raws]
        yield from sorted(found, key=lambda detail: detail.stopped_at or 0, reverse=True)

    def logs(self, job_id: str, attempt: int | None = None) -> Iterator[str]:
        """The lines of stdout and then of stderr. The service keeps those of the last attempt only."""
        place = place_of(job_id)
        if place is None:
            return
        if attempt is not None:
            known = self.describe([job_id]).get(job_id)
            if known is None or not known.attempts or known.attempts[-1].number != attempt:
                return
        yield from logs.read(self.api, place)

    def wait(self, seconds: float) -> None:
        """Return after `seconds`: the service tells nothing by itself."""
        self._sleep(seconds)

    def everything(self, azure_job: str) -> list[JobDetail]:
        """All tasks of an Azure job, whoever added them."""
        return list(self._details(azure_job, self.reading.every(azure_job)).values())

    def settle(self, queues: Collection[str] | None = None) -> None:
        """Let the Azure jobs of these queues complete once their tasks have ended, so that they stop counting.

        queues: None is those that this engine has submitted to. One whose last tasks wait in vain is completed now.
        Tasks that are added later go to a new Azure job.
        """
        for queue in self.jobs.used if queues is None else queues:
            for azure_job in self.jobs.of(queue):
                if azure_job.state == "active":
                    self._settle(azure_job)

    def _settle(self, azure_job: AzureJob) -> None:
        picture = picture_of(self.reading, azure_job)
        if picture.tasks and not picture.live:
            self.jobs.end(azure_job.id, "every task has ended or waits for one that failed")
        else:
            self.jobs.settle(azure_job.id)

    def _details(self, name: str, raws: Sequence[Raw]) -> dict[str, JobDetail]:
        """Tasks of one Azure job as details, by their ids in lower case."""
        azure_job = self.jobs.look_up(name) if raws else None
        if azure_job is None:
            return {}
        picture = NOTHING
        if any(raw["state"] != "completed" for raw in raws):
            picture = picture_of(self.reading, azure_job)
        return {raw["id"].lower(): self._reasoned(_detail(raw, azure_job, picture)) for raw in raws}

    def _reasoned(self, detail: JobDetail) -> JobDetail:
        """With the reason that was given for ending it, which the service does not keep."""
        reason = self._termination.reasons.get(detail.job_id.lower())
        return replace(detail, reason=reason) if reason and detail.status is Status.FAILED else detail


def _by_azure_job(job_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """The jobIds by Azure job and by task (in lower case)."""
    groups: dict[str, dict[str, str]] = {}
    for job_id in job_ids:
        if (place := place_of(job_id)) is not None:
            groups.setdefault(place.azure_job, {})[place.task.lower()] = job_id
    return groups


def _detail(raw: Raw, azure_job: AzureJob, picture: Picture) -> JobDetail:
    task = raw["id"].lower()
    ended = raw["state"] == "completed"
    doomed = "" if ended else picture.doomed.get(task, "")
    return from_task(raw, azure_job.id, azure_job.queue, doomed=doomed, waits=task in picture.waiting)
