"""Runner: the seam between the scheduler and whatever runs attempts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from batch_helpers.job import Status
from batch_helpers.serve.jobs.retrying import Failure
from batch_helpers.serve.state.rows import Ready, Stop

SUCCESS = Failure(exit_code=0)


class Event(NamedTuple):
    """Something that has happened to a job's attempt, at a time in milliseconds.

    status: STARTING, RUNNING, or SUCCEEDED or FAILED for an attempt that has ended, with `how` it did. began: False for
    one that was stopped before it was started.
    """

    seq: int
    status: Status
    at: int
    how: Failure = SUCCESS
    began: bool = True


class Capacity(NamedTuple):
    """The most that one job can be given; None is no limit. `memory` is in MiB."""

    vcpus: float | None = None
    memory: int | None = None


class Runner(Protocol):
    """Whatever runs attempts. All methods are called from one thread, one at a time."""

    @property
    def capacity(self) -> Capacity: ...

    @property
    def writes_logs(self) -> bool:
        """Whether attempts have logs."""
        ...

    @property
    def room(self) -> int:
        """How many more attempts it would like to be given now."""
        ...

    async def turn(self, ready: Sequence[Ready], stops: Sequence[Stop]) -> list[Event]:
        """Take these attempts, then make those stops, and tell what has happened since the last turn.

        An attempt that it has had before, in this life or an earlier one, is not started again. The end of every
        attempt that was taken is told, also of one that was ended before it was started.
        """
        ...

    def due_in(self) -> float | None:
        """Seconds until it would have something to tell; None is never, as things are."""
        ...

    def log(self, job_id: str, attempt: int, container: str) -> str | None:
        """The file with what a container of an attempt wrote, or None."""
        ...

    def forget(self, job_ids: Sequence[str]) -> None:
        """Remove what is left of jobs that nobody will ask about any more."""
        ...

    async def close(self) -> None:
        """Let go of everything; what runs goes on."""
        ...
