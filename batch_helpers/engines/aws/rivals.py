"""Another script that submits the same jobs at the same time: noticed on the way, and given way to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from batch_helpers.duplicates import by_key, twins
from batch_helpers.engines.aws.crew import spread
from batch_helpers.errors import ServiceError
from batch_helpers.job import Job, JobDetail

EARLY, STRIDE = 100, 1000
"""Submissions before the first look, and before the next one when the last has found nobody."""

Named = Callable[[str, str], Iterable[JobDetail]]
"""The jobs of a queue with a name."""

Active = Callable[[Collection[str]], Iterable[JobDetail]]
"""The active jobs of some queues."""


class Rivals:
    """Submits many jobs, and looks now and then whether the last of them is an older job's twin.

    Two scripts that are started at once both see an empty queue, and would submit all that they have before they meet
    at their first polls. Here the one that is behind notices, takes what is active by then for its own, and goes on
    with the rest from the other end; where the two meet, the other one notices.
    """

    def __init__(self, named: Named, active: Active) -> None:
        self._named, self._active, self._until_look = named, active, EARLY
        self._last: tuple[Job, str] | None = None

    def submit(
        self, jobs: Mapping[int, Job], send: Callable[[int], str], width: int
    ) -> tuple[dict[int, str], Exception | None]:
        """The jobIds of what was sent or found active, by place, and the first failure, after which nothing is sent."""
        done: dict[int, str] = {}
        left = list(jobs)
        while left:
            if self._until_look <= 0 and (theirs := self._look(jobs, left)) is not None:
                done |= theirs
                left = [place for place in reversed(left) if place not in done]
            stride, left = left[: self._until_look], left[self._until_look :]
            sent, failure = spread(send, stride, width)
            done |= {stride[number]: job_id for number, job_id in sent.items()}
            if failure is not None:
                return done, failure
            if stride:
                self._until_look -= len(stride)
                self._last = jobs[stride[-1]], done[stride[-1]]
        return done, None

    def _look(self, jobs: Mapping[int, Job], left: Sequence[int]) -> dict[int, str] | None:
        """The active jobs that are the same work as what is left, if somebody is ahead of us; None if nobody is.

        A look that fails stops nobody: the next poll sees what it has missed.
        """
        self._until_look = STRIDE
        try:
            if not self._is_overtaken():
                return None
            self._until_look = EARLY
            active = by_key(self._active({jobs[place].job_queue or "" for place in left}))
        except ServiceError:
            return None
        return {place: twins(active[key]).kept.job_id for place in left if (key := jobs[place].key) in active}

    def _is_overtaken(self) -> bool:
        """Whether a live job is older than the last one of ours that is the same work."""
        if self._last is None:
            return False
        job, job_id = self._last
        live = [other for other in self._named(job.job_queue or "", job.full_name) if other.status.active]
        return bool(live) and twins(live).kept.job_id != job_id
