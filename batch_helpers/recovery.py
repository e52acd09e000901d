"""What is tried again after a failure, and with what; when a run should pause. Pure: the conductor carries it out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from batch_helpers.diagnose import Cause, Diagnosis, FailureGroup, diagnose
from batch_helpers.diagnose.groups import memory_text
from batch_helpers.errors import InvalidInput
from batch_helpers.job import Job, JobDetail

RECLAIMED = frozenset({Cause.SPOT_RECLAIM, Cause.HOST_LOST})
BEFORE_THE_COMMAND = frozenset({Cause.IMAGE_PULL, Cause.START, Cause.CAPACITY})
CONSEQUENCES = frozenset({Cause.UPSTREAM, Cause.CANCELLED})
"""Causes that say nothing about the job itself."""

_DEFAULT_CAP = 8
_FEWEST = 3


@dataclass(frozen=True, slots=True)
class Recovery:
    """How failures are tried again by themselves; an application's own failure never is (`attempts` does that).

    memory_growth: by what a job's memory is multiplied when it went over it; None leaves it failed.
    memory_cap: the most MiB it grows to; by default eight times what the job asked for.
    fallback_queue: where a job goes after `max_reclaims` reclaims of spot capacity or losses of its host.
    max_reclaims: how many of them are borne in the job's own queue; they cost none of the job's `attempts`. On AWS the
    service tries again by itself, so that nobody need watch.
    start_retries: how often a job is tried again whose image could not be pulled, or whose container did not start.
    """

    memory_growth: float | None = None
    memory_cap: int | None = None
    fallback_queue: str | None = None
    max_reclaims: int = 3
    start_retries: int = 3

    def __post_init__(self) -> None:
        if self.memory_growth is not None and not (math.isfinite(self.memory_growth) and self.memory_growth > 1):
            raise InvalidInput(f"memory_growth={self.memory_growth!r}: give a number above 1, such as 2")
        if self.memory_cap is not None and self.memory_cap < 1:
            raise InvalidInput(f"memory_cap={self.memory_cap!r}: give a positive number of MiB")
        for name in ("max_reclaims", "start_retries"):
            if getattr(self, name) < 0:
                raise InvalidInput(f"{name}={getattr(self, name)!r}: give 0 or more")


def policy(
    recovery: Recovery | None, memory_growth: float | None, memory_cap: int | None, fallback_queue: str | None
) -> Recovery:
    """A policy that is given as a whole, or by its most used parts; InvalidInput when it is given both ways."""
    if recovery is None:
        return Recovery(memory_growth=memory_growth, memory_cap=memory_cap, fallback_queue=fallback_queue)
    given = {"memory_growth": memory_growth, "memory_cap": memory_cap, "fallback_queue": fallback_queue}
    for name, value in given.items():
        if value is not None:
            raise InvalidInput(f"{name}={value!r} is given beside recovery: give it within, Recovery({name}={value!r})")
    return recovery


@dataclass(frozen=True, slots=True)
class Resubmission:
    """The same work once more. job: what to submit (same fingerprint). change: what is different, in words."""

    job: Job
    cause: Cause
    change: str


def try_again(
    job: Job, failures: Sequence[Diagnosis], policy: Recovery, *, asked: Job | None = None
) -> Resubmission | None:
    """What to submit after `job` has failed, or None when it stays failed.

    job: as it was submitted last, with its queue. failures: the diagnosis of each jobId that this work has had in this
    run, the newest last. asked: the job as it was submitted first.
    """
    cause, asked = failures[-1].cause, asked or job
    if cause in RECLAIMED:
        return _after_reclaim(_given_back(job, failures, asked), cause, _count(failures, RECLAIMED), policy)
    if cause is Cause.APPLICATION:
        return _attempts_left(job, failures, asked)
    if cause is Cause.OUT_OF_MEMORY:
        return _with_more_memory(job, policy, asked.memory)
    if cause in BEFORE_THE_COMMAND and failures[-1].passing:
        return _started_again(job, cause, _count(failures, BEFORE_THE_COMMAND), policy)
    return None


class Tries:
    """What has become of each work in a run so far, so that a policy's limits hold over all the jobIds it has had."""

    def __init__(self, policy: Recovery) -> None:
        self._policy = policy
        self._failures: dict[str, list[Diagnosis]] = {}
        self._asked: dict[str, Job] = {}

    def after(self, job: Job, failed: JobDetail) -> Resubmission | None:
        """What to submit now that `job`, as it was submitted last, has failed; None when it stays failed."""
        failures = self._failures.setdefault(job.key, [])
        failures.append(diagnose(failed))
        asked = self._asked.setdefault(job.key, job)
        return try_again(job, failures, self._policy, asked=asked)


@dataclass(frozen=True, slots=True)
class Trip:
    """Why a run is paused: too many of its jobs failed alike."""

    group: FailureGroup
    total: int

    def text(self, held_back: int) -> str:
        """What happened, what is held back, and how to go on."""
        share = self.group.count / self.total
        return (
            f"paused: {self.group.count:,} of {self.total:,} jobs ({share:.1%}) failed alike: {self.group}. "
            f"{held_back:,} jobs are held back. Mend it and run the same script again; max_failures=None never pauses"
        )


def circuit(groups: Iterable[FailureGroup], total: int, max_failures: float | None) -> Trip | None:
    """Whether the run should pause: when failures that are alike make up `max_failures` of its `total` jobs.

    max_failures: a share above 0, up to 1; None never pauses. Fewer than three failures never pause a run of three jobs
    or more. Jobs that were cancelled, or failed because of others, do not count.
    """
    if max_failures is None:
        return None
    if not 0 < max_failures <= 1:
        raise InvalidInput(f"max_failures={max_failures!r}: give a share of the jobs, such as 0.05 for 5 %, or None")
    least = max(min(_FEWEST, total), math.ceil(max_failures * total), 1)
    worst = max((group for group in groups if group.cause not in CONSEQUENCES), key=_size, default=None)
    return Trip(worst, total) if worst is not None and worst.count >= least else None


def _size(group: FailureGroup) -> int:
    return group.count


def _after_reclaim(job: Job, cause: Cause, reclaims: int, policy: Recovery) -> Resubmission | None:
    if reclaims < policy.max_reclaims:
        return Resubmission(_again(job), cause, f"again in queue {job.job_queue} ({reclaims} x {cause})")
    if policy.fallback_queue is None or policy.fallback_queue == job.job_queue:
        return None
    change = f"queue {job.job_queue} -> {policy.fallback_queue} ({reclaims} x {cause})"
    return Resubmission(replace(_again(job), job_queue=policy.fallback_queue), cause, change)


def _attempts_left(job: Job, failures: Sequence[Diagnosis], asked: Job) -> Resubmission | None:
    """Reclaims have cost it attempts, which the service counts together with those of the application: it gets them."""
    left = _left(failures, asked)
    if left < 1 or not _count(failures, RECLAIMED):
        return None
    change = f"{left} of its {asked.attempts} attempts were lost to reclaims"
    return Resubmission(replace(_again(job), attempts=left), Cause.APPLICATION, change)


def _given_back(job: Job, failures: Sequence[Diagnosis], asked: Job) -> Job:
    return replace(job, attempts=max(1, _left(failures, asked)))


def _left(failures: Iterable[Diagnosis], asked: Job) -> int:
    return asked.attempts - _count(failures, frozenset({Cause.APPLICATION}))


def _with_more_memory(job: Job, policy: Recovery, asked: int | None) -> Resubmission | None:
    if policy.memory_growth is None or job.memory is None:
        return None
    cap = policy.memory_cap or _DEFAULT_CAP * (asked or job.memory)
    memory = min(math.ceil(job.memory * policy.memory_growth), cap)
    if memory <= job.memory:
        return None
    change = f"memory {memory_text(job.memory)} -> {memory_text(memory)}"
    return Resubmission(replace(_again(job), memory=memory), Cause.OUT_OF_MEMORY, change)


def _started_again(job: Job, cause: Cause, starts: int, policy: Recovery) -> Resubmission | None:
    if starts > policy.start_retries:
        return None
    return Resubmission(_again(job), cause, f"again ({starts} x {cause})")


def _again(job: Job) -> Job:
    """The same work with nothing left to wait for: what it waited for has ended, or it could not have run."""
    return replace(job, depends_on=())


def _count(failures: Iterable[Diagnosis], causes: frozenset[Cause]) -> int:
    """How often it came to this, in all attempts of all its jobIds; a job without attempts counts by its cause."""
    return sum(
        max(sum(cause in causes for cause in failure.attempts), int(failure.cause in causes)) for failure in failures
    )
