"""The pools that jobs run on, each looked up once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from batch_helpers.engines.azure.api import API
from batch_helpers.errors import NotFound
from batch_helpers.words import nearest

_CORES = re.compile(r"_[A-Z]+(\d+)(?:-(\d+))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pool:
    """What a job must know of its pool. images: those its nodes hold; None when it runs no containers.

    slots: how many tasks of one slot run on a node at once. cores: vCPUs of a node, read out of the VM size's name.
    mounts: paths below $AZ_BATCH_NODE_MOUNTS_DIR, which tasks in containers see below /.
    """

    name: str
    images: tuple[str, ...] | None = None
    slots: int = 1
    cores: int | None = None
    mounts: tuple[str, ...] = ()

    def slots_for(self, vcpus: float | None) -> int:
        """The slots that a job of so many vCPUs takes, so that the jobs of a node do not ask for more than it has."""
        if vcpus is None or self.cores is None or self.slots == 1:
            return 1
        return max(1, min(self.slots, -(-round(vcpus * self.slots * 1000) // (self.cores * 1000))))


class Pools:
    """Pools by name."""

    def __init__(self, api: API) -> None:
        self._api = api
        self._known: dict[str, Pool] = {}

    def get(self, name: str) -> Pool:
        """The pool; NotFound, with the nearest name there is, when it does not exist."""
        if name not in self._known:
            fields = ["id", "vmSize", "taskSlotsPerNode", "virtualMachineConfiguration", "mountConfiguration"]
            try:
                raw = self._api.ask("get_pool", f"look up pool {name!r}", name, select=fields)
            except NotFound as exc:
                raise NotFound(f"pool {name!r} does not exist{nearest(name, self.names())}") from exc
            self._known[name] = _pool(raw)
        return self._known[name]

    def names(self) -> list[str]:
        return [raw["id"] for raw in self._api.pages("list_pools", "list the pools", select=["id"])]


def _pool(raw: Mapping[str, Any]) -> Pool:
    machine = raw.get("virtualMachineConfiguration") or {}
    containers = machine.get("containerConfiguration")
    images = None if containers is None else tuple(containers.get("containerImageNames") or ())
    size = _CORES.search(raw.get("vmSize") or "")
    cores = int(size[2] or size[1]) if size else None
    return Pool(raw["id"], images, raw.get("taskSlotsPerNode") or 1, cores or None, tuple(_mounts(raw)))


def _mounts(raw: Mapping[str, Any]) -> Iterator[str]:
    for mount in raw.get("mountConfiguration") or ():
        kinds = [kind for kind in mount.values() if kind]
        yield from (kind["relativeMountPath"] for kind in kinds if kind.get("relativeMountPath"))
