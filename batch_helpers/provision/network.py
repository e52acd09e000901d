"""The subnets and security groups of an account's default VPC."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from batch_helpers.aws_client import AWSAccess
from batch_helpers.engines.aws.api import API
from batch_helpers.errors import InvalidInput, NotFound
from batch_helpers.provision.blueprint import Choices


@dataclass(frozen=True, slots=True)
class Network:
    """Where jobs run."""

    subnets: tuple[str, ...]
    security_group_ids: tuple[str, ...]


def network(access: AWSAccess, choices: Choices, sleep: Callable[[float], None]) -> Network:
    """What was chosen, and for what was not the default VPC's.

    Raises NotFound when there is no default VPC, InvalidInput when only subnets are given that are not of one VPC.
    """
    api = API(access, "ec2", sleep=sleep, connections=1)
    if choices.subnets and choices.security_group_ids:
        return Network(choices.subnets, choices.security_group_ids)
    vpc = _vpc_of(api, choices.subnets) if choices.subnets else _default_vpc(api)
    return Network(choices.subnets or _subnets(api, vpc), choices.security_group_ids or _default_group(api, vpc))


def _default_vpc(api: API) -> str:
    default = [{"Name": "is-default", "Values": ["true"]}]
    found = api.ask("describe_vpcs", "look up the default VPC", "Vpcs", Filters=default)["Vpcs"]
    if not found:
        problem = "there is no default VPC in this region: give --subnets and --security-group-ids"
        raise NotFound(f"{problem}, or run: aws ec2 create-default-vpc")
    vpc: str = found[0]["VpcId"]
    return vpc


def _vpc_of(api: API, subnets: tuple[str, ...]) -> str:
    found = api.ask("describe_subnets", "look up the subnets", "Subnets", SubnetIds=list(subnets))["Subnets"]
    vpcs = sorted({raw["VpcId"] for raw in found})
    if len(vpcs) != 1:
        raise InvalidInput(f"--subnets are in different VPCs ({', '.join(vpcs)}): choose those of one")
    return str(vpcs[0])


def _subnets(api: API, vpc: str) -> tuple[str, ...]:
    """One for each zone."""
    in_vpc = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "default-for-az", "Values": ["true"]}]
    found = api.ask("describe_subnets", f"look up the subnets of {vpc}", "Subnets", Filters=in_vpc)["Subnets"]
    if not found:
        raise NotFound(f"the default VPC {vpc} has no default subnets: give --subnets")
    return tuple(sorted(raw["SubnetId"] for raw in found))


def _default_group(api: API, vpc: str) -> tuple[str, ...]:
    default = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    doing = f"look up the security group of {vpc}"
    found = api.ask("describe_security_groups", doing, "SecurityGroups", Filters=default)["SecurityGroups"]
    return tuple(raw["GroupId"] for raw in found)
