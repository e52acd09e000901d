"""The nouns: Job, JobDetail, Status and the fingerprint that tells whether two jobs are the same work."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from batch_helpers.errors import InvalidJob
from batch_helpers.output import Output
from batch_helpers.uris import canonical_uri, output_problem

NAME_LIMIT = 128
"""Longest name of a job, definition or queue: https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html"""

REPLACES_TAG = "batch_helpers:replaces"
"""The tag of a job that does the work of a failed one again: the jobId of that one."""

FINGERPRINT_DIGITS = 16
_NAME_STEM = NAME_LIMIT - FINGERPRINT_DIGITS - 1
_FINGERPRINTED = re.compile(rf"^(.+)-([0-9a-f]{{{FINGERPRINT_DIGITS}}})$")
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_SEPARATOR = re.compile(r"[-_.:/\s]")
_EMPTY: Mapping[str, str] = MappingProxyType({})


def _empty() -> Mapping[str, str]:
    return _EMPTY


class Status(StrEnum):
    """The states of a job, spelled as AWS Batch does, on every engine.

    https://docs.aws.amazon.com/batch/latest/userguide/job_states.html
    """

    SUBMITTED = "SUBMITTED"
    PENDING = "PENDING"
    RUNNABLE = "RUNNABLE"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"

    @property
    def active(self) -> bool:
        """Whether the job may still change by itself."""
        return self not in TERMINAL


TERMINAL = frozenset({Status.SUCCEEDED, Status.FAILED})
ACTIVE = tuple(status for status in Status if status not in TERMINAL)
"""The five active states, in the order in which a job passes through them."""

PROGRESS: Mapping[Status, int] = MappingProxyType({status: place for place, status in enumerate(Status)})
"""How far along a job in each state is; larger is further."""


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One unit of work, as the user describes it; immutable, and checked when it is made.

    Two Job objects are the same *work* when their `fingerprint`s are equal: the definition or image, command,
    parameters, environment, inputs and outputs. What the work needs (vcpus, memory, attempts, timeout, …) and where
    it hangs (queue, dependencies, tags) do not count.

    name: any text; characters that the service refuses are replaced.
    job_definition: name, name:revision or ARN. image: a container image, instead of a definition.
    command: a list of arguments, or one string that is run by `/bin/sh -c`.
    vcpus: vCPUs, may be a fraction where the platform allows. memory: MiB. gpus: whole GPUs.
    inputs, outputs: URIs (`s3://`, `az://`, `file://`) or paths; outputs are what makes the job done. An Output asks
    more of one than that it exists.
    depends_on: jobIds, Job objects, or None (ignored).
    attempts: 1 to 10. timeout: seconds for each attempt.
    intermediate: its outputs are only wanted by its dependants, and may be deleted when those are done.
    newer_than_inputs: outputs that are older than an input do not make it done. Dates misfire where inputs are copied
    or written again unchanged, as object stores invite to; so it is never the default.
    run_dependents_on_fail: its dependants start when it has ended, whether it succeeded or not.
    stage: the row of the monitor's table in which it is counted; by default the definition, or the name up to
    its first separator (`align-s1` -> `align`).

    Raises InvalidJob, with the field and the value, when a value cannot work anywhere.
    """

    name: str
    job_definition: str | None = None
    image: str | None = None
    command: Sequence[str] | str = ()
    parameters: Mapping[str, str] = field(default_factory=_empty)
    environment: Mapping[str, str] = field(default_factory=_empty)
    vcpus: float | None = None
    memory: int | None = None
    gpus: int = 0
    inputs: Sequence[str] = ()
    outputs: Sequence[str] = ()
    depends_on: Sequence[str | Job | None] = field(default=(), repr=False)
    job_queue: str | None = None
    attempts: int = 1
    timeout: int | None = None
    tags: Mapping[str, str] = field(default_factory=_empty)
    intermediate: bool = False
    newer_than_inputs: bool = False
    run_dependents_on_fail: bool = False
    stage: str | None = None
    _digest: str | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self._check_texts()
        fix = object.__setattr__
        fix(self, "command", self._command())
        for name in ("parameters", "environment", "tags"):
            given = getattr(self, name)
            if given is not _EMPTY:
                fix(self, name, self._mapping(name, given))
        for name in ("inputs", "outputs"):
            given = getattr(self, name)
            if given != ():
                fix(self, name, self._uris(name, given))
        if self.depends_on != ():
            fix(self, "depends_on", self._dependencies())
        self._check_numbers()
        if self.newer_than_inputs:
            self._check_dates()

    @property
    def work(self) -> dict[str, Any]:
        """What the work is, and so what the fingerprint is made of; JSON takes it."""
        return {
            "definition": self.job_definition,
            "image": self.image,
            "command": self.command,
            "parameters": dict(self.parameters),
            "environment": dict(self.environment),
            "inputs": [canonical_uri(uri) for uri in self.inputs],
            "outputs": [canonical_uri(uri) for uri in self.outputs],
        }

    @property
    def fingerprint(self) -> str:
        """SHA-256 (64 hex digits) over the canonical JSON of what the work is; worked out once."""
        if self._digest is None:
            text = json.dumps(self.work, sort_keys=True, separators=(",", ":"))
            object.__setattr__(self, "_digest", hashlib.sha256(text.encode()).hexdigest())
        assert self._digest is not None
        return self._digest

    @property
    def key(self) -> str:
        """The first 16 digits of the fingerprint, as they stand in the name that the engine sees."""
        return self.fingerprint[:FINGERPRINT_DIGITS]

    @property
    def full_name(self) -> str:
        """The name that the engine sees: `<sanitized name>-<key>`, at most 128 characters."""
        return f"{sanitized(self.name)[:_NAME_STEM]}-{self.key}"

    @property
    def group(self) -> str:
        """The stage in which reports count this job."""
        return self.stage or self.job_definition or _SEPARATOR.split(self.name.strip(), maxsplit=1)[0] or self.name

    def bound(self, queue: str | None, depends_on: Collection[str]) -> Job:
        """The same work with its queue and its dependencies' jobIds settled: what an engine is given."""
        copy = object.__new__(Job)
        for item in _SLOTS:
            object.__setattr__(copy, item, getattr(self, item))
        object.__setattr__(copy, "job_queue", queue)
        object.__setattr__(copy, "depends_on", tuple(depends_on))
        return copy

    def _invalid(self, name: str, problem: str) -> InvalidJob:
        return InvalidJob(self.name, name, getattr(self, name), problem)

    def _check_texts(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise InvalidJob(str(self.name), "name", self.name, "a job needs a name: give a non-empty string")
        for name in ("job_definition", "image", "job_queue", "stage"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, str) or not value.strip()):
                raise self._invalid(name, "give a non-empty string, or leave it out")
        if self.image is not None and self.job_definition is not None:
            raise self._invalid("image", "give either image or job_definition, not both")

    def _command(self) -> tuple[str, ...]:
        command = self.command
        if isinstance(command, str):
            if not command.strip():
                raise self._invalid("command", "the command is empty")
            return ("/bin/sh", "-c", command)
        if not isinstance(command, Iterable) or isinstance(command, Mapping | bytes):
            raise self._invalid("command", "give a list of strings, or one string for the shell")
        words = tuple(os.fspath(word) if isinstance(word, os.PathLike) else word for word in command)
        for word in words:
            if not isinstance(word, str):
                raise self._invalid("command", f"every word must be a string; {word!r} is {type(word).__name__}")
            if "\0" in word:
                raise self._invalid("command", f"{word!r} has a NUL character, which no command can carry")
        return words

    def _mapping(self, name: str, given: object) -> Mapping[str, str]:
        if not isinstance(given, Mapping):
            raise self._invalid(name, "give a mapping of names to strings")
        texts = {}
        for key, value in given.items():
            if not isinstance(key, str) or not key:
                raise self._invalid(name, f"the name {key!r} must be a non-empty string")
            texts[key] = self._text(name, key, value)
        return MappingProxyType(texts) if texts else _EMPTY

    def _text(self, name: str, key: str, value: Any) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, os.PathLike):
            return str(os.fspath(value))
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return str(value)
        raise self._invalid(name, f"{key}={value!r} must be a string (or a finite number)")

    def _uris(self, name: str, given: Any) -> tuple[str, ...]:
        if isinstance(given, str | os.PathLike):
            given = (given,)
        if not isinstance(given, Iterable) or isinstance(given, Mapping | bytes):
            raise self._invalid(name, "give a list of URIs or paths")
        uris = tuple(os.fspath(uri) if isinstance(uri, os.PathLike) else uri for uri in given)
        for uri in uris:
            if not isinstance(uri, str) or not uri.strip():
                raise self._invalid(name, f"{uri!r} is not a URI or a path")
            if name == "outputs" and not isinstance(uri, Output) and (problem := output_problem(uri)):
                raise self._invalid(name, problem)
        distinct = tuple(dict.fromkeys(uris))
        if len(distinct) < len(uris) and (twice := _contradiction(uris)):
            raise self._invalid(name, f"{twice} is given twice, with different conditions")
        return distinct

    def _dependencies(self) -> tuple[str | Job, ...]:
        given: Any = self.depends_on
        if isinstance(given, str | Job):
            given = (given,)
        if given is None:
            return ()
        if not isinstance(given, Iterable) or isinstance(given, Mapping | bytes):
            raise self._invalid("depends_on", "give a list of jobIds, Job objects or None")
        upstream = tuple(dict.fromkeys(item for item in given if item is not None))
        for item in upstream:
            if not isinstance(item, str | Job) or item == "":
                raise self._invalid("depends_on", f"{item!r} is neither a jobId nor a Job")
        return upstream

    def _check_dates(self) -> None:
        if not self.inputs or not self.outputs:
            raise self._invalid("newer_than_inputs", "there is nothing to compare: give inputs and outputs")
        for uri in self.outputs:
            if isinstance(uri, Output) and uri.file is None:
                raise self._invalid("newer_than_inputs", f"{uri!r} has no date of its own: give it a marker")

    def _check_numbers(self) -> None:
        if self.vcpus is not None and not _positive(self.vcpus, int | float):
            raise self._invalid("vcpus", "give a positive number of vCPUs")
        if self.memory is not None and not _positive(self.memory, int):
            raise self._invalid("memory", "give a positive whole number of MiB")
        if self.gpus != 0 and not _positive(self.gpus, int):
            raise self._invalid("gpus", "give a whole number of GPUs, 0 or more")
        if not _positive(self.attempts, int) or self.attempts > 10:
            raise self._invalid("attempts", "give a whole number from 1 to 10")
        if self.timeout is not None and not _positive(self.timeout, int):
            raise self._invalid("timeout", "give a positive whole number of seconds")


_SLOTS = tuple(item.name for item in fields(Job))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a job. Times are seconds since the epoch; `log` is the stream that `Engine.logs` reads."""

    number: int
    exit_code: int | None = None
    reason: str = ""
    started_at: float | None = None
    stopped_at: float | None = None
    log: str | None = None


@dataclass(frozen=True, slots=True)
class JobDetail:
    """What an engine knows of one job. Times are seconds since the epoch; unknown is None or empty."""

    job_id: str
    name: str
    status: Status
    queue: str = ""
    reason: str = ""
    job_definition: str = ""
    exit_code: int | None = None
    created_at: float | None = None
    started_at: float | None = None
    stopped_at: float | None = None
    attempts: tuple[Attempt, ...] = ()

    @property
    def key(self) -> str | None:
        """The fingerprint's digits that ride in the name, or None for a job that was not submitted by us."""
        match = _FINGERPRINTED.match(self.name)
        return match[2] if match else None

    @property
    def short_name(self) -> str:
        """The name without the fingerprint."""
        match = _FINGERPRINTED.match(self.name)
        return match[1] if match else self.name


def sanitized(name: str) -> str:
    """`name` with every run of characters that a service refuses replaced by one `-`; never empty."""
    return _UNSAFE.sub("-", name).strip("-_") or "job"


def _contradiction(uris: Iterable[str]) -> str | None:
    seen: dict[str, str] = {}
    return next((uri for uri in uris if repr(seen.setdefault(uri, uri)) != repr(uri)), None)


def _positive(value: object, kinds: Any) -> bool:
    if not isinstance(value, kinds) or isinstance(value, bool):
        return False
    return bool(0 < value < 1e9)
