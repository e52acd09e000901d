"""Job -> SubmitJob: pure. https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from batch_helpers.job import Job

if TYPE_CHECKING:
    from mypy_boto3_batch.type_defs import (
        ContainerOverridesTypeDef,
        EvaluateOnExitTypeDef,
        KeyValuePairTypeDef,
        ResourceRequirementTypeDef,
        RetryStrategyTypeDef,
        SubmitJobRequestTypeDef,
    )

FINGERPRINT_TAG = "batch_helpers:fingerprint"
"""Holds the full fingerprint, of which the job's name carries the first digits."""

SUBMISSION_TAG = "batch_helpers:submission"
"""Tells the job that a request made, when its answer was lost, from an earlier one of the same name."""

_SPOT_IS_LOST = ("Host EC2*", "Your Spot Task was interrupted*")
"""What the service says of a machine that it took back: https://docs.aws.amazon.com/batch/latest/userguide/best-practices.html"""


def submit_request(
    job: Job, definition: str, submission: str, carried: Job | None = None, *, reclaims: int = 1
) -> SubmitJobRequestTypeDef:
    """The request for a bound job; `definition` is its own, or the one made for its image.

    carried: the job as it is sent, when it is too long for that; its name and fingerprint stay the job's.
    reclaims: how many attempts a job has that asks for one, when its machine is taken back; what the service counts are
    attempts of either kind, so a job that asks for several has just those.
    """
    carried = carried or job
    request: SubmitJobRequestTypeDef = {
        "jobName": job.full_name,
        "jobQueue": job.job_queue or "",
        "jobDefinition": definition,
        "tags": {**job.tags, FINGERPRINT_TAG: job.fingerprint, SUBMISSION_TAG: submission},
    }
    if overrides := container_overrides(carried):
        request["containerOverrides"] = overrides
    if carried.parameters:
        request["parameters"] = dict(carried.parameters)
    if job.depends_on:
        request["dependsOn"] = [{"jobId": str(upstream)} for upstream in job.depends_on]
    if job.attempts > 1:
        request["retryStrategy"] = {"attempts": job.attempts}
    elif reclaims > 1:
        request["retryStrategy"] = spot_retries(reclaims)
    if job.timeout is not None:
        request["timeout"] = {"attemptDurationSeconds": job.timeout}
    return request


def spot_retries(attempts: int) -> RetryStrategyTypeDef:
    """So many attempts, of which only those are followed by another whose machine was taken back.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_EvaluateOnExit.html
    """
    lost: list[EvaluateOnExitTypeDef] = [{"onStatusReason": reason, "action": "RETRY"} for reason in _SPOT_IS_LOST]
    return {"attempts": attempts, "evaluateOnExit": [*lost, {"onReason": "*", "action": "EXIT"}]}


def container_overrides(job: Job) -> ContainerOverridesTypeDef:
    """What the job changes in its definition's container; empty when nothing."""
    overrides: ContainerOverridesTypeDef = {}
    if job.command:
        overrides["command"] = list(job.command)
    if job.environment:
        overrides["environment"] = key_values(job.environment)
    if requirements := resource_requirements(job.vcpus, job.memory, job.gpus):
        overrides["resourceRequirements"] = requirements
    return overrides


def resource_requirements(vcpus: float | None, memory: int | None, gpus: int = 0) -> list[ResourceRequirementTypeDef]:
    """vCPUs, MiB and GPUs as the service takes them: strings, and only those that are given."""
    requirements: list[ResourceRequirementTypeDef] = []
    if vcpus is not None:
        requirements.append({"type": "VCPU", "value": f"{vcpus:g}"})
    if memory is not None:
        requirements.append({"type": "MEMORY", "value": str(memory)})
    if gpus:
        requirements.append({"type": "GPU", "value": str(gpus)})
    return requirements


def key_values(texts: Mapping[str, str]) -> list[KeyValuePairTypeDef]:
    """An environment as the service takes it."""
    return [{"name": name, "value": value} for name, value in texts.items()]
