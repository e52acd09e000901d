"""What passes between the database and the rest of the room: plain tuples with names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from batch_helpers.job import Status


class Spec(NamedTuple):
    """What it takes to start an attempt. `outputs` are absolute local paths; `folders` are shown to a container."""

    command: Sequence[str] = ()
    environment: Mapping[str, str] = {}
    outputs: Sequence[str] = ()
    image: str | None = None
    runtime: str | None = None
    folders: Sequence[str] = ()


class Context(NamedTuple):
    """Where a submission came from: its working directory and its environment, stored once per content."""

    directory: str
    environment: Mapping[str, str]


class NewJob(NamedTuple):
    """A job to be inserted; `depends_on` are jobIds. Without a fingerprint it is like no other job."""

    id: str
    name: str
    queue: str
    spec: Spec
    fingerprint: str | None = None
    job_definition: str = ""
    vcpus: float = 1
    memory: int = 0
    attempts: int = 1
    timeout: int | None = None
    lenient: bool = False
    depends_on: Sequence[str] = ()
    array_index: int | None = None


class Ready(NamedTuple):
    """A job that may start."""

    seq: int
    id: str
    queue: str
    vcpus: float
    memory: int
    attempts: int
    timeout: int | None
    attempt: int
    array_index: int | None
    spec: str
    context: int


class Occupied(NamedTuple):
    """A job that stands as STARTING or RUNNING."""

    seq: int
    id: str
    attempts: int
    attempt: int
    started_at: float | None
    pid: int | None
    pid_created_at: float | None
    cancel: str | None
    spec: str


class Running(NamedTuple):
    """A process that has been started for a job."""

    seq: int
    pid: int
    pid_created_at: float | None


class Outcome(NamedTuple):
    """How an attempt ended, and where its job goes from there: RUNNABLE again, SUCCEEDED or FAILED."""

    seq: int
    number: int
    status: Status
    reason: str = ""
    exit_code: int | None = None
    started_at: float | None = None
    stopped_at: float | None = None
    peak_memory: int | None = None


class Capacity(NamedTuple):
    """vCPUs and MiB that jobs may take together; None is all that the machine has."""

    vcpus: float | None = None
    memory: int | None = None
