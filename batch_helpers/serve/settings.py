"""How an endpoint is to be."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from batch_helpers.engines.local.containers import RUNTIMES
from batch_helpers.errors import InvalidInput
from batch_helpers.serve.jobs.entrypoints import AWS_CLI, Entrypoints
from batch_helpers.serve.outcomes import Outcome
from batch_helpers.serve.scheduling.retention import JOBS

REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Settings:
    """What `serve` is told.

    directory: where the state is kept. host, port: 0 is any free port. instant: jobs finish without running.
    vcpus, memory (MiB): how much of the machine jobs may take together; None is all. containers: `docker`, `podman` or
    `apptainer`, to run jobs in their images. entrypoints: words that images put before a command, which runs here
    without its image; the AWS CLI's are known. retention: seconds for which ended jobs are known. region: in ARNs.
    outcomes: how instant jobs end. control: whether the control call is served. rate: requests per second beyond which
    the answer is 429. latency: seconds before each answer. seed: of faults that are left to chance.

    Raises InvalidInput for values that make no sense.
    """

    directory: str
    host: str = "127.0.0.1"
    port: int = 0
    instant: bool = False
    vcpus: float | None = None
    memory: int | None = None
    containers: str | None = None
    entrypoints: Entrypoints = field(default_factory=lambda: AWS_CLI)
    retention: float = JOBS
    region: str = REGION
    outcomes: Sequence[Outcome] = ()
    control: bool = False
    rate: float | None = None
    latency: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "directory", os.path.abspath(self.directory))
        object.__setattr__(self, "entrypoints", {**AWS_CLI, **self.entrypoints})
        for name in ("vcpus", "memory", "rate"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise InvalidInput(f"{name}={value!r}: give a positive number, or leave it out")
        for name in ("retention", "latency"):
            if getattr(self, name) < 0:
                raise InvalidInput(f"{name}={getattr(self, name)!r}: give a number of seconds, 0 or more")
        if self.containers is not None and self.containers not in RUNTIMES:
            raise InvalidInput(f"containers={self.containers!r}: give one of {', '.join(RUNTIMES)}, or leave it out")
        if not 0 <= self.port < 1 << 16:
            raise InvalidInput(f"port={self.port!r}: give a number from 0 to 65535; 0 is any free port")
        if self.outcomes and not self.instant:
            raise InvalidInput("outcomes are for instant jobs: give instant=True as well")
