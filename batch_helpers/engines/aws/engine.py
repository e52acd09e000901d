"""AWSEngine: the seam `Engine` over AWS Batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from batch_helpers.aws_client import AWSAccess
from batch_helpers.budget import Budget
from batch_helpers.engines.aws import details, limits, listing, logs, pruning, reading
from batch_helpers.engines.aws.api import API
from batch_helpers.engines.aws.arrays import Arrays
from batch_helpers.engines.aws.arrays.reading import presigned, s3_reader
from batch_helpers.engines.aws.catalogue import Definitions, Queues
from batch_helpers.engines.aws.contents import ContentDefinitions
from batch_helpers.engines.aws.crew import each
from batch_helpers.engines.aws.dispatch import Dispatch
from batch_helpers.engines.aws.rivals import Rivals
from batch_helpers.engines.aws.spill import Spill
from batch_helpers.engines.aws.termination import Termination
from batch_helpers.engines.base import Capabilities
from batch_helpers.errors import InvalidInput
from batch_helpers.job import Job, JobDetail


class AWSEngine:
    """Jobs in the job queues of AWS Batch. Making one makes no call and needs no region.

    rate: requests to AWS Batch per second, for all engines of this process that use the same account and region; by
    default 40, of the 50 that the service admits (1,000 for an endpoint on this machine). A Budget of one's own is used
    as it is, for the logs too, which otherwise have theirs.
    spill: where commands are kept that are too long to be sent; by default they are refused.
    array: whether jobs that are alike are submitted as array jobs; those that are active are understood in any case.
    reclaims: how many attempts the service gives by itself to a job whose machine it takes back, up to 10; a definition
    with a retry strategy of its own keeps that. sleep: how it waits. concurrency: most requests in flight at once.
    """

    name = "aws"

    def __init__(
        self,
        access: AWSAccess | None = None,
        *,
        rate: Budget | float | None = None,
        spill: Spill | None = None,
        array: bool = False,
        reclaims: int = 1,
        sleep: Callable[[float], None] = time.sleep,
        concurrency: int = 16,
    ) -> None:
        access = access or AWSAccess()
        self.array = array
        self._sleep, self._width, self._spill = sleep, concurrency, spill
        self._batch = API(access, "batch", sleep=sleep, connections=concurrency, budget=rate)
        logs_rate = rate if isinstance(rate, Budget) else None
        self._logs = API(access, "logs", sleep=sleep, connections=concurrency, budget=logs_rate)
        self._queues, self._definitions = Queues(self._batch), Definitions(self._batch)
        self._contents = ContentDefinitions(self._batch, sleep)
        read, ours = (spill.read, spill.holds) if spill else (s3_reader(access), _nobodys)
        self._arrays = Arrays(self._batch, concurrency, read, ours)
        self._dispatch = Dispatch(
            self._batch,
            Rivals(partial(listing.jobs_named, self._batch), self.active),
            self._definitions,
            self._contents,
            self._arrays,
            spill,
            partial(presigned, access),
            sleep,
            concurrency,
            reclaims,
        )
        self._termination = Termination(self._batch, concurrency, "terminate")
        self._cancellation = Termination(self._batch, concurrency, "cancel")

    @property
    def capabilities(self) -> Capabilities:
        """Of a cohort that is submitted as arrays `submit` itself tells which jobs are to be held."""
        most = None if self.array else limits.MAX_DEPENDENCIES
        return Capabilities(max_dependencies=most, jobs_per_request=1, request_rate=self._batch.rate)

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
        self._dispatch.check(jobs, array=self.array)

    def submit(self, jobs: Sequence[Job]) -> list[str | None]:
        """Submit bound jobs; their jobIds, in order. A lost answer is settled by the job's name, never sent blindly.

        None is for a job that waits for what cannot be said to the service: single children of an array, or more jobs
        than it takes of a cohort that is submitted as arrays. Raises InvalidJob before anything is sent, SubmitFailed
        with what was accepted when one is refused.
        """
        for job in jobs:
            limits.check_job(job)
        return self._dispatch.submit(jobs, array=self.array)

    def active(self, queues: Collection[str]) -> Iterator[JobDetail]:
        """Every active job of these queues, once each, but for those that have been told to end.

        queues: names or ARNs. Reads summaries only, the queues side by side.
        """
        yield from self._arrays.with_children(self._listed(queues), told=False)

    def look(self, queues: Collection[str], watched: Collection[str]) -> Iterator[JobDetail]:
        """What a poll has to see who watches these jobs: at least they themselves, and others of the same work.

        Arrays are asked for their numbers only. Children of which it is only known how many have ended are given as
        ended; `describe` tells which ones later.
        """
        found = self._arrays.look(watched, partial(self._newest, queues))
        yield from self._arrays.with_children(self._listed(queues), told=True) if found is None else found

    def failed(self, queues: Collection[str]) -> Iterator[JobDetail]:
        """The jobs of these queues that failed and are still known, the newest first; 10,000 of a queue at most."""
        found = each(partial(listing.failed_jobs, self._batch), _distinct(queues), self._width)
        yield from self._arrays.failed_children(job for jobs in found for job in jobs)

    def describe(self, job_ids: Sequence[str]) -> dict[str, JobDetail]:
        """All that is known of these jobs; ids that the service has forgotten are absent."""
        known, rest = self._arrays.described(job_ids)
        described = map(details.from_description, reading.describe_jobs(self._batch, rest, self._width))
        return known | self._arrays.named({job.job_id: job for job in described})

    def terminate(self, job_ids: Sequence[str], reason: str) -> None:
        """End these jobs in any state; those that have ended or are unknown are left alone."""
        self._termination.end(self._arrays.to_end(job_ids), reason)
        self._arrays.terminated(job_ids)

    def cancel(self, job_ids: Sequence[str], reason: str) -> None:
        """End those of these jobs that are before STARTING; the others are left alone."""
        self._cancellation.end(self._arrays.to_end(job_ids), reason)

    def logs(self, job_id: str, attempt: int | None = None) -> Iterator[str]:
        """The lines of one attempt (counted from 1; None is the last) in CloudWatch; no stream yet is no lines.

        Of a job with several containers those of all, in the order of their time, each with its container's name.
        """
        for raw in reading.describe_jobs(self._batch, [job_id], 1):
            yield from logs.read_all(self._logs, logs.group_of(raw), details.streams(raw, attempt))

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

    def _listed(self, queues: Collection[str]) -> list[JobDetail]:
        listed = each(partial(listing.active_jobs, self._batch), _distinct(queues), self._width)
        return [job for jobs in listed for job in jobs]

    def _newest(self, queues: Collection[str], since: float) -> list[JobDetail] | None:
        look = partial(listing.newest_jobs, self._batch, since=since)
        found = each(look, _distinct(queues), self._width)
        return None if None in found else [job for some in found for job in some or ()]


def _distinct(queues: Iterable[str]) -> list[str]:
    """Each queue once, given by its name or its ARN."""
    return list({details.short(queue): queue for queue in queues}.values())


def _nobodys(uri: str) -> bool:  # noqa: ARG001
    return False
