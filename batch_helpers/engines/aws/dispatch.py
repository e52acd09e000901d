"""Sends jobs, singly and as arrays, when all that they need is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from batch_helpers.engines.aws import images, limits
from batch_helpers.engines.aws.api import API
from batch_helpers.engines.aws.arrays import Arrays, sending
from batch_helpers.engines.aws.arrays.grouping import Part, parents_of, split, split_child
from batch_helpers.engines.aws.catalogue import Definitions
from batch_helpers.engines.aws.contents import ContentDefinitions
from batch_helpers.engines.aws.crew import each, spread
from batch_helpers.engines.aws.rivals import Rivals
from batch_helpers.engines.aws.spill import Spill, Spilled
from batch_helpers.engines.aws.submission import Submission
from batch_helpers.errors import NotFound, SubmitFailed
from batch_helpers.job import Job

SendArray = Callable[[], dict[int, str]]
"""Sends one array; its children's jobIds, by the places of their jobs."""


class Dispatch:
    """What `AWSEngine.submit` does. sign: a URL of an object for those who cannot sign. reclaims: see AWSEngine."""

    def __init__(
        self,
        api: API,
        rivals: Rivals,
        definitions: Definitions,
        contents: ContentDefinitions,
        arrays: Arrays,
        spill: Spill | None,
        sign: Callable[[str], str],
        sleep: Callable[[float], None],
        width: int,
        reclaims: int = 1,
    ) -> None:
        self._reclaims = min(reclaims, limits.MAX_ATTEMPTS)
        self._api, self._rivals = api, rivals
        self._definitions, self._contents, self._arrays = definitions, contents, arrays
        self._spill, self._sign, self._sleep, self._width = spill, sign, sleep, width

    def check(self, jobs: Sequence[Job], *, array: bool) -> None:
        """Raise InvalidInput for jobs that are too long to be sent. Their definitions have been looked up."""
        for job in jobs:
            if self._spill is not None or job.parameters:
                self._spilled(job)
        if array and self._spill is None:
            sending.check(filter(self._may_be_child, jobs), self._definitions.of)

    def submit(self, jobs: Sequence[Job], *, array: bool) -> list[str | None]:
        """The jobIds, in order; None for those that have to be held."""
        parts = split(jobs, self._arrays.upstream(parents_of(jobs)), self._may_be_child if array else _never)
        for job in map(jobs.__getitem__, parts.held):
            self._hold(job, array=array)
        submission = Submission(self._api, self._sleep)
        arrays, singles = self._as_arrays(submission, jobs, parts.arrays), self._singly(submission, jobs, parts.singles)
        sent, failure = spread(lambda send: send(), arrays, self._width)
        done = {place: job_id for ids in sent.values() for place, job_id in ids.items()}
        if failure is None:
            bound = {place: jobs[place] for place in singles}
            more, failure = self._rivals.submit(bound, lambda place: singles[place](), self._width)
            done |= more
        if failure is not None:
            raise SubmitFailed(f"{len(done)} of {len(jobs)} jobs were submitted, then: {failure}", done) from failure
        return [done.get(place) for place in range(len(jobs))]

    def _may_be_child(self, job: Job) -> bool:
        """Whether a job can be a child of an array: its command must be known, and be the shell's to start."""
        definition = self._definitions.of(job)
        return definition.properties == "containerProperties" and bool(job.command or definition.command)

    def _hold(self, job: Job, *, array: bool) -> None:
        upstream = [str(item) for item in job.depends_on]
        if not array and not any(map(split_child, upstream)):
            limits.check_dependencies(job)
        self._arrays.await_children(upstream)

    def _singly(
        self, submission: Submission, jobs: Sequence[Job], parts: Sequence[Part]
    ) -> dict[int, Callable[[], str]]:
        bound = {part.places[0]: _waiting(jobs[part.places[0]], part) for part in parts}
        spilled = {place: self._spilled(job) for place, job in bound.items()}
        if self._spill is not None:
            each(self._spill.keep, [item for item in spilled.values() if item is not None], self._width)
        made = self._made(bound.values())

        def send(place: int, job: Job) -> str:
            item, definition = spilled[place], job.job_definition or made[job.image or ""]
            carried = item.carried if item else None
            borne = self._borne(job)
            return self._sent(definition, lambda: submission.send(job, definition, carried, reclaims=borne))

        return {place: partial(send, place, job) for place, job in bound.items()}

    def _as_arrays(self, submission: Submission, jobs: Sequence[Job], parts: Sequence[Part]) -> list[SendArray]:
        orders = [self._order(jobs, part) for part in parts]
        each(self._keep, orders, self._width)
        made = self._made(item.first for item in orders if item.carrier.content is None)

        def send(item: sending.Order, definition: str) -> dict[int, str]:
            request = item.request(definition, submission.mark, self._borne(item.first))
            job_id = self._sent(definition, lambda: submission.deliver(request, f"array job {item.name!r}"))
            self._arrays.put(job_id, item.name, request["jobQueue"], item.table)
            return {place: f"{job_id}:{index}" for index, place in enumerate(item.part.places)}

        return [partial(send, item, self._definition(item, made)) for item in orders]

    def _borne(self, job: Job) -> int:
        """How many attempts reclaims may take of a job; a definition's own strategy is left alone."""
        return 1 if self._definitions.of(job).retries else self._reclaims

    def _order(self, jobs: Sequence[Job], part: Part) -> sending.Order:
        first = jobs[part.places[0]]
        self._definitions.check([first])
        return sending.order(jobs, part, self._definitions.of(first), self._spill, self._sign)

    def _keep(self, item: sending.Order) -> None:
        if self._spill is not None and item.carrier.uri is not None:
            self._spill.write(item.carrier.uri, item.table.content)

    def _definition(self, item: sending.Order, made: Mapping[str, str]) -> str:
        if item.carrier.content is not None:
            return self._contents.define(item.first.image or "", item.carrier.content)
        return item.first.job_definition or made[item.first.image or ""]

    def _made(self, jobs: Iterable[Job]) -> dict[str, str]:
        """The definitions of these jobs' images."""
        wanted = dict.fromkeys(job.image for job in jobs if job.image is not None)
        return {image: self._contents.define(image, images.content(image)) for image in wanted}

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

    def _sent(self, definition: str, send: Callable[[], str]) -> str:
        """What `send` returns; once more, when the definition of ours that it names has been deregistered meanwhile."""
        try:
            return send()
        except NotFound:
            if not self._contents.renew(definition):
                raise
            return send()


def _waiting(job: Job, part: Part) -> Job:
    """The job with what it waits for, as the service is told."""
    return job if part.whole == job.depends_on else job.bound(job.job_queue, part.whole)


def _never(job: Job) -> bool:  # noqa: ARG001
    return False
