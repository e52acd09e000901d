"""EZBatchJob: a container image, a command, and what is copied from and to S3 around it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypedDict

from batch_helpers import preloader as in_container
from batch_helpers.job import sanitized
from batch_helpers.s3 import S3Mounts
from batch_helpers.s3.plain import JSONText
from batch_helpers.workflow.checks import check_job, settled


class EZBatchJobDefinition(TypedDict):
    """Everything that runs one EZBatchJob, in plain values; vcpus, memory in MiB, storage in GiB."""

    job_name: str
    container_name: str
    image: str
    command: list[str]
    environment: dict[str, str]
    vcpus: float
    memory: int
    storage_size: int | None
    platform: str
    tags: dict[str, str]


@dataclass(frozen=True)
class EZBatchJob(JSONText):
    """A single job of an EZBatchWorkflow; checked when it is made, which makes no call.

    image: the container image. command: a string that `/bin/sh -c` runs, or a list of words that reach the program as
    they are. environment: variables of the container. mounts: what is copied from and to S3. vcpus: vCPUs; memory: MiB.
    storage_size: GiB of Fargate's disk, 21 to 200. platform: FARGATE or EC2. queue: name or ARN of a job queue; goes
    before the workflow's.
    preloader: download the read mounts before the command, and upload the write mounts after it has succeeded, with a
    script that needs `aws`, `s5cmd` or python3 with boto3 in the image, or installs the AWS CLI. Otherwise the mounts
    say where the job's data lie, and the job copies them itself.

    outputs: s3:// objects whose presence means that the job is done. By default the write mounts' destinations: of a
    file the object, of a folder the marker `_SUCCESS` in it, which the preloader writes last.
    attempts: 1 to 10. timeout: seconds for each attempt. gpus: whole GPUs, on EC2. arch: X86_64 or ARM64.
    assign_public_ip: for Fargate in a subnet that has no other way out. retry: `any` failure is tried again while
    attempts are left, or `spot`: only the loss of the machine.
    stager: an image with the AWS CLI whose containers copy the mounts, so that `image` needs no tools and keeps its
    ENTRYPOINT; instead of the preloader. keep_failed: an s3:// prefix that takes the log and the write mounts' content
    when the command fails; with the preloader only.

    Raises InvalidJob with the field and the value.
    """

    image: str
    command: str | Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: S3Mounts = field(default_factory=S3Mounts)
    vcpus: float = 1
    memory: int = 2048
    storage_size: int | None = None
    platform: Literal["FARGATE", "EC2"] = "FARGATE"
    tags: Mapping[str, str] = field(default_factory=dict)
    queue: str | None = None
    preloader: bool = False
    outputs: Sequence[str] = ()
    attempts: int = 1
    timeout: int | None = None
    gpus: int = 0
    arch: Literal["X86_64", "ARM64"] = "X86_64"
    assign_public_ip: bool = False
    retry: Literal["any", "spot"] = "any"
    stager: str | None = None
    keep_failed: str | None = None

    def __post_init__(self) -> None:
        for name, value in settled(self).items():
            object.__setattr__(self, name, value)
        check_job(self)

    @property
    def staged(self) -> bool:
        """Whether the mounts are copied for the job."""
        return self.preloader or self.stager is not None

    @property
    def expected(self) -> tuple[str, ...]:
        """The objects whose presence means that the job is done; a folder that the job fills by itself has none."""
        if self.outputs:
            return tuple(self.outputs)
        return tuple(mount.output for mount in self.mounts.writes if self.staged or not mount.is_recursive)

    @property
    def script_environment(self) -> dict[str, str]:
        """What this job tells the preloader."""
        told = {
            in_container.COMMAND: in_container.shell_text(self.command),
            in_container.MOUNTS: in_container.mount_lines(self.mounts, self.outputs),
            in_container.KEEP: self.keep_failed or "",
        }
        return {name: text for name, text in told.items() if text}

    def to_definition(self) -> EZBatchJobDefinition:
        """The job as a job definition; the job itself stays as it is."""
        name = self.image.rpartition("/")[2]
        command, environment = self.words, dict(self.environment)
        if self.preloader:
            command = ["/bin/sh", "-c", in_container.script()]
            environment |= {in_container.TRANSFER: in_container.transfer_program(), **self.script_environment}
        return {
            "job_name": f"{sanitized(name)}-job",
            "container_name": re.sub(r"[^a-zA-Z0-9]", "_", name),
            "image": self.image,
            "command": command,
            "environment": environment,
            "vcpus": self.vcpus,
            "memory": self.memory,
            "storage_size": self.storage_size,
            "platform": self.platform,
            "tags": dict(self.tags),
        }

    @property
    def words(self) -> list[str]:
        """The command as a container is given it."""
        return ["/bin/sh", "-c", self.command] if isinstance(self.command, str) else list(self.command)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, without what is as it is by default."""
        data = {**vars(self), "mounts": self.mounts.to_dict()}
        given = {key: value for key, value in data.items() if key not in _DEFAULTS or value != _DEFAULTS[key]}
        return {key: copy(value) for key, value in given.items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> EZBatchJob:
        """The job that to_dict was made from."""
        from batch_helpers.workflow.document import job_from

        return job_from(data)


JOB_FIELDS = tuple(item.name for item in fields(EZBatchJob))
_REQUIRED = ("image", "command")
_DEFAULTS = {key: value for key, value in vars(EZBatchJob(*_REQUIRED)).items() if key not in _REQUIRED} | {"mounts": {}}
