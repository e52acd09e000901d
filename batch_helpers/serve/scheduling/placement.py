"""Whether a job can start at all where it was submitted, and what its statusReason says when it cannot."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from batch_helpers.serve.jobs.merging import needs
from batch_helpers.serve.runners.base import Capacity

# https://docs.aws.amazon.com/batch/latest/APIReference/API_JobDetail.html
TOO_FEW_VCPUS = (
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - "
    "All compute environments have a maxVcpu setting that is smaller than the job requirements."
)
TOO_BIG = (
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - "
    "All compute environments have no connected instances that meet the job requirements."
)
NOBODY = (
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - All compute environments have insufficient capacity to service the job."
)


def obstacle(container: str, environments: Sequence[Mapping[str, Any]], capacity: Capacity) -> str | None:
    """Why a job stays RUNNABLE as things are, or None when it can start; `container` is its container, as JSON."""
    enabled = [item for item in environments if item["state"] == "ENABLED"]
    if not enabled:
        return NOBODY
    needed = needs(json.loads(container))
    vcpus, memory = float(needed["VCPU"]), int(needed["MEMORY"])
    most = [item["computeResources"]["maxvCpus"] for item in enabled if "computeResources" in item]
    if len(most) == len(enabled) and vcpus > max(most):
        return TOO_FEW_VCPUS
    if vcpus > (capacity.vcpus or vcpus) or memory > (capacity.memory or memory):
        return TOO_BIG
    return None
