"""What a job queue is to be like, checked when it is said. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from batch_helpers.errors import InvalidInput
from batch_helpers.resources.aws.checks import check_name, check_one_of, check_tags

MAX_ENVIRONMENTS = 3
MAX_PRIORITY = 1000
TIME_LIMIT = range(600, 86_401)
"""Seconds: https://docs.aws.amazon.com/batch/latest/APIReference/API_JobStateTimeLimitAction.html"""

STUCK_REASONS = (
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
)
"""Why a job may be stuck in RUNNABLE: https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable.html"""


class TimeLimit(NamedTuple):
    """Cancel the job at the queue's head when it is RUNNABLE for this reason for so many seconds."""

    reason: str
    seconds: int


@dataclass(frozen=True, slots=True)
class JobQueue:
    """A job queue. Raises InvalidInput, with the field and the value, for what cannot work.

    compute_environments: names or ARNs, at most 3, the first one is filled first. priority: 0 to 1000; queues of higher
    priority that share an environment go first. scheduling_policy: an ARN, for fair share; once given it cannot go.
    """

    name: str
    compute_environments: tuple[str, ...]
    priority: int = 1
    scheduling_policy: str | None = None
    time_limits: tuple[TimeLimit, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_name("job queue", self.name)
        check_tags(self._who, self.tags)
        if not 1 <= len(self.compute_environments) <= MAX_ENVIRONMENTS:
            raise self._invalid("compute_environments", f"give 1 to {MAX_ENVIRONMENTS}")
        if len(set(self.compute_environments)) < len(self.compute_environments):
            raise self._invalid("compute_environments", "one is named twice")
        if not 0 <= self.priority <= MAX_PRIORITY:
            raise self._invalid("priority", f"give a whole number from 0 to {MAX_PRIORITY}")
        if self.scheduling_policy is not None and not self.scheduling_policy.startswith("arn:"):
            raise self._invalid("scheduling_policy", "give its ARN")
        for limit in self.time_limits:
            check_one_of(f"{self._who}: time_limits: reason", limit.reason, STUCK_REASONS)
            if limit.seconds not in TIME_LIMIT:
                problem = f"{limit.reason}: give {TIME_LIMIT[0]} to {TIME_LIMIT[-1]} seconds, not {limit.seconds}"
                raise InvalidInput(f"{self._who}: time_limits: {problem}")

    @property
    def _who(self) -> str:
        return f"job queue {self.name!r}"

    def _invalid(self, name: str, problem: str) -> InvalidInput:
        return InvalidInput(f"{self._who}: {name}={getattr(self, name)!r}: {problem}")
