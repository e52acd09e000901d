"""AWSEngine: the seam `Engine` over AWS Batch."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from batch_helpers.aws_client import AWSAccess
from batch_helpers.budget import Budget
from batch_helpers.engines.aws import details, images, limits, listing, logs, pruning, reading
from batch_helpers.engines.aws.api import API
from batch_helpers.engines.aws.catalogue import Definitions, Queues
from batch_helpers.engines.aws.contents import ContentDefinitions
from batch_helpers.engines.aws.crew import each, spread
from batch_helpers.engines.aws.spill import Spill, Spilled
from batch_helpers.engines.aws.submission import Submission
from batch_helpers.engines.aws.termination import Termination
from batch_helpers.engines.base import Capabilities
from batch_helpers.errors import InvalidInput, NotFound, SubmitFailed
from batch_helpers.job import Job, JobDetail


class AWSEngine:
    """Jobs in the job queues of AWS Batch. Making one makes no call and needs no region.

    rate: requests to AWS Batch per second, for all engines of this process that use the same account and region; by
    default 40, of the 50 that the service admits (1,000 for an endpoint on this machine). A Budget of one's own is used
    as it is, for the logs too, which otherwise have theirs.
    spill: where commands are kept that are too long to be sent; by default they are refused.
    sleep: how it waits. concurrency: most requests in flight at once.
    """

    name = "aws"
    capabilities = Capabilities(max_dependencies=limits.MAX_DEPENDENCIES, failure_dependencies=False)

    def __init__(
        self,
        access: AWSAccess | None = None,
        *,
        rate: Budget | float | None = None,
        spill: Spill | None = None,
        sleep: Callable[[float], None] = time.sleep,
        concurrency: int = 16,
    ) -> None:
        access = access or AWSAccess()
        self._sleep, self._width, self._spill = sleep, concurrency, spill
        self._batch = API(access, "batch", sleep=sleep, connections=concurrency, budget=rate)
        logs_rate = rate if isinstance(rate, Budget) else None
        self._logs = API(access, "logs", sleep=sleep, connections=concurrency, budget=logs_rate)
        self._queues, self._definitions = Queues(self._batch), Definitions(self._batch)
        self._contents = ContentDefinitions(self._batch, sleep)
        self._termination = Termination(self._batch, concurrency, "terminate")
        self._cancellation = Termination(self._batch, concurrency, "cancel")

    def check(self, jobs: Sequence[Job]) -> None:
        """Raise InvalidJob or NotFound for the first job that AWS Batch would refuse, or accept and let fail.

        Limits are checked locally; then each queue and definition is looked up, once in the engine's lifetime. Too
        many dependencies are not looked at here: such a job can be held until fewer are active.
        """
        for job in jobs:
            limits.check_job(job)
            if self._spill is None:
                limits.check_size(job)
        self._queues.check(jobs)
        self._definitions.check(jobs)
        for job in jobs:
            if self._spill is not None or job.parameters:
                self._spilled(job)

    def submit(self, jobs: Sequence[Job]) -> list[str]:
        """Submit bound jobs; their jobIds, in order. A lost answer is settled by the job's name, never sent blindly.

        Raises InvalidJob before anything is sent, SubmitFailed with what was accepted when one is refused.
        """
        for job in jobs:
            limits.check_job(job)
            limits.check_dependencies(job)
        orders = self._orders(jobs)
        submission = Submission(self._batch, self._sleep)
        done, failure = spread(lambda order: self._send(submission, *order), orders, self._width)
        if failure is not None:
            raise SubmitFailed(f"{len(done)} of {len(jobs)} jobs were submitted, then: {failure}", done) from failure
        return [done[place] for place in range(len(jobs))]

    def active(self, queues: Collection[str]) -> Iterator[JobDetail]:
        """Every active job of these queues, once each, but for those that have been told to end.

        queues: names or ARNs. Reads summaries only, the queues side by side.
        """
        distinct = list({details.short(queue): queue for queue in queues}.values())
        for jobs in each(partial(listing.active_jobs, self._batch), distinct, self._width):
            yield from jobs

    def failed(self, queues: Collection[str]) -> Iterator[JobDetail]:
        """The jobs of these queues that failed and are still known, the newest first; 10,000 of a queue at most."""
        distinct = list({details.short(queue): queue for queue in queues}.values())
        found = each(partial(listing.failed_jobs, self._batch), distinct, self._width)
        yield from heapq.merge(*found, key=listing.when_stopped, reverse=True)

    def describe(self, job_ids: Sequence[str]) -> dict[str, JobDetail]:
        """All that is known of these jobs; ids that the service has forgotten are absent."""
        described = map(details.from_description, reading.describe_jobs(self._batch, job_ids, self._width))
        return {job.job_id: job for job in described}

    def terminate(self, job_ids: Sequence[str], reason: str) -> None:
        """End these jobs in any state; those that have ended or are unknown are left alone."""
        self._termination.end(job_ids, reason)

    def cancel(self, job_ids: Sequence[str], reason: str) -> None:
        """End those of these jobs that are before STARTING; the others are left alone."""
        self._cancellation.end(job_ids, reason)

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

    def define(self, stem: str, content: Mapping[str, Any]) -> str:
        """The name, without revision, of the active definition with this content: looked up once, else registered.

        stem: what the name begins with. content: the members of RegisterJobDefinition but for its name. Thread-safe.
        Raises InvalidInput for a content above 24 KiB.
        """
        return self._contents.define(stem, content)

    @property
    def registered(self) -> Sequence[str]:
        """name:revision of the definitions that this engine has registered itself."""
        return self._contents.registered

    def deregister(self, definitions: Iterable[str]) -> None:
        """Make these definitions (name:revision or ARN) inactive; those that are unknown are no error."""
        self._contents.deregister(definitions)

    def prune(self, older_than: float, *, dry_run: bool = False) -> list[str]:
        """Deregister old definitions of ours, and tell which (name:revision).

        older_than: seconds since they were registered. Those of active jobs, of any queue of the account, are kept, and
        so are those that this engine has looked up. A run that needs one later registers it again by itself.
        """
        if not older_than >= 0:
            raise InvalidInput(f"older_than={older_than!r}: give seconds, 0 or more")
        found = pruning.unused(self._batch, time.time() - older_than, self._width)
        doomed = [definition for definition in found if not self._contents.knows(definition)]
        if not dry_run:
            self.deregister(doomed)
        return doomed

    def _orders(self, jobs: Sequence[Job]) -> list[tuple[Job, str, Spilled | None]]:
        """Each job with its definition and what is sent instead of it; all that must be there before it is sent."""
        spilled = [self._spilled(job) for job in jobs]
        wanted = dict.fromkeys(job.image for job in jobs if job.image is not None)
        made = {image: self.define(image, images.content(image)) for image in wanted}
        if self._spill is not None:
            each(self._spill.keep, [item for item in spilled if item is not None], self._width)
        definitions = [job.job_definition or made[job.image or ""] for job in jobs]
        return list(zip(jobs, definitions, spilled, strict=True))

    def _spilled(self, job: Job) -> Spilled | None:
        """What is sent instead of a job that is too long. Raises InvalidJob when nothing can be."""
        command = self._definitions.of(job).command
        if self._spill is None:
            limits.check_size(job, command)
            return None
        if limits.fits(job, command):
            return None
        self._definitions.check([job])
        return self._spill.spilled(job, self._definitions.of(job))

    def _send(self, submission: Submission, job: Job, definition: str, spilled: Spilled | None) -> str:
        carried = spilled.carried if spilled else None
        try:
            return submission.send(job, definition, carried)
        except NotFound:
            if not self._contents.renew(definition):
                raise
            return submission.send(job, definition, carried)
