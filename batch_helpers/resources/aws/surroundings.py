"""What a compute environment needs that is not of AWS Batch: subnets and groups of one VPC, and roles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from batch_helpers.aws_client import AWSAccess
from batch_helpers.engines.aws.api import API
from batch_helpers.engines.aws.rates import on_loopback
from batch_helpers.errors import InvalidInput, NotFound, ServiceError
from batch_helpers.resources.aws.checks import short
from batch_helpers.resources.aws.environment import ComputeEnvironment
from batch_helpers.resources.aws.roles import how_to_make_instance_profile, how_to_make_service_role


class Surroundings:
    """The network and the roles of an account.

    batch: AWS Batch in it. tell: gets a line for what cannot be looked at.
    """

    def __init__(
        self, access: AWSAccess, batch: API, sleep: Callable[[float], None], tell: Callable[[str], None]
    ) -> None:
        self._batch, self._tell = batch, tell
        self._ec2 = API(access, "ec2", sleep=sleep, connections=1)
        self._iam = API(access, "iam", sleep=sleep, connections=1)

    def check(self, spec: ComputeEnvironment) -> None:
        """Raise InvalidInput or NotFound for what this environment could not work with.

        What may not be looked at is told, and left to AWS Batch; so is all of it when Batch alone is on this machine.
        """
        if self._is_batch_alone():
            return
        for check in (self._check_network, self._check_service_role, self._check_instance_profile):
            try:
                check(spec)
            except NotFound:
                raise
            except ServiceError as exc:
                self._tell(f"compute environment {spec.name!r}: not checked: {exc}")

    def _check_network(self, spec: ComputeEnvironment) -> None:
        subnets = self._ec2.ask(
            "describe_subnets", "look up the subnets", "Subnets.SubnetId", SubnetIds=list(spec.subnets)
        )["Subnets"]
        groups = self._ec2.ask(
            "describe_security_groups",
            "look up the security groups",
            "SecurityGroups.GroupId",
            GroupIds=list(spec.security_group_ids),
        )["SecurityGroups"]
        check_one_vpc(
            spec,
            {raw["SubnetId"]: raw["VpcId"] for raw in subnets},
            {raw["GroupId"]: raw["VpcId"] for raw in groups},
        )

    def _check_service_role(self, spec: ComputeEnvironment) -> None:
        role = spec.service_role
        if role is not None and not self._is_role(short(role)):
            remedy = how_to_make_service_role(role)
            raise NotFound(f"compute environment {spec.name!r}: service_role={role!r} does not exist: {remedy}")

    def _check_instance_profile(self, spec: ComputeEnvironment) -> None:
        profile = spec.instance_role
        if profile is None:
            return
        with suppress(NotFound):
            self._iam.ask("get_instance_profile", f"look up {profile}", InstanceProfileName=short(profile))
            return
        what = "is a role without an instance profile" if self._is_role(short(profile)) else "does not exist"
        remedy = how_to_make_instance_profile(profile)
        raise NotFound(f"compute environment {spec.name!r}: instance_role={profile!r} {what}: {remedy}")

    def _is_role(self, name: str) -> bool:
        with suppress(NotFound):
            self._iam.ask("get_role", f"look up role {name!r}", RoleName=name)
            return True
        return False

    def _is_batch_alone(self) -> bool:
        """Whether AWS Batch is served by this machine and the rest is not, so that the rest knows nothing of it."""
        return on_loopback(self._batch.endpoint) and not on_loopback(self._ec2.endpoint)


def check_one_vpc(spec: ComputeEnvironment, subnets: Mapping[str, str], groups: Mapping[str, str]) -> None:
    """Raise InvalidInput unless all subnets and security groups, each with its VPC, are of one VPC."""
    by_vpc = {vpc: item for item, vpc in {**groups, **subnets}.items()}
    if len(by_vpc) > 1:
        pair = " and ".join(f"{item} of {vpc}" for vpc, item in sorted(by_vpc.items()))
        what = "subnets" if len(set(subnets.values())) > 1 else "security_group_ids"
        problem = f"all must be of one VPC, and there are {pair}: choose those of one"
        raise InvalidInput(f"compute environment {spec.name!r}: {what}: {problem}")
