"""What is to become of jobs that do not really run: outcomes by name, for `--instant`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from batch_helpers.errors import InvalidInput
from batch_helpers.job import Status
from batch_helpers.serve.jobs.merging import needs
from batch_helpers.serve.jobs.retrying import Failure
from batch_helpers.serve.verdicts import EXITED

HOLDABLE = (Status.RUNNABLE, Status.STARTING, Status.RUNNING)


class Place(NamedTuple):
    """Where an attempt runs, and what it has there. container: the JSON of the job's container."""

    queue: str = ""
    container: str = "{}"

    @property
    def memory(self) -> int:
        """MiB that it asks for."""
        return int(needs(json.loads(self.container))["MEMORY"])


NOWHERE = Place()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How jobs end whose names match.

    name: a pattern of fnmatch. array_index: only that child of an array. attempts: only the first so many attempts.
    queue: only in that queue. below: only jobs that ask for less than so many MiB.
    exit_code: None for an attempt that never got one, as when its host went away. reason: the container's.
    status_reason: the job's. seconds: how long it stands as RUNNING. hold: the status (RUNNABLE, STARTING or RUNNING)
    in which it stays until it is released.

    The first attempt of each job of a stage dies of memory, or loses its host:

        Outcome("a-*", attempts=1, exit_code=137, reason="OutOfMemoryError: Container killed due to memory usage")
        Outcome("b-*", attempts=1, exit_code=None, status_reason="Host EC2 (instance i-0) terminated.")

    Raises InvalidInput for a `hold` that is none of the three.
    """

    name: str = "*"
    array_index: int | None = None
    attempts: int | None = None
    queue: str | None = None
    below: int | None = None
    exit_code: int | None = 0
    reason: str = ""
    status_reason: str = EXITED
    seconds: float = 0.0
    hold: str | None = None

    def __post_init__(self) -> None:
        if self.hold is not None and self.hold not in HOLDABLE:
            raise InvalidInput(f"hold={self.hold!r}: jobs can be held in {', '.join(HOLDABLE)}")

    def fits(self, name: str, array_index: int | None, attempt: int, place: Place = NOWHERE) -> bool:
        if self.array_index is not None and self.array_index != array_index:
            return False
        if self.attempts is not None and attempt > self.attempts:
            return False
        if self.queue is not None and self.queue != place.queue:
            return False
        return (self.name == "*" or fnmatchcase(name, self.name)) and (self.below is None or place.memory < self.below)

    def failure(self) -> Failure:
        """How the attempt ends, in the words of retry strategies."""
        return Failure(self.exit_code, self.reason, self.status_reason)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def outcome_from(value: Mapping[str, Any]) -> Outcome:
    """An Outcome from its JSON. Raises InvalidInput for a member that it does not have."""
    known = [item.name for item in fields(Outcome)]
    if unknown := sorted(set(value) - set(known)):
        raise InvalidInput(f"an outcome has no {', '.join(unknown)}; it has {', '.join(known)}")
    return Outcome(**value)


def first_fitting(
    outcomes: Sequence[Outcome], name: str, array_index: int | None, attempt: int, place: Place = NOWHERE
) -> Outcome:
    """The outcome for an attempt: the first one that fits, else an immediate success."""
    return next((item for item in outcomes if item.fits(name, array_index, attempt, place)), SUCCESS)


SUCCESS = Outcome()
