"""How much of the machine is taken."""

from __future__ import annotations

import os
from typing import NamedTuple

from batch_helpers.engines.local.rows import Capacity

_DIGITS, _DUST = 9, 1e-8


class Need(NamedTuple):
    """What a job takes while it runs: vCPUs and MiB."""

    vcpus: float
    memory: int


class Room:
    """The machine's vCPUs and memory, as far as jobs may have them."""

    def __init__(self, capacity: Capacity) -> None:
        self.resize(capacity)
        self._vcpus_taken, self._memory_taken = 0.0, 0

    def resize(self, capacity: Capacity) -> None:
        """Follow a change of what jobs may take together; what runs goes on."""
        self.vcpus = capacity.vcpus or machine_vcpus()
        self._memory = capacity.memory

    @property
    def memory(self) -> int:
        """MiB; asked of the machine when the first job has a need of it."""
        if self._memory is None:
            self._memory = machine_memory()
        return self._memory

    def need(self, vcpus: float, memory: int) -> Need:
        """What a job gets: what it asks for, or all there is when that is less, so that it then runs alone."""
        if self.exceeded(vcpus, memory):
            return Need(self.vcpus, self.memory)
        return Need(vcpus, memory)

    def exceeded(self, vcpus: float, memory: int) -> bool:
        """Whether a job asks for more than there is."""
        return vcpus > self.vcpus + _DUST or (memory > 0 and memory > self.memory)

    def fits(self, need: Need) -> bool:
        if self._vcpus_taken + need.vcpus > self.vcpus + _DUST:
            return False
        return not need.memory or self._memory_taken + need.memory <= self.memory

    def take(self, need: Need) -> None:
        self._vcpus_taken = round(self._vcpus_taken + need.vcpus, _DIGITS)
        self._memory_taken += need.memory

    def give_back(self, need: Need) -> None:
        self._vcpus_taken = round(self._vcpus_taken - need.vcpus, _DIGITS)
        self._memory_taken -= need.memory


def machine_vcpus() -> float:
    """The CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return float(len(os.sched_getaffinity(0)))
    return float(os.cpu_count() or 1)


def machine_memory() -> int:
    """The machine's memory in MiB."""
    import psutil

    return int(psutil.virtual_memory().total >> 20)
