"""Limits on what a container is given: its command, environment and resources."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from batch_helpers.serve.wire.errors import ClientException

RESERVED = "AWS_BATCH"
IMAGE = 255
SMALLEST_MEMORY = 4
EPHEMERAL_STORAGE = range(21, 201)
FARGATE = "FARGATE"

_WHOLE = re.compile(r"[1-9][0-9]*")
_DECIMAL = re.compile(r"[0-9]+(\.[0-9]+)?")

# https://docs.aws.amazon.com/batch/latest/APIReference/API_ResourceRequirement.html
FARGATE_MEMORY: Mapping[float, frozenset[int]] = {
    0.25: frozenset((512, 1024, 2048)),
    0.5: frozenset(range(1024, 4097, 1024)),
    1: frozenset(range(2048, 8193, 1024)),
    2: frozenset(range(4096, 16385, 1024)),
    4: frozenset(range(8192, 30721, 1024)),
    8: frozenset(range(16384, 61441, 4096)),
    16: frozenset(range(32768, 122881, 8192)),
    32: frozenset((61440, 122880, 249856)),
}


def check_command(command: Sequence[str]) -> None:
    """No word may be empty: https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerOverrides.html"""
    for word in command:
        if not word:
            raise ClientException("Container command can't contain an empty string")
        if "\0" in word:
            raise ClientException("Container command can't contain a NUL character")


def check_environment(environment: Sequence[Mapping[str, str]]) -> None:
    """Names may not begin with AWS_BATCH, which the service keeps for itself."""
    for pair in environment:
        name, value = pair.get("name", ""), pair.get("value", "")
        if not name or "=" in name or "\0" in name + value:
            raise ClientException(f"Environment variable {name!r} is not valid: it needs a name without = and NUL")
        if name.startswith(RESERVED):
            raise ClientException(f"Environment variable {name!r} is not valid: names cannot start with {RESERVED}")


def check_image(image: str | None) -> None:
    """Required, at most 255 characters."""
    if not image:
        raise ClientException("Container image is required")
    if len(image) > IMAGE:
        raise ClientException(f"Container image length must be at most {IMAGE}")


def check_requirements(requirements: Sequence[Mapping[str, str]]) -> None:
    """Each type once, with a number that means something: MiB from 4 up, whole GPUs, vCPUs above 0."""
    types = [item["type"] for item in requirements]
    for kind in types:
        if types.count(kind) > 1:
            raise ClientException(f"Resource requirements can have {kind} only once")
    for item in requirements:
        _check_requirement(item["type"], item["value"])


def check_once(properties: Mapping[str, Any]) -> None:
    """The deprecated vcpus and memory fields are not allowed beside a requirement of the same kind."""
    types = {item["type"] for item in properties.get("resourceRequirements", ())}
    for name, kind in (("vcpus", "VCPU"), ("memory", "MEMORY")):
        if name in properties and kind in types:
            raise ClientException(f"Container {name} is given twice: use resource requirements only")


def _check_requirement(kind: str, value: str) -> None:
    pattern = _DECIMAL if kind == "VCPU" else _WHOLE
    if not pattern.fullmatch(value) or float(value) == 0:
        raise ClientException(f"Resource requirement {kind} has an invalid value {value!r}")
    if kind == "MEMORY" and int(value) < SMALLEST_MEMORY:
        raise ClientException(f"Container memory must be at least {SMALLEST_MEMORY} MiB, got {value}")


def check_needs(vcpus: str | None, memory: str | None) -> None:
    """Both vCPUs and memory are required."""
    if vcpus is None:
        raise ClientException("Container vcpus is required: give a resource requirement of type VCPU")
    if memory is None:
        raise ClientException("Container memory is required: give a resource requirement of type MEMORY")


def check_platform(platform: str, vcpus: str, memory: str) -> None:
    """Whole vCPUs on EC2; on Fargate only the pairs that its table names."""
    if platform != FARGATE:
        if not _WHOLE.fullmatch(vcpus):
            raise ClientException(f"Container vcpus must be a whole number on EC2, got {vcpus}")
        return
    sizes = FARGATE_MEMORY.get(float(vcpus))
    if sizes is None:
        raise ClientException(f"Fargate resource requirements (VCPU={vcpus}) not valid: use one of {_listed()}")
    if int(memory) not in sizes:
        raise ClientException(f"Fargate resource requirements (VCPU={vcpus}, MEMORY={memory}) not valid")


def check_fargate(properties: Mapping[str, Any]) -> None:
    """What Fargate requires and what it does not know.

    https://docs.aws.amazon.com/batch/latest/userguide/fargate-job-definitions.html
    """
    if not properties.get("executionRoleArn"):
        raise ClientException("executionRoleArn is required for Fargate")
    for name in ("privileged", "instanceType", "ulimits"):
        if properties.get(name):
            raise ClientException(f"{name} not applicable for Fargate.")
    if any(item["type"] == "GPU" for item in properties.get("resourceRequirements", ())):
        raise ClientException("GPU not applicable for Fargate.")


def check_not_fargate(properties: Mapping[str, Any]) -> None:
    """What only Fargate knows."""
    for name in ("networkConfiguration", "fargatePlatformConfiguration"):
        if properties.get(name):
            raise ClientException(f"{name} not applicable for EC2.")


def check_storage(properties: Mapping[str, Any]) -> None:
    """21 to 200 GiB: https://docs.aws.amazon.com/batch/latest/APIReference/API_EphemeralStorage.html"""
    storage = properties.get("ephemeralStorage")
    if storage is not None and storage["sizeInGiB"] not in EPHEMERAL_STORAGE:
        raise ClientException(
            f"Ephemeral storage must be between {EPHEMERAL_STORAGE[0]} and {EPHEMERAL_STORAGE[-1]} GiB,"
            f" got {storage['sizeInGiB']}"
        )


def _listed() -> str:
    return ", ".join(f"{vcpus:g}" for vcpus in FARGATE_MEMORY)
