"""What the checks look at: described data, frozen, gathered once; pure.

Wherever a fact may be missing it is `Absent`, when the service says that there is no such thing, or `Unknown`, when it
could not be asked. None means that nobody wanted to know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from batch_helpers.doctor.needs import Need
from batch_helpers.job import JobDetail


@dataclass(frozen=True, slots=True)
class Absent:
    """The service says that it does not exist; `why` is how it said it."""

    why: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """It could not be found out, and why. refused: the service was reached, and did not take the credentials."""

    why: str
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """It is there, and the credentials may not do this with it."""

    why: str


@dataclass(frozen=True, slots=True)
class Account:
    """Who asks, and where. skew: seconds by which the service's clock is ahead of this machine's."""

    identity: str | Unknown
    region: str | Unknown
    skew: float | Unknown
    forbidden: tuple[str, ...] | Unknown | None = None
    """The actions that running jobs needs, and that this identity may not take."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A job queue, with its compute environments' names in their order.

    elsewhere: whether its jobs run in service environments, which are not looked at.
    """

    name: str
    state: str
    status: str
    reason: str = ""
    environments: tuple[str, ...] = ()
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Environment:
    """A compute environment.

    kind: FARGATE, FARGATE_SPOT, EC2, SPOT, or UNMANAGED. instance_types: types, families, and words such as `optimal`.
    service_role: empty for the service-linked role. instance_role: the name or ARN of an instance profile.
    """

    name: str
    state: str
    status: str
    reason: str = ""
    kind: str = "EC2"
    max_vcpus: int | None = None
    instance_types: tuple[str, ...] = ()
    subnets: tuple[str, ...] = ()
    service_role: str = ""
    instance_role: str = ""

    @property
    def is_fargate(self) -> bool:
        return self.kind.startswith("FARGATE")


@dataclass(frozen=True, slots=True)
class InstanceType:
    """What a machine has: vCPUs, MiB, GPUs; its architectures as X86_64 and ARM64."""

    name: str
    vcpus: int
    memory: int
    gpus: int = 0
    architectures: frozenset[str] = frozenset({"X86_64"})


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet.

    way_out: `internet gateway`, `NAT`, another target of its default route, or empty when there is none.
    public_addresses: whether what starts in it gets one. endpoints: services with a VPC endpoint, as `s3`, `ecr.api`.
    """

    name: str
    vpc: str
    free_addresses: int
    public_addresses: bool = False
    way_out: str = ""
    endpoints: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Role:
    """A role as one of the four that jobs need.

    trusted: the services that may assume it. forbidden: the actions that it needs and does not allow.
    """

    name: str
    trusted: frozenset[str] = frozenset()
    forbidden: tuple[str, ...] | Unknown = ()


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket. region: empty when it is not told. writable: None when nothing will be written there."""

    region: str
    writable: bool | Refused | Unknown | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """An active job. place: counted from 1 among the first 100 of its queue, None when it is not among them.

    at_place: seconds since the epoch from which it has been there.
    """

    detail: JobDetail
    need: Need
    place: int | Unknown | None = None
    at_place: float | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that was found out. Images map to whether they exist; types to what families and types stand for.

    roles are by (use, name or ARN), the use being `service`, `instance`, `execution` or `task`. now: seconds since the
    epoch when it was gathered. all_queues: why all queues could not be listed. no_queues: the region has none.
    """

    account: Account
    queues: Mapping[str, Queue | Absent | Unknown] = field(default_factory=dict)
    environments: Mapping[str, Environment | Absent | Unknown] = field(default_factory=dict)
    types: Mapping[str, tuple[InstanceType, ...] | Absent | Unknown] = field(default_factory=dict)
    subnets: Mapping[str, Subnet | Absent | Unknown] = field(default_factory=dict)
    roles: Mapping[tuple[str, str], Role | Absent | Unknown] = field(default_factory=dict)
    images: Mapping[str, bool | Absent | Unknown | None] = field(default_factory=dict)
    buckets: Mapping[str, Bucket | Absent | Unknown] = field(default_factory=dict)
    log_group: str | Absent | Unknown | None = None
    needs: tuple[Need, ...] = ()
    job: Waiting | JobDetail | Absent | Unknown | None = None
    all_queues: Unknown | None = None
    no_queues: bool = False
    now: float = 0.0
