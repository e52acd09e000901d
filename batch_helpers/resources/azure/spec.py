"""What a pool is to be like, checked when it is said. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from batch_helpers.errors import InvalidInput

SIZES: Mapping[str, str] = MappingProxyType(
    {
        "xsmall": "Standard_D2ads_v5",
        "small": "Standard_D4ads_v5",
        "medium": "Standard_D8ads_v5",
        "large": "Standard_D16ads_v5",
        "xlarge": "Standard_D32ads_v5",
    }
)
"""Sizes by short names; any name of a VM size is one too."""

MOST_SLOTS = 256
"""Task slots of a node: https://learn.microsoft.com/azure/batch/batch-parallel-node-tasks"""

MAX_FORMULA = 8192
"""Characters: https://learn.microsoft.com/azure/batch/batch-automatic-scaling"""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CONTAINER = re.compile(r"[a-z0-9](?:-?[a-z0-9]){2,62}")
_TARGET = re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*")


class Mount(NamedTuple):
    """A blob container, and the path below $AZ_BATCH_NODE_MOUNTS_DIR (in containers, below /) where it is seen."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class PoolSpec:
    """A pool. Raises InvalidInput, with the field and the value, for what cannot work.

    vm_size: a VM size, or xsmall to xlarge. container_image: an image to hold on the nodes; its tasks run in it.
    registry: the registry's server, such as `name.azurecr.io`, when the pool's identity is to pull from it.
    max_nodes: the most nodes of the default autoscale formula; formula: one of your own; fixed: dedicated and spot
    nodes instead. slots: tasks side by side on a node. zones: `regional` or `zonal`. cache: whether blobfuse keeps
    what it has read. identity, subnet: resource ids.
    """

    name: str
    vm_size: str = "small"
    container_image: str | None = None
    registry: str | None = None
    max_nodes: int = 3
    formula: str | None = None
    fixed: tuple[int, int] | None = None
    slots: int = 1
    mounts: tuple[Mount, ...] = ()
    zones: str = "regional"
    cache: bool = True
    identity: str | None = None
    subnet: str | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise self._invalid("name", "give 1 to 64 letters, digits, - and _")
        if not self.vm_size.strip():
            raise self._invalid("vm_size", f"give a VM size, or one of {', '.join(SIZES)}")
        if not _whole(self.slots) or not 1 <= self.slots <= MOST_SLOTS:
            raise self._invalid("slots", f"give a whole number from 1 to {MOST_SLOTS}")
        if self.zones not in ("regional", "zonal"):
            raise self._invalid("zones", "give 'regional' or 'zonal'")
        self._check_scale()
        self._check_mounts()

    @property
    def size(self) -> str:
        """The VM size by Azure's name."""
        return SIZES.get(self.vm_size.lower(), self.vm_size)

    def _check_scale(self) -> None:
        if self.fixed is not None and (not all(map(_whole, self.fixed)) or min(self.fixed) < 0):
            raise self._invalid("fixed", "give whole numbers of dedicated and of spot nodes, 0 or more")
        if not _whole(self.max_nodes) or self.max_nodes < 1:
            raise self._invalid("max_nodes", "give a whole number of nodes, 1 or more")
        if self.formula is not None and not 0 < len(self.formula.strip()) <= MAX_FORMULA:
            raise self._invalid("formula", f"give an autoscale formula of at most {MAX_FORMULA} characters")

    def _check_mounts(self) -> None:
        for mount in self.mounts:
            if not _CONTAINER.fullmatch(mount.source):
                raise self._invalid("mounts", f"{mount.source!r} is no name of a blob container")
            if not _TARGET.fullmatch(mount.target) or ".." in mount.target.split("/"):
                raise self._invalid("mounts", f"{mount.target!r} is no path to mount at: give a relative one")
        if len({mount.target for mount in self.mounts}) < len(self.mounts):
            raise self._invalid("mounts", "two containers are mounted at one place")

    def _invalid(self, field: str, problem: str) -> InvalidInput:
        return InvalidInput(f"pool {self.name!r}: {field}={getattr(self, field)!r}: {problem}")


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
