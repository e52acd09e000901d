"""What a job asks of the place where it runs: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from batch_helpers.job import Job

Raw = Mapping[str, Any]

EC2 = ("EC2",)


@dataclass(frozen=True, slots=True)
class Need:
    """vCPUs, memory in MiB and GPUs; platforms are `EC2` and `FARGATE`, architecture `X86_64`, `ARM64` or None.

    job: the name of a job that asks for it, for messages. queue: where it is to run.
    public_address: on Fargate, whether it asks for one. tasks: see `asked_by`.
    """

    job: str = "the job"
    queue: str | None = None
    vcpus: float = 1
    memory: int = 2048
    gpus: int = 0
    platforms: tuple[str, ...] | None = None
    architecture: str | None = None
    images: tuple[str, ...] = ()
    execution_role: str | None = None
    task_role: str | None = None
    public_address: bool = False

    @property
    def size(self) -> str:
        """What it asks for, in words."""
        gpus = f", {self.gpus} GPUs" if self.gpus else ""
        return f"{self.vcpus:g} vCPUs, {self.memory:,} MiB{gpus}"


def from_description(raw: Raw, job: str, queue: str | None = None) -> Need:
    """An item of DescribeJobs or DescribeJobDefinitions, or what is sent to RegisterJobDefinition.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_JobDetail.html
    """
    tasks = list(_tasks(raw))
    containers = [container for task in tasks for container in _containers(task)]
    first = tasks[0] if tasks else {}
    runtime, network = first.get("runtimePlatform") or {}, first.get("networkConfiguration") or {}
    return Need(
        job,
        queue,
        vcpus=sum(_amount(item, "VCPU") for item in containers) or 1,
        memory=int(sum(_amount(item, "MEMORY") for item in containers)) or 2048,
        gpus=int(sum(_amount(item, "GPU") for item in containers)),
        platforms=tuple(raw.get("platformCapabilities") or EC2),
        architecture=runtime.get("cpuArchitecture"),
        images=tuple(dict.fromkeys(item["image"] for item in containers if item.get("image"))),
        execution_role=first.get("executionRoleArn"),
        task_role=first.get("taskRoleArn") or first.get("jobRoleArn"),
        public_address=network.get("assignPublicIp") == "ENABLED",
    )


def asked_by(job: Job, definition: Raw | None, queue: str | None) -> Need:
    """What a job asks for, with the definition that it names; an image alone runs on EC2 with what such a job gets."""
    if definition is not None:
        base = from_description(definition, job.name, queue)
    else:
        base = Need(job.name, queue, platforms=EC2 if job.image else None)
    return replace(
        base,
        vcpus=job.vcpus or base.vcpus,
        memory=job.memory or base.memory,
        gpus=job.gpus or base.gpus,
        images=(job.image,) if job.image else base.images,
    )


def distinct(needs: Iterable[Need]) -> tuple[Need, ...]:
    """One for each kind of need, however many jobs have it."""
    return tuple({replace(need, job=""): need for need in reversed(list(needs))}.values())[::-1]


def _tasks(raw: Raw) -> Iterator[Raw]:
    """What holds the roles: the container, or the tasks of ecsProperties or of a multi-node job."""
    container = raw.get("container") or raw.get("containerProperties")
    tasks = (raw.get("ecsProperties") or {}).get("taskProperties")
    nodes = (raw.get("nodeProperties") or {}).get("nodeRangeProperties")
    if tasks:
        yield from tasks
    elif nodes:
        yield from (node.get("container") or {} for node in nodes[:1])
    elif container:
        yield container


def _containers(task: Raw) -> Iterable[Raw]:
    return task.get("containers") or [task]


def _amount(container: Raw, kind: str) -> float:
    for item in container.get("resourceRequirements") or ():
        if item["type"] == kind:
            return float(item["value"])
    return float(container.get({"VCPU": "vcpus", "MEMORY": "memory"}.get(kind, "")) or 0)
