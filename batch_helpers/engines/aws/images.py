"""The job definition of a job that is given as an image: pure."""

from __future__ import annotations

from typing import Any

from batch_helpers.engines.aws.definition import DEFAULT_MEMORY, DEFAULT_VCPUS, EC2
from batch_helpers.engines.aws.requests import resource_requirements


def content(image: str) -> dict[str, Any]:
    """What the definition holds; its resources are what a job gets that asks for none. For EC2."""
    container = {"image": image, "resourceRequirements": resource_requirements(DEFAULT_VCPUS, DEFAULT_MEMORY)}
    return {"type": "container", "platformCapabilities": [EC2], "containerProperties": container}
