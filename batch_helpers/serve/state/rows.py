"""What passes between the state and the rest of the room: plain tuples with names. Times are milliseconds."""

from __future__ import annotations

from typing import Any, NamedTuple

from batch_helpers.job import Status


class Resource(NamedTuple):
    """A compute environment, job queue or scheduling policy, as its Describe operation shows it, without its tags."""

    name: str
    document: dict[str, Any]
    tags: dict[str, str]


class Definition(NamedTuple):
    """One revision of a job definition; `document` is its registration."""

    name: str
    revision: int
    active: bool
    document: dict[str, Any]
    tags: dict[str, str]

    @property
    def label(self) -> str:
        return f"{self.name}:{self.revision}"


class NewJob(NamedTuple):
    """A job to be inserted. `upstream` are the seqs of unfinished jobs that it waits for; the rest as in the tables."""

    id: str
    head: str
    queue: str
    name: str
    definition: str
    specification: tuple[str, str, str | None]
    tags: dict[str, str]
    created_at: int
    share: str | None = None
    size: int | None = None
    doom: str | None = None
    upstream: tuple[int, ...] = ()


class Summary(NamedTuple):
    """A job as ListJobs shows it. `life` and `ended` are JSON: members of the job, and of how its container ended."""

    seq: int
    life: str
    ended: str
    size: int | None
    flags: int


class PlainPage(NamedTuple):
    """A page of jobs as one text, the seq of the last of them, and whether there are more."""

    text: str
    last: int
    more: bool


class Detail(NamedTuple):
    """A job as DescribeJobs shows it; what is constant is JSON."""

    seq: int
    definition: str
    life: str
    ended: str
    size: int | None
    flags: int
    queue: str
    stream: str | None
    attempts: str | None
    document: str
    container: str
    task: str | None
    tags: str


class Known(NamedTuple):
    """As much of a job as dependencies and cancellations need."""

    seq: int
    id: str
    status: str
    size: int | None
    dispatched: int
    parent: int | None


class Ready(NamedTuple):
    """An attempt that a runner may start; `number` counts from 1."""

    seq: int
    id: str
    name: str
    queue: str
    status: str
    number: int
    array_index: int | None
    document: str
    container: str
    task: str | None = None


class Started(NamedTuple):
    """The present attempt of a job, as far as its log streams are named after it.

    container: the one whose log is the job's. containers: all whose logs are kept.
    """

    id: str
    definition: str
    number: int
    container: dict[str, Any]
    containers: list[dict[str, Any]]


class Identity(NamedTuple):
    """What an array gives to its children, and the JSON of its dependencies."""

    id: str
    name: str
    definition: str
    share: str | None
    document: str


class Stop(NamedTuple):
    """An attempt that has to be stopped; without `force` only if it has not started."""

    seq: int
    job_id: str
    force: bool


class Occupant(NamedTuple):
    """A job whose attempt has ended, as far as the verdict on it needs to know.

    retries: its retry strategy, task: its task if it has ecsProperties, both as JSON. container: the name of its
    container, or its main one.
    """

    seq: int
    definition: str
    started_at: int | None
    stream: str | None
    attempt: int
    attempts: str | None
    cancel: str | None
    retries: str
    task: str | None
    container: str | None


class Ending(NamedTuple):
    """How a job ends: SUCCEEDED or FAILED for good, or RUNNABLE for another attempt."""

    seq: int
    status: Status
    reason: str | None
    stopped_at: int
    exit_code: int | None = None
    container_reason: str | None = None
    attempt: int = 0
    attempts: str | None = None


class Stream(NamedTuple):
    """A log stream: what an attempt of a job wrote."""

    log_group: str
    name: str
    job: str
    attempt: int
    created_at: int
