"""What a job definition is to be like, checked when it is said. Pure.

https://docs.aws.amazon.com/batch/latest/APIReference/API_RegisterJobDefinition.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from batch_helpers.engines.aws.definition import EC2, FARGATE, Definition, check_fits
from batch_helpers.engines.aws.limits import check_job
from batch_helpers.engines.aws.requests import key_values, resource_requirements
from batch_helpers.errors import InvalidInput
from batch_helpers.job import Job
from batch_helpers.resources.aws.checks import check_name, check_one_of, check_tags

PLATFORMS, ARCHITECTURES = (FARGATE, EC2), ("X86_64", "ARM64")
STORAGE = range(21, 201)
"""GiB: https://docs.aws.amazon.com/batch/latest/APIReference/API_EphemeralStorage.html"""

_FOR_FARGATE = ("assign_public_ip", "storage")


@dataclass(frozen=True, slots=True)
class JobDefinition:
    """A job definition of one container. Raises InvalidInput or InvalidJob, with the field and the value.

    platform: FARGATE or EC2. vcpus, memory (MiB), gpus, attempts, timeout (seconds): of jobs that do not say otherwise.
    execution_role: Fargate pulls the image and writes the log with it. task_role: of the command's own calls to AWS.
    arch: X86_64 or ARM64; on EC2 the compute environment decides. Fargate only: storage: GiB of disk, 21 to 200;
    assign_public_ip: for subnets without another way out.
    """

    name: str
    image: str
    command: tuple[str, ...] = ()
    platform: str = FARGATE
    vcpus: float = 1
    memory: int = 2048
    gpus: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    execution_role: str | None = None
    task_role: str | None = None
    arch: str = "X86_64"
    assign_public_ip: bool = False
    storage: int | None = None
    attempts: int = 1
    timeout: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_name("job definition", self.name)
        check_one_of(f"{self._who}: platform", self.platform, PLATFORMS)
        check_one_of(f"{self._who}: arch", self.arch, ARCHITECTURES)
        check_tags(self._who, self.tags)
        self._check_as_job()
        if self.platform == FARGATE:
            self._check_fargate()
            return
        for name in _FOR_FARGATE:
            if getattr(self, name):
                raise self._invalid(name, "that is for platform FARGATE")

    @property
    def _who(self) -> str:
        return f"job definition {self.name!r}"

    def _check_as_job(self) -> None:
        """What is checked of a job that has all this from its definition."""
        names = ("image", "command", "vcpus", "memory", "gpus", "environment", "attempts", "timeout")
        job = Job(self.name, **{name: getattr(self, name) for name in names}).bound("any", ())
        check_job(job)
        check_fits(job, Definition(self.name, (self.platform,)))

    def _check_fargate(self) -> None:
        if self.execution_role is None:
            raise self._invalid("execution_role", "Fargate needs one; `batch-helpers setup` makes it")
        if self.storage is not None and self.storage not in STORAGE:
            raise self._invalid("storage", f"give {STORAGE[0]} to {STORAGE[-1]} GiB; it is 20 when it is left out")

    def _invalid(self, name: str, problem: str) -> InvalidInput:
        return InvalidInput(f"{self._who}: {name}={getattr(self, name)!r}: {problem}")


def definition_body(spec: JobDefinition) -> dict[str, Any]:
    """RegisterJobDefinition of it."""
    container: dict[str, Any] = {
        "image": spec.image,
        "resourceRequirements": resource_requirements(spec.vcpus, spec.memory, spec.gpus),
        "command": list(spec.command),
        "environment": key_values(spec.environment),
        "executionRoleArn": spec.execution_role,
        "jobRoleArn": spec.task_role,
    }
    if spec.platform == FARGATE:
        container["runtimePlatform"] = {"operatingSystemFamily": "LINUX", "cpuArchitecture": spec.arch}
        container["networkConfiguration"] = {"assignPublicIp": "ENABLED" if spec.assign_public_ip else "DISABLED"}
        container["ephemeralStorage"] = {"sizeInGiB": spec.storage} if spec.storage else None
    body: dict[str, Any] = {
        "jobDefinitionName": spec.name,
        "type": "container",
        "platformCapabilities": [spec.platform],
        "containerProperties": {name: value for name, value in container.items() if value},
        "retryStrategy": {"attempts": spec.attempts} if spec.attempts > 1 else None,
        "timeout": {"attemptDurationSeconds": spec.timeout} if spec.timeout else None,
        "tags": dict(spec.tags),
    }
    return {name: value for name, value in body.items() if value}
