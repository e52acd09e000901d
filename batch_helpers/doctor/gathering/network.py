"""Subnets and their ways out, and the machines that instance types stand for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from batch_helpers.doctor.facts import Absent, InstanceType, Subnet, Unknown
from batch_helpers.doctor.gathering.asking import Asker
from batch_helpers.engines.aws.crew import chunks

Raw = Mapping[str, Any]

WORDS = frozenset({"optimal", "default_x86_64", "default_arm64"})
"""What stands for families that AWS chooses:
https://docs.aws.amazon.com/batch/latest/APIReference/API_ComputeResource.html"""

_ARCHITECTURES = {"x86_64": "X86_64", "arm64": "ARM64"}
_EVERYWHERE = "0.0.0.0/0"
_FILTER_VALUES = 200
"""https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Filter.html"""


def subnets(asker: Asker, names: Sequence[str]) -> dict[str, Subnet | Absent | Unknown]:
    """These subnets, each with the way that its route table opens, and the endpoints of its VPC."""
    found: dict[str, Subnet | Absent | Unknown] = {}
    for chunk in chunks(names, _FILTER_VALUES):
        # A filter leaves out what does not exist, where ids would be refused for one that does not.
        asked = [{"Name": "subnet-id", "Values": list(chunk)}]
        raws = asker.items("ec2", "describe_subnets", "look up the subnets", "Subnets", Filters=asked)
        if isinstance(raws, Absent | Unknown):
            found |= dict.fromkeys(chunk, Unknown(raws.why))
            continue
        there = {raw["SubnetId"]: _with_routes(asker, raw) for raw in raws}
        found |= {name: there.get(name) or Absent(f"there is no subnet {name}") for name in chunk}
    return found


def _with_routes(asker: Asker, raw: Raw) -> Subnet | Unknown:
    in_vpc = [{"Name": "vpc-id", "Values": [raw["VpcId"]]}]
    tables = asker.items("ec2", "describe_route_tables", "look up route tables", "RouteTables", Filters=in_vpc)
    if isinstance(tables, Absent | Unknown):
        return Unknown(tables.why)
    way_out = _way_out(_table_of(raw["SubnetId"], tables))
    endpoints: frozenset[str] = frozenset()
    if not way_out:
        told = asker.items("ec2", "describe_vpc_endpoints", "look up VPC endpoints", "VpcEndpoints", Filters=in_vpc)
        if isinstance(told, Absent | Unknown):
            return Unknown(told.why)
        endpoints = frozenset(_service(item["ServiceName"]) for item in told)
    return Subnet(
        raw["SubnetId"],
        raw["VpcId"],
        int(raw.get("AvailableIpAddressCount", 0)),
        bool(raw.get("MapPublicIpOnLaunch")),
        way_out,
        endpoints,
    )


def _service(name: str) -> str:
    """`ecr.api` of `com.amazonaws.us-east-1.ecr.api`."""
    return name.partition("amazonaws.")[2].partition(".")[2]


def _table_of(subnet: str, tables: Iterable[Raw]) -> Raw:
    """The subnet's own table, or else its VPC's main one."""
    main: Raw = {}
    for table in tables:
        for link in table.get("Associations") or ():
            if link.get("SubnetId") == subnet:
                return table
            if link.get("Main"):
                main = table
    return main


def _way_out(table: Raw) -> str:
    for route in table.get("Routes") or ():
        if route.get("DestinationCidrBlock") != _EVERYWHERE or route.get("State") == "blackhole":
            continue
        if str(route.get("GatewayId", "")).startswith("igw-"):
            return "internet gateway"
        if route.get("NatGatewayId") or route.get("InstanceId"):
            return "NAT"
        others = ("TransitGatewayId", "NetworkInterfaceId", "VpcPeeringConnectionId", "GatewayId")
        return next((str(route[name]) for name in others if route.get(name)), "another gateway")
    return ""


def types(asker: Asker, name: str) -> tuple[InstanceType, ...] | Absent | Unknown:
    """The machines of an instance type or a family, as `c5.large` or `c5`."""
    if name in WORDS:
        return Unknown("AWS chooses its families")
    pattern = name if "." in name else f"{name}.*"
    doing, asked = f"look up instance type {name}", [{"Name": "instance-type", "Values": [pattern]}]
    found = asker.items("ec2", "describe_instance_types", doing, "InstanceTypes", Filters=asked)
    if isinstance(found, Absent | Unknown):
        return found
    if not found:
        return Absent(f"this region has no instance type {name}")
    return tuple(_type(raw) for raw in found)


def _type(raw: Raw) -> InstanceType:
    told = (raw.get("ProcessorInfo") or {}).get("SupportedArchitectures") or ()
    return InstanceType(
        raw["InstanceType"],
        int(raw["VCpuInfo"]["DefaultVCpus"]),
        int(raw["MemoryInfo"]["SizeInMiB"]),
        sum(int(item["Count"]) for item in (raw.get("GpuInfo") or {}).get("Gpus") or ()),
        frozenset(_ARCHITECTURES[name] for name in told if name in _ARCHITECTURES),
    )
