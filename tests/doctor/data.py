"""Described data in which nothing is wrong; tests change one thing."""

from __future__ import annotations

from typing import Any

from batch_helpers.doctor.facts import Account, Environment, Facts, InstanceType, Queue, Role, Subnet, Waiting
from batch_helpers.doctor.needs import Need
from batch_helpers.job import JobDetail, Status

NOW = 1_000_000.0
ACCOUNT = Account("arn:aws:iam::123456789012:user/ann", "us-east-1", 0.4, ())
QUEUE = Queue("spot", "ENABLED", "VALID", environments=("machines",))
MACHINES = Environment(
    "machines",
    "ENABLED",
    "VALID",
    kind="SPOT",
    max_vcpus=64,
    instance_types=("c5.xlarge",),
    subnets=("subnet-a",),
    service_role="batch",
    instance_role="instances",
)
FARGATE = Environment("fargate", "ENABLED", "VALID", kind="FARGATE", max_vcpus=64, subnets=("subnet-a",))
XLARGE = InstanceType("c5.xlarge", 4, 8192)
SUBNET = Subnet("subnet-a", "vpc-1", 100, public_addresses=True, way_out="internet gateway")
NEED = Need("align-s1", "spot", vcpus=2, memory=4096, platforms=("EC2",))
ON_FARGATE = Need(
    "align-s1",
    "spot",
    vcpus=2,
    memory=4096,
    platforms=("FARGATE",),
    execution_role="execution",
    public_address=True,
)
ROLES = {
    ("service", "batch"): Role("batch", frozenset({"batch.amazonaws.com"})),
    ("instance", "instances"): Role("instances", frozenset({"ec2.amazonaws.com"})),
}


def facts(**changed: Any) -> Facts:
    """An account whose queue `spot` runs a job of 2 vCPUs on machines of 4."""
    whole: dict[str, Any] = {
        "queues": {"spot": QUEUE},
        "environments": {"machines": MACHINES},
        "types": {"c5.xlarge": (XLARGE,)},
        "subnets": {"subnet-a": SUBNET},
        "roles": ROLES,
        "needs": (NEED,),
        "now": NOW,
    }
    return Facts(ACCOUNT, **{**whole, **changed})


def waiting(reason: str = "", *, hours: float = 3, status: Status = Status.RUNNABLE, **more: Any) -> Waiting:
    """The job `align-s1`, submitted some hours ago."""
    detail = JobDetail("id-1", "align-s1", status, "spot", reason, created_at=NOW - hours * 3600)
    return Waiting(detail, NEED, **more)
