"""What is known of one array: which of its children have ended, and how the others stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from batch_helpers.engines.aws.details import Parent
from batch_helpers.engines.aws.listing import LISTED
from batch_helpers.job import JobDetail, Status

_FURTHEST_FIRST = (Status.RUNNING, Status.STARTING, Status.RUNNABLE, Status.PENDING, Status.SUBMITTED)
_STARTED = (Status.STARTING, Status.RUNNING)


@dataclass(slots=True)
class Array:
    """An array of ours. names: the children's own full names, by index.

    ended: what is known of those that have ended. described: the failed ones of which all is known. started: exactly
    how those stand that have started, where that was asked; otherwise only their number is known. ending: those that
    have been told to end, terminated: by this engine. awaited: whether jobs are held back for single children of it.
    """

    job_id: str
    names: Sequence[str]
    latest: Parent
    ended: dict[int, JobDetail] = field(default_factory=dict)
    described: set[int] = field(default_factory=set)
    ending: set[int] = field(default_factory=set)
    terminated: set[int] = field(default_factory=set)
    started: Mapping[int, JobDetail] | None = None
    awaited: bool = False
    _told: tuple[object, list[JobDetail]] | None = None

    def child(self, index: int, detail: JobDetail) -> JobDetail:
        """What the service tells of a child, under the child's own name."""
        return replace(detail, name=self.names[index], queue=detail.queue or self.latest.queue)

    def number_ended(self, status: Status) -> int:
        return sum(detail.status is status for detail in self.ended.values())

    def unknown(self, status: Status) -> int:
        """How many children have ended so, without its being known which ones."""
        return max(0, (self.latest.counts or {}).get(status, 0) - self.number_ended(status))

    def to_list(self, *, all_of_them: bool) -> list[Status]:
        """The statuses whose children have to be listed. Failures are told at once; successes in good time.

        Pages are a thousand children long and begin with the first one each time, so the successes of a large array are
        listed when there are twice as many as before, and at its end. Their number is known all the time.
        """
        wanted = []
        if (unknown := self.unknown(Status.SUCCEEDED)) and (
            all_of_them
            or self.awaited
            or len(self.names) <= LISTED
            or not self.latest.status.active
            or unknown >= max(LISTED, self.number_ended(Status.SUCCEEDED))
        ):
            wanted.append(Status.SUCCEEDED)
        if self.unknown(Status.FAILED):
            wanted.append(Status.FAILED)
        return wanted

    def left(self) -> list[int]:
        """The children that have not ended, and have not been told to."""
        return [place for place in range(len(self.names)) if place not in self.ended and place not in self.ending]

    def needed(self) -> frozenset[int]:
        """The children that have not succeeded, as far as is known."""
        good = {place for place, detail in self.ended.items() if detail.status is Status.SUCCEEDED}
        return frozenset(range(len(self.names))) - good

    def living(self, *, told: bool) -> Sequence[JobDetail]:
        """The children that have not ended. Which of them stands how is a guess, the number of each status is not.

        told: where it is not known which ones have ended, so many are given as ended; otherwise they count as running.
        """
        about = (self.latest.status, self.latest.counts, len(self.ended), len(self.ending), told)
        if self.started is not None:
            return self._guessed(told=told)
        if self._told is None or self._told[0] != about:
            self._told = about, self._guessed(told=told)
        return self._told[1]

    def take(self, listed: Iterable[tuple[int, JobDetail]]) -> None:
        """Learn of children that have ended."""
        for index, detail in listed:
            if index < len(self.names) and index not in self.ended:
                self.ended[index] = self.child(index, detail)

    def _guessed(self, *, told: bool) -> list[JobDetail]:
        left = self.left()
        exact = self.started or {}
        states = iter(self._states(told=told))
        rest = Status.PENDING if self.latest.counts else _active(self.latest.status)
        return [exact[place] if place in exact else self._living(place, next(states, rest)) for place in left]

    def _states(self, *, told: bool) -> list[Status]:
        counts = self.latest.counts or {}
        ended = {status: self.unknown(status) for status in (Status.SUCCEEDED, Status.FAILED)}
        states = [status if told else Status.RUNNING for status, number in ended.items() for _ in range(number)]
        wanted = _FURTHEST_FIRST if self.started is None else _FURTHEST_FIRST[len(_STARTED) :]
        return states + [status for status in wanted for _ in range(counts.get(status, 0))]

    def _living(self, index: int, status: Status) -> JobDetail:
        parent = self.latest
        return JobDetail(
            f"{self.job_id}:{index}",
            self.names[index],
            status,
            queue=parent.queue,
            job_definition=parent.job_definition,
            created_at=parent.created_at,
        )


def _active(status: Status) -> Status:
    return status if status.active else Status.RUNNING
