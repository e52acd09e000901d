"""EZBatchJob -> what RegisterJobDefinition takes: pure, and the same for every job that differs in its work only.

https://docs.aws.amazon.com/batch/latest/APIReference/API_RegisterJobDefinition.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from batch_helpers import preloader
from batch_helpers.engines.aws.requests import key_values, resource_requirements, spot_retries
from batch_helpers.errors import InvalidJob
from batch_helpers.workflow.job import EZBatchJob
from batch_helpers.workflow.stager import ecs_properties


@dataclass(frozen=True, slots=True)
class Roles:
    """ARNs of IAM roles. execution: Fargate pulls the image and writes the log with it. task: the command's own."""

    execution: str | None = None
    task: str | None = None


def content(job: EZBatchJob, roles: Roles) -> dict[str, Any]:
    """What the definition holds. Command, variables and resources come with each job, as overrides.

    Raises InvalidJob for a Fargate job without an execution role.
    """
    if job.platform == "FARGATE" and roles.execution is None:
        problem = (
            "Fargate needs an execution role: give execution_role_arn=…, or set BATCH_HELPERS_EXECUTION_ROLE_ARN; "
            "https://docs.aws.amazon.com/batch/latest/userguide/execution-IAM-role.html"
        )
        raise InvalidJob(job.image, "execution_role_arn", None, problem)
    kind = "ecsProperties" if job.stager else "containerProperties"
    held: dict[str, Any] = {
        "type": "container",
        "platformCapabilities": [job.platform],
        "propagateTags": True,
        kind: _ecs(job, roles) if job.stager else _container(job, roles),
    }
    if job.retry == "spot" and job.attempts > 1:
        held["retryStrategy"] = spot_retries(job.attempts)
    return held


def _container(job: EZBatchJob, roles: Roles) -> dict[str, Any]:
    container: dict[str, Any] = {
        "image": job.image,
        "resourceRequirements": resource_requirements(1, 2048),
        **_place(job, roles, task="jobRoleArn"),
    }
    if job.preloader:
        container["command"] = ["/bin/sh", "-c", preloader.script()]
        container["environment"] = key_values({preloader.TRANSFER: preloader.transfer_program()})
    return container


def _ecs(job: EZBatchJob, roles: Roles) -> dict[str, Any]:
    return {"taskProperties": [{**ecs_properties(job), **_place(job, roles, task="taskRoleArn")}]}


def _place(job: EZBatchJob, roles: Roles, *, task: str) -> dict[str, Any]:
    """Roles, and what Fargate wants to know of the machine."""
    place: dict[str, Any] = {"executionRoleArn": roles.execution, task: roles.task}
    if job.platform == "FARGATE":
        place["runtimePlatform"] = {"operatingSystemFamily": "LINUX", "cpuArchitecture": job.arch}
        place["networkConfiguration"] = {"assignPublicIp": "ENABLED" if job.assign_public_ip else "DISABLED"}
        place["ephemeralStorage"] = {"sizeInGiB": job.storage_size} if job.storage_size else None
    return {key: value for key, value in place.items() if value is not None}
