"""What a compute environment is to be like, checked when it is said. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from batch_helpers.errors import InvalidInput
from batch_helpers.resources.aws import instances
from batch_helpers.resources.aws.checks import check_name, check_one_of, check_tags
from batch_helpers.words import nearest

FARGATE_TYPES = ("FARGATE", "FARGATE_SPOT")
TYPES = (*FARGATE_TYPES, "EC2", "SPOT")
STRATEGIES: Mapping[str, tuple[str, ...]] = {
    "EC2": ("BEST_FIT_PROGRESSIVE", "BEST_FIT_PROGRESSIVE_ORDERED", "BEST_FIT"),
    "SPOT": (
        "SPOT_PRICE_CAPACITY_OPTIMIZED",
        "SPOT_CAPACITY_OPTIMIZED",
        "SPOT_CAPACITY_OPTIMIZED_PRIORITIZED",
        "BEST_FIT_PROGRESSIVE",
        "BEST_FIT_PROGRESSIVE_ORDERED",
        "BEST_FIT",
    ),
}
"""By type; the first one is what is taken when none is given. BEST_FIT allows no updates, and is there because it was:
https://docs.aws.amazon.com/batch/latest/userguide/allocation-strategies.html"""

MAX_SUBNETS, MAX_SECURITY_GROUPS = 16, 5
"""https://docs.aws.amazon.com/batch/latest/APIReference/API_ComputeResource.html"""

_FOR_INSTANCES = (
    "min_vcpus",
    "instance_role",
    "instance_types",
    "allocation_strategy",
    "gpu",
    "launch_template",
    "image_id",
    "image_type",
    "key_pair",
    "bid_percentage",
    "spot_fleet_role",
)


@dataclass(frozen=True, slots=True)
class ComputeEnvironment:
    """A managed compute environment. Raises InvalidInput, with the field and the value, for what cannot work.

    type: FARGATE, FARGATE_SPOT, EC2 or SPOT. max_vcpus, min_vcpus: vCPUs; with min_vcpus above 0 instances run, and
    cost, without jobs. service_role: None is AWS's own (AWSServiceRoleForBatch). The rest is for EC2 and SPOT only:
    instance_role: the instance profile, by name or ARN. instance_types: types, families or `optimal`.
    allocation_strategy: None is the best of the type. gpu: instances with GPUs. launch_template: `NAME` or `lt-…`, with
    `:VERSION` if it is not to be the default one. image_type: such as ECS_AL2023_NVIDIA. bid_percentage: the most that
    a Spot instance may cost, in per cent of its On-Demand price.
    """

    name: str
    type: str = "FARGATE"
    max_vcpus: int = 256
    subnets: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    service_role: str | None = None
    min_vcpus: int = 0
    instance_role: str | None = None
    instance_types: tuple[str, ...] = ()
    allocation_strategy: str | None = None
    gpu: bool = False
    launch_template: str | None = None
    image_id: str | None = None
    image_type: str | None = None
    key_pair: str | None = None
    bid_percentage: int | None = None
    spot_fleet_role: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_name("compute environment", self.name)
        check_one_of(f"{self._who}: type", self.type, TYPES)
        check_tags(self._who, self.tags)
        self._check_network()
        if not 0 <= self.min_vcpus <= self.max_vcpus or self.max_vcpus < 1:
            raise self._invalid("max_vcpus", f"give 1 or more vCPUs, and no less than min_vcpus={self.min_vcpus}")
        if self.is_fargate:
            self._check_fargate()
        else:
            self._check_instances()

    @property
    def is_fargate(self) -> bool:
        """Whether it has no instances of its own."""
        return self.type in FARGATE_TYPES

    @property
    def types_of_instances(self) -> tuple[str, ...]:
        """The instance types that are asked for, or the default ones."""
        return self.instance_types or (instances.GPU_DEFAULT if self.gpu else (instances.ANY,))

    @property
    def strategy(self) -> str:
        """The allocation strategy that is asked for, or the default one of the type."""
        return self.allocation_strategy or STRATEGIES[self.type][0]

    @property
    def _who(self) -> str:
        return f"compute environment {self.name!r}"

    def _check_network(self) -> None:
        for name, prefix, most in (
            ("subnets", "subnet-", MAX_SUBNETS),
            ("security_group_ids", "sg-", MAX_SECURITY_GROUPS),
        ):
            given = getattr(self, name)
            if not 1 <= len(given) <= most:
                raise self._invalid(
                    name, f"give 1 to {most} ids ({prefix}…); `batch-helpers setup` finds the default ones"
                )
            strange = [item for item in given if not item.startswith(prefix)]
            if strange:
                raise self._invalid(name, f"{strange[0]!r} is no id: it begins with {prefix}")

    def _check_fargate(self) -> None:
        for name in _FOR_INSTANCES:
            if getattr(self, name):
                problem = f"{self.type} has no instances to choose: leave it out, or give type EC2 or SPOT"
                raise self._invalid(name, problem)

    def _check_instances(self) -> None:
        if not self.instance_role:
            raise self._invalid(
                "instance_role", "instances need one (often ecsInstanceRole); `batch-helpers setup` makes it"
            )
        known = STRATEGIES[self.type]
        if self.strategy not in known:
            raise self._invalid("allocation_strategy", f"not one of type {self.type}{nearest(self.strategy, known)}")
        if self.type != "SPOT" and (self.bid_percentage or self.spot_fleet_role):
            raise self._invalid("bid_percentage" if self.bid_percentage else "spot_fleet_role", "it is for type SPOT")
        if self.bid_percentage is not None and not 1 <= self.bid_percentage <= 100:
            raise self._invalid("bid_percentage", "give a whole number from 1 to 100")
        if self.type == "SPOT" and self.strategy == "BEST_FIT" and not self.spot_fleet_role:
            raise self._invalid(
                "allocation_strategy", "on SPOT it needs spot_fleet_role; the default strategy does not"
            )
        self._check_types_of_instances()

    def _check_types_of_instances(self) -> None:
        for name in self.instance_types:
            if not instances.is_name(name):
                raise self._invalid("instance_types", f"{name!r} is no instance type, such as m5.large, m5 or optimal")
        by_architecture = {instances.architecture(name): name for name in self.types_of_instances}
        if len(by_architecture) > 1:
            pair = " and ".join(f"{name} ({kind})" for kind, name in by_architecture.items())
            raise self._invalid("instance_types", f"one environment has one architecture, and these are {pair}")
        without = [name for name in self.types_of_instances if not instances.has_gpu(name)]
        if self.gpu and without:
            raise self._invalid("instance_types", f"{without[0]!r} has no GPU: leave it out, or give no gpu")

    def _invalid(self, name: str, problem: str) -> InvalidInput:
        return InvalidInput(f"{self._who}: {name}={getattr(self, name)!r}: {problem}")
