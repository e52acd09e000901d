"""A job definition as a frozen value, and whether a job fits it: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from batch_helpers.engines.aws import fargate, limits
from batch_helpers.engines.aws.details import readable
from batch_helpers.errors import InvalidJob
from batch_helpers.job import Job

FARGATE, EC2 = "FARGATE", "EC2"
DEFAULT_VCPUS, DEFAULT_MEMORY = 1, 2048

_OTHER_PROPERTIES = ("ecsProperties", "eksProperties", "nodeProperties")


@dataclass(frozen=True, slots=True)
class Definition:
    """What the checks need of a definition. vcpus and memory (MiB) are its container's own, None when unknown.

    properties: the member that holds its containers: containerProperties, ecsProperties, eksProperties, nodeProperties.
    tags: those that its jobs get. parameters: what `Ref::name` means where a job does not say. retries: whether it has
    a retry strategy of its own.
    """

    name: str
    platforms: tuple[str, ...] = (EC2,)
    properties: str = "containerProperties"
    command: tuple[str, ...] = ()
    vcpus: float | None = None
    memory: int | None = None
    tags: frozenset[str] = frozenset()
    parameters: Mapping[str, str] = field(default_factory=dict)
    retries: bool = False


FOR_IMAGES = Definition("the definition made for an image", vcpus=DEFAULT_VCPUS, memory=DEFAULT_MEMORY)
"""What jobs get that are given as an image; its resources, for jobs that ask for none, harm nobody."""


def from_description(raw: Mapping[str, Any]) -> Definition:
    """An item of DescribeJobDefinitions.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_JobDefinition.html
    """
    with readable(raw):
        return _definition(raw)


def _definition(raw: Mapping[str, Any]) -> Definition:
    container = raw.get("containerProperties") or {}
    needs = {item["type"]: item["value"] for item in container.get("resourceRequirements") or ()}
    vcpus, memory = needs.get("VCPU", container.get("vcpus")), needs.get("MEMORY", container.get("memory"))
    return Definition(
        name=f"{raw['jobDefinitionName']}:{raw['revision']}",
        platforms=tuple(raw.get("platformCapabilities") or (EC2,)),
        properties=next((name for name in _OTHER_PROPERTIES if raw.get(name)), "containerProperties"),
        command=tuple(container.get("command") or ()),
        vcpus=float(vcpus) if vcpus else None,
        memory=int(memory) if memory else None,
        tags=frozenset(raw.get("tags") or ()) if raw.get("propagateTags") else frozenset(),
        parameters=raw.get("parameters") or {},
        retries=bool(raw.get("retryStrategy")),
    )


def check_fits(job: Job, definition: Definition) -> None:
    """Raise InvalidJob for what the service would refuse, or let fail, of this job with this definition."""
    if definition.properties != "containerProperties":
        _check_no_overrides(job, definition)
        return
    _check_propagated_tags(job, definition)
    if definition.platforms == (FARGATE,):
        _check_fargate(job, definition)
    elif definition.platforms == (EC2,) and job.vcpus is not None and job.vcpus != int(job.vcpus):
        problem = f"on EC2 a job takes whole vCPUs, and {definition.name} is for EC2: give {int(job.vcpus) + 1}"
        raise InvalidJob(job.name, "vcpus", job.vcpus, problem)


def _check_no_overrides(job: Job, definition: Definition) -> None:
    for name in ("command", "environment", "vcpus", "memory", "gpus"):
        if value := getattr(job, name):
            problem = f"{definition.name} has {definition.properties}, which no job can override: put it there"
            raise InvalidJob(job.name, name, value, problem)


def _check_propagated_tags(job: Job, definition: Definition) -> None:
    count = len(definition.tags | set(job.tags)) + limits.OWN_TAGS
    if definition.tags and count > limits.MAX_TAGS:
        problem = (
            f"with those that {definition.name} propagates and ours they are {count}; {limits.MAX_TAGS} is the most"
        )
        raise InvalidJob(job.name, "tags", dict(job.tags), problem)


def _check_fargate(job: Job, definition: Definition) -> None:
    if job.gpus:
        raise InvalidJob(job.name, "gpus", job.gpus, f"Fargate has no GPUs, and {definition.name} is for Fargate")
    vcpus, memory = job.vcpus or definition.vcpus, job.memory or definition.memory
    if vcpus is None or memory is None or fargate.valid(vcpus, memory):
        return
    fitting = fargate.nearest(vcpus, memory)
    advice = f"the nearest is {fitting[0]:g} vCPUs with {fitting[1]} MiB" if fitting else "that is beyond the largest"
    name = "vcpus" if job.memory is None else "memory"
    problem = f"Fargate does not pair {vcpus:g} vCPUs with {memory} MiB: {advice}"
    raise InvalidJob(job.name, name, getattr(job, name), problem)
