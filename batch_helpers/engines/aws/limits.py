"""The service's limits on one job, checked before anything is sent: pure.

https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from batch_helpers.engines.aws.requests import container_overrides, submit_request
from batch_helpers.errors import InvalidJob
from batch_helpers.job import REPLACES_TAG, Job

MAX_ATTEMPTS = 10
MAX_DEPENDENCIES = 20
MAX_OVERRIDES = 8192
"""Characters, the JSON's own included: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskOverride.html

Beyond it a job is accepted, and fails when it should start.
"""
MAX_PAYLOAD = 30 * 1024
MIN_TIMEOUT = 60
MIN_MEMORY = 4
MAX_TAGS = 50
OWN_TAGS = 2
"""Tags that we put on a job."""
DEFINITION_TAGS = 1
"""Tags that we put on a definition; with propagateTags they count for its jobs too."""
MAX_IMAGE = 255

_SERVICE_ENVIRONMENT = 400
"""Characters of the overrides that the service takes for itself: AWS_BATCH_JOB_ID and its like."""
_LONGEST_ID = "0" * 42
"""As long as a jobId gets, an array child's included."""

_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}"
_ARN = r"arn:[a-z0-9-]+:batch:[a-z0-9-]*:\d*"
_QUEUE = re.compile(rf"(?:{_ARN}:job-queue/)?{_NAME}")
_DEFINITION = re.compile(rf"(?:{_ARN}:job-definition/)?{_NAME}(?::[1-9][0-9]*)?")
_IMAGE = re.compile(r"[A-Za-z0-9:._/#@-]+")
_TAG = re.compile(r"[\w\s.:/=+@-]*")
_REFERENCE = re.compile(r"Ref::([A-Za-z0-9_.-]+)")


def check_job(job: Job) -> None:
    """Raise InvalidJob for what the service would refuse, or accept and let fail, whatever its definition is.

    How long it is stands in check_size.
    """
    _check_queue(job)
    _check_what_runs(job)
    _check_command(job)
    _check_environment(job)
    _check_resources(job)
    _check_tags(job)


def check_size(job: Job, command: Sequence[str] = ()) -> None:
    """Raise InvalidJob for a job that is too long to be sent, or to be started; `command` is its definition's."""
    length, most = _overrides_length(job, command), MAX_OVERRIDES - _SERVICE_ENVIRONMENT
    if length > most:
        what = f"command, parameters and environment come to {length} characters, and {most} fit beside the service's"
        raise _too_long(job, f"{what} own (its limit is {MAX_OVERRIDES})", "command", "parameters", "environment")
    size = _payload(job)
    if size > MAX_PAYLOAD:
        what = f"the job comes to {size} bytes, and the service takes {MAX_PAYLOAD}"
        raise _too_long(job, what, "command", "parameters", "environment", "tags")


def fits(job: Job, command: Sequence[str] = ()) -> bool:
    """Whether a job is short enough; `command` is its definition's."""
    return _overrides_length(job, command) <= MAX_OVERRIDES - _SERVICE_ENVIRONMENT and _payload(job) <= MAX_PAYLOAD


def substituted(word: str, parameters: Mapping[str, str]) -> str:
    """A word of a command with each `Ref::name` replaced, as the service does it; unknown names stay."""
    return _REFERENCE.sub(lambda match: parameters.get(match[1], match[0]), word)


def check_dependencies(job: Job) -> None:
    """Raise InvalidJob for a bound job that waits for more jobs than the service takes."""
    if len(job.depends_on) > MAX_DEPENDENCIES:
        problem = (
            f"it waits for {len(job.depends_on)} jobs, and the service takes {MAX_DEPENDENCIES}: "
            "hold it until fewer of them are active"
        )
        raise InvalidJob(job.name, "depends_on", [str(item) for item in job.depends_on], problem)


def _check_queue(job: Job) -> None:
    if job.job_queue is None:
        raise InvalidJob(
            job.name, "job_queue", None, "a job needs a queue: give job_queue, to the job or to the helper"
        )
    if not _QUEUE.fullmatch(job.job_queue):
        raise InvalidJob(job.name, "job_queue", job.job_queue, "give a queue's name or its ARN")


def _check_what_runs(job: Job) -> None:
    if job.image is not None:
        if len(job.image) > MAX_IMAGE or not _IMAGE.fullmatch(job.image):
            problem = f"give an image as repository/name:tag, at most {MAX_IMAGE} letters, digits and - _ : . / # @"
            raise InvalidJob(job.name, "image", job.image, problem)
    elif job.job_definition is None:
        raise InvalidJob(job.name, "job_definition", None, "a job needs a job_definition or an image")
    elif not _DEFINITION.fullmatch(job.job_definition):
        raise InvalidJob(job.name, "job_definition", job.job_definition, "give name, name:revision or an ARN")


def _check_command(job: Job) -> None:
    if "" in job.command:
        raise InvalidJob(
            job.name, "command", job.command, "the service takes no empty string in a command: leave it out"
        )


def _check_environment(job: Job) -> None:
    for name, value in job.environment.items():
        if name.startswith("AWS_BATCH"):
            problem = "names that begin with AWS_BATCH are the service's own: rename it"
            raise InvalidJob(job.name, "environment", name, problem)
        if "=" in name or "\0" in name + value:
            raise InvalidJob(
                job.name, "environment", {name: value}, "no name may have a =, and nothing a NUL character"
            )


def _check_resources(job: Job) -> None:
    if job.timeout is not None and job.timeout < MIN_TIMEOUT:
        raise InvalidJob(job.name, "timeout", job.timeout, f"the shortest timeout is {MIN_TIMEOUT} seconds")
    if job.memory is not None and job.memory < MIN_MEMORY:
        raise InvalidJob(job.name, "memory", job.memory, f"memory is in MiB, and the least is {MIN_MEMORY}")


def _check_tags(job: Job) -> None:
    if len(job.tags) > MAX_TAGS - OWN_TAGS:
        problem = f"{len(job.tags)} tags; a job takes {MAX_TAGS}, of which {OWN_TAGS} are used for the fingerprint"
        raise InvalidJob(job.name, "tags", dict(job.tags), problem)
    for key, value in job.tags.items():
        if len(key) > 128 or len(value) > 256:
            raise InvalidJob(job.name, "tags", {key: value}, "a tag's key has at most 128 characters, its value 256")
        if not _TAG.fullmatch(key + value):
            raise InvalidJob(job.name, "tags", {key: value}, "tags take letters, digits, spaces and _ . : / = + - @")
        if key.lower().startswith(("aws:", "batch_helpers:")) and key != REPLACES_TAG:
            raise InvalidJob(job.name, "tags", key, "tags that begin with aws: or batch_helpers: are taken: rename it")


def _overrides_length(job: Job, command: Sequence[str]) -> int:
    overrides: dict[str, Any] = {**container_overrides(job)}
    if words := job.command or (command if job.parameters else ()):
        overrides["command"] = [substituted(word, job.parameters) for word in words]
    return len(_json(overrides))


def _payload(job: Job) -> int:
    """Bytes of the request, with as many dependencies as the job will have."""
    upstream = [_LONGEST_ID] * min(len(job.depends_on), MAX_DEPENDENCIES)
    bound = job.bound(job.job_queue, upstream) if upstream else job
    request = submit_request(bound, job.job_definition or "0" * 140, "0" * 32, reclaims=10)
    return len(_json(request).encode())


def _too_long(job: Job, problem: str, *fields: str) -> InvalidJob:
    """Named after the field that takes the most room."""
    values = {name: getattr(job, name) for name in fields}
    plain = {name: dict(value) if isinstance(value, Mapping) else value for name, value in values.items()}
    longest = max(plain, key=lambda name: len(_json(plain[name])))
    remedy = "put the long part in a file that the job reads"
    if longest in ("command", "parameters"):
        remedy += ", or give a place where it may be kept: AWSBatchHelper(spill='s3://bucket/prefix')"
    return InvalidJob(job.name, longest, plain[longest], f"{problem}: {remedy}")


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
