"""Engine: the seam behind which jobs run. One contract suite (tests/contracts) holds every engine to it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from batch_helpers.job import Job, JobDetail


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine takes, which the plan must know before it submits.

    max_dependencies: most jobIds that one job may wait for; None is no limit. Beyond it a job is held.
    failure_dependencies: whether it starts dependants of a job that failed and has `run_dependents_on_fail`;
    where it does not, such dependants are held.
    jobs_per_request: how many jobs one request submits; 0 where submitting asks no service.
    request_rate: requests a second that it allows itself; None is no limit.
    """

    max_dependencies: int | None = None
    failure_dependencies: bool = False
    jobs_per_request: int = 0
    request_rate: float | None = None


class Engine(Protocol):
    """Where jobs run. Methods raise only errors of batch_helpers.errors."""

    @property
    def name(self) -> str:
        """One word for messages and options: `local`, `aws`, …"""
        ...

    @property
    def capabilities(self) -> Capabilities: ...

    def check(self, jobs: Sequence[Job]) -> None:
        """Raise InvalidJob for the first job that this engine can never run; asks the service only about names.

        NotFound for a queue or a definition that does not exist. Nothing is submitted, and an engine may remember
        what it has looked up.
        """
        ...

    def submit(self, jobs: Sequence[Job]) -> Sequence[str | None]:
        """Submit bound jobs (see Job.bound: queue and jobIds settled) and return their jobIds, in order.

        A job whose fingerprint is active already may be answered with the active job's id. None is for a job that was
        not submitted, because the engine cannot be told of all that it waits for: hold it, and try again when less of
        that is active. SubmitFailed carries what was accepted before something went wrong.
        """
        ...

    def active(self, queues: Collection[str]) -> Iterator[JobDetail]:
        """Every job of these queues that has not finished, whoever submitted it; at least id, name and status."""
        ...

    def describe(self, job_ids: Sequence[str]) -> dict[str, JobDetail]:
        """All that is known of these jobs; ids that the service has forgotten are absent."""
        ...

    def terminate(self, job_ids: Sequence[str], reason: str) -> None:
        """End these jobs, whatever their state; those that have ended or are unknown are left alone."""
        ...

    def cancel(self, job_ids: Sequence[str], reason: str) -> None:
        """End those of these jobs that have not started; the others, ended and unknown ones are left alone."""
        ...

    def failed(self, queues: Collection[str]) -> Iterator[JobDetail]:
        """Jobs of these queues that have failed, the newest first; bounded, so it may not be all of them."""
        ...

    def logs(self, job_id: str, attempt: int | None = None) -> Iterator[str]:
        """The lines of one attempt's log, without line ends; the last attempt when None. No log yet is no lines."""
        ...

    def wait(self, seconds: float) -> None:
        """Return after `seconds`, or sooner if the engine can tell that a job has changed."""
        ...


@runtime_checkable
class ArrayEngine(Engine, Protocol):
    """An engine that can submit many jobs as one array job, each child of which is still a job with its own jobId.

    array: whether it does.
    """

    array: bool

    def look(self, queues: Collection[str], watched: Collection[str]) -> Iterator[JobDetail]:
        """What a poll has to see who watches these jobs: they themselves, and other active jobs of the same work.

        Of which children of an array have ended the engine may know the number only: so many are given as ended, and
        `describe` tells later which ones they are.
        """
        ...
