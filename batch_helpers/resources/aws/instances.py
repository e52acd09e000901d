"""What the names of EC2 instance types and families tell. Pure.

https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
"""

from __future__ import annotations

import re

GPU_DEFAULT = ("g4dn", "g5")
"""Families with NVIDIA GPUs that every large region has, from the smallest up."""

ANY, DEFAULT_ARM64, DEFAULT_X86_64 = "optimal", "default_arm64", "default_x86_64"
"""Sets that AWS Batch knows beside families and types."""

_TYPE = re.compile(r"[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)?")
_GRAVITON = re.compile(r"(?:a1|[a-z]+\d+g[a-z]*)")
_GPU = re.compile(r"(?:p\d|g\d|gr\d)")


def is_name(text: str) -> bool:
    """Whether this can name an instance type (`m5.large`), a family (`m5`) or a set of AWS Batch's (`optimal`)."""
    return text in (ANY, DEFAULT_ARM64, DEFAULT_X86_64) or _TYPE.fullmatch(text) is not None


def architecture(name: str) -> str:
    """`ARM64` or `X86_64`, as runtimePlatform.cpuArchitecture is spelled."""
    arm = name == DEFAULT_ARM64 or _GRAVITON.fullmatch(name.partition(".")[0]) is not None
    return "ARM64" if arm else "X86_64"


def has_gpu(name: str) -> bool:
    """Whether instances of this type or family have GPUs that jobs can ask for."""
    return _GPU.match(name) is not None
