"""What setup makes, from what was chosen: pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from batch_helpers.errors import InvalidInput
from batch_helpers.provision.policies import USES, inline_policies, managed_policies
from batch_helpers.resources.aws import ComputeEnvironment, JobQueue
from batch_helpers.resources.aws.checks import check_name
from batch_helpers.resources.aws.roles import trust_policy

TAG = "batch_helpers:setup"
"""On everything that setup makes, with the name of the setup: what teardown removes."""

NAME = "batch-helpers"

_LONGEST_NAME = 64 - len("-execution")
"""IAM takes 64 characters: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ROLE = re.compile(r"(?:arn:[a-z-]+:iam::\d{12}:(?:role|instance-profile)/(?:[\w+=,.@-]+/)*)?[\w+=,.@-]{1,128}")


@dataclass(frozen=True, slots=True)
class Choices:
    """What is asked of setup. Raises InvalidInput for what AWS would refuse.

    name: of the queue, and what all names begin with. buckets: where jobs may read and write. spot: instances on the
    Spot market too, in a queue of their own, NAME-spot. max_vcpus: the most of each environment. instance_types: of the
    Spot environment; by default AWS chooses. subnets, security_group_ids: by default those of the default VPC.
    roles: names or ARNs of those that exist, by their uses, instead of new ones.
    """

    name: str = NAME
    buckets: tuple[str, ...] = ()
    spot: bool = False
    max_vcpus: int = 256
    instance_types: tuple[str, ...] = ()
    subnets: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    roles: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_name("setup", self.name)
        if len(self.name) > _LONGEST_NAME:
            raise InvalidInput(f"setup: name={self.name!r}: {_LONGEST_NAME} characters are the most, for IAM's sake")
        for bucket in self.buckets:
            if not _BUCKET.fullmatch(bucket):
                raise InvalidInput(f"setup: bucket {bucket!r}: give the name of a bucket of S3, without a prefix")
        for use, role in self.roles.items():
            if not _ROLE.fullmatch(role):
                raise InvalidInput(f"setup: {use} role {role!r}: give a role's name or its ARN")
        if self.instance_types and not self.spot:
            raise InvalidInput("setup: instance types are for the Spot environment: add --spot, or leave them out")
        # What the specifications refuse is told before anything else.
        blueprint(self).environments(self.subnets or "subnet-0", self.security_group_ids or "sg-0")


@dataclass(frozen=True, slots=True)
class RoleSpec:
    """A role that is made: who may assume it, AWS's own policies (ARNs), and its own ones by name."""

    use: str
    name: str
    trust: Mapping[str, Any]
    managed: tuple[str, ...]
    inline: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What an account is to have. The instance profile has the name of its role."""

    choices: Choices
    partition: str = "aws"

    @property
    def tags(self) -> Mapping[str, str]:
        """What everything is tagged with."""
        return {TAG: self.choices.name}

    @property
    def roles(self) -> tuple[RoleSpec, ...]:
        """The roles that are to be made, and not those that were named."""
        return tuple(self.role(use) for use in USES if use not in self.choices.roles)

    def role(self, use: str) -> RoleSpec:
        """The role that is made for a use."""
        inline = inline_policies(use, self.choices.buckets, self.partition)
        managed = managed_policies(use, self.partition)
        return RoleSpec(use, self.role_name(use), trust_policy(use), managed, inline)

    def role_name(self, use: str) -> str:
        """The name of the role that is made for a use."""
        return f"{self.choices.name}-{use}"

    def part(self, environment: str) -> str:
        """`Fargate` or `Spot`."""
        return environment.removeprefix(f"{self.choices.name}-").capitalize()

    def environments(
        self, subnets: str | tuple[str, ...], groups: str | tuple[str, ...], roles: Mapping[str, str] | None = None
    ) -> tuple[ComputeEnvironment, ...]:
        """The compute environments. roles: ARNs of the service role and the instance profile, by use.

        Templates give stand-ins for subnets and groups, since only the account knows them.
        """
        known = {use: self.role_name(use) for use in USES} | dict(self.choices.roles) | dict(roles or {})
        shared: dict[str, Any] = {
            "max_vcpus": self.choices.max_vcpus,
            "subnets": (subnets,) if isinstance(subnets, str) else subnets,
            "security_group_ids": (groups,) if isinstance(groups, str) else groups,
            "service_role": known["service"],
            "tags": self.tags,
        }
        made = [ComputeEnvironment(f"{self.choices.name}-fargate", "FARGATE", **shared)]
        if self.choices.spot:
            types = self.choices.instance_types
            name, role = f"{self.choices.name}-spot", known["instance"]
            made.append(ComputeEnvironment(name, "SPOT", instance_role=role, instance_types=types, **shared))
        return tuple(made)

    @property
    def queues(self) -> tuple[JobQueue, ...]:
        """One for each environment: AWS Batch mixes no Fargate with instances in one."""
        made = [JobQueue(self.choices.name, (f"{self.choices.name}-fargate",), tags=self.tags)]
        if self.choices.spot:
            made.append(JobQueue(f"{self.choices.name}-spot", (f"{self.choices.name}-spot",), tags=self.tags))
        return tuple(made)


def blueprint(choices: Choices, partition: str = "aws") -> Blueprint:
    """What these choices come to. partition: of the account, as in its ARNs."""
    return Blueprint(choices, partition)
