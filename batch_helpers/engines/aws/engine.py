"""AWSEngine: the seam `Engine` over AWS Batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence

from batch_helpers.aws_client import AWSAccess
from batch_helpers.engines.aws import details, limits, logs, reading
from batch_helpers.engines.aws.api import API
from batch_helpers.engines.aws.catalogue import Definitions, Queues
from batch_helpers.engines.aws.crew import spread
from batch_helpers.engines.aws.images import ImageDefinitions
from batch_helpers.engines.aws.submission import Submission
from batch_helpers.engines.aws.termination import Termination
from batch_helpers.engines.base import Capabilities
from batch_helpers.errors import SubmitFailed
from batch_helpers.job import ACTIVE, Job, JobDetail


class AWSEngine:
    """Jobs in the job queues of AWS Batch. Making one makes no call and needs no region.

    sleep: how it waits. concurrency: most requests in flight at once.
    """

    name = "aws"
    capabilities = Capabilities(max_dependencies=limits.MAX_DEPENDENCIES, failure_dependencies=False)

    def __init__(
        self,
        access: AWSAccess | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        concurrency: int = 16,
    ) -> None:
        access = access or AWSAccess()
        self._sleep, self._width = sleep, concurrency
        self._batch = API(access, "batch", sleep=sleep, connections=concurrency)
        self._logs = API(access, "logs", sleep=sleep, connections=concurrency)
        self._queues, self._definitions = Queues(self._batch), Definitions(self._batch)
        self._images = ImageDefinitions(self._batch, sleep)
        self._termination = Termination(self._batch, concurrency)

    def check(self, jobs: Sequence[Job]) -> None:
        """Raise InvalidJob or NotFound for the first job that AWS Batch would refuse, or accept and let fail.

        Limits are checked locally; then each queue and definition is looked up, once in the engine's lifetime. Too
        many dependencies are not looked at here: such a job can be held until fewer are active.
        """
        for job in jobs:
            limits.check_job(job)
        self._queues.check(jobs)
        self._definitions.check(jobs)

    def submit(self, jobs: Sequence[Job]) -> list[str]:
        """Submit bound jobs; their jobIds, in order. A lost answer is settled by the job's name, never sent blindly.

        Raises InvalidJob before anything is sent, SubmitFailed with what was accepted when one is refused.
        """
        for job in jobs:
            limits.check_job(job)
            limits.check_dependencies(job)
        for image in dict.fromkeys(job.image for job in jobs if job.image is not None):
            self._images.definition(image)
        submission = Submission(self._batch, self._sleep)
        done, failure = spread(lambda job: submission.send(job, self._definition(job)), jobs, self._width)
        if failure is not None:
            raise SubmitFailed(f"{len(done)} of {len(jobs)} jobs were submitted, then: {failure}", done) from failure
        return [done[place] for place in range(len(jobs))]

    def active(self, queues: Collection[str]) -> Iterator[JobDetail]:
        """Every active job of these queues, once each; queues are names or ARNs. Reads summaries only."""
        for queue in {details.short(queue): queue for queue in queues}.values():
            # In the order in which a job moves, so that one that moves on meanwhile is seen twice rather than never.
            seen = {job.job_id: job for status in ACTIVE for job in reading.list_jobs(self._batch, queue, status)}
            yield from seen.values()

    def describe(self, job_ids: Sequence[str]) -> dict[str, JobDetail]:
        """All that is known of these jobs; ids that the service has forgotten are absent."""
        described = map(details.from_description, reading.describe_jobs(self._batch, job_ids, self._width))
        return {job.job_id: job for job in described}

    def terminate(self, job_ids: Sequence[str], reason: str) -> None:
        """End these jobs in any state; those that have ended or are unknown are left alone."""
        self._termination.end(job_ids, reason)

    def logs(self, job_id: str, attempt: int | None = None) -> Iterator[str]:
        """The lines of one attempt (counted from 1; None is the last) in CloudWatch; no stream yet is no lines."""
        for raw in reading.describe_jobs(self._batch, [job_id], 1):
            streams = {tried.number: tried.log for tried in details.from_description(raw).attempts}
            stream = streams.get(max(streams, default=0) if attempt is None else attempt)
            if stream:
                yield from logs.read(self._logs, logs.group_of(raw), stream)

    def wait(self, seconds: float) -> None:
        """Return after `seconds`: the service tells nothing by itself."""
        self._sleep(seconds)

    def _definition(self, job: Job) -> str:
        return job.job_definition or self._images.definition(job.image or "")
