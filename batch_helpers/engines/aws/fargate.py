"""The pairs of vCPUs and MiB that Fargate takes: pure.

https://docs.aws.amazon.com/batch/latest/APIReference/API_ResourceRequirement.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

_GIB = 1024

PAIRS: Mapping[float, Sequence[int]] = MappingProxyType(
    {
        0.25: (512, 1 * _GIB, 2 * _GIB),
        0.5: range(1 * _GIB, 4 * _GIB + 1, _GIB),
        1: range(2 * _GIB, 8 * _GIB + 1, _GIB),
        2: range(4 * _GIB, 16 * _GIB + 1, _GIB),
        4: range(8 * _GIB, 30 * _GIB + 1, _GIB),
        8: range(16 * _GIB, 60 * _GIB + 1, 4 * _GIB),
        16: range(32 * _GIB, 120 * _GIB + 1, 8 * _GIB),
        32: (60 * _GIB, 120 * _GIB, 244 * _GIB),
    }
)
"""The memory, in MiB and rising, that goes with each number of vCPUs."""


def valid(vcpus: float, memory: int) -> bool:
    """Whether Fargate has this pair."""
    return memory in PAIRS.get(vcpus, ())


def nearest(vcpus: float, memory: int) -> tuple[float, int] | None:
    """The smallest valid pair with at least this many vCPUs and MiB, or None beyond the largest."""
    for cores, sizes in PAIRS.items():
        if cores >= vcpus and sizes[-1] >= memory:
            return cores, next(size for size in sizes if size >= memory)
    return None
