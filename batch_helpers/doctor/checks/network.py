"""Whether what starts in an environment's subnets can reach the services and the image registry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from batch_helpers.doctor.facts import Absent, Environment, Subnet, Unknown
from batch_helpers.doctor.needs import Need
from batch_helpers.finding import Finding, Verdict, ok, problem

Subnets = Mapping[str, Subnet | Absent | Unknown]

FOR_FARGATE = ("ecr.api", "ecr.dkr", "s3", "logs")
FOR_EC2 = (*FOR_FARGATE, "ecs", "ecs-agent", "ecs-telemetry")
"""The VPC endpoints that replace a way out:
https://docs.aws.amazon.com/batch/latest/userguide/vpc-interface-endpoints.html"""


def check_network(environment: Environment, subnets: Subnets, needs: Sequence[Need] = ()) -> list[Finding]:
    """A finding for each thing that is wrong with some of its subnets, or else one for all.

    needs: of jobs that run there.
    """
    told: dict[tuple[Verdict, str, str], list[str]] = {}
    for name in environment.subnets:
        for verdict, text, remedy in _subnet(environment, subnets.get(name), needs):
            told.setdefault((verdict, text, remedy.replace(name, "SUBNET")), []).append(name)
    findings = [_finding(environment, names, *what) for what, names in told.items()]
    there = [item for name in environment.subnets if isinstance(item := subnets.get(name), Subnet)]
    vpcs = sorted({item.vpc for item in there})
    if len(vpcs) > 1:
        text = f"{environment.name}: its subnets are in different VPCs: {', '.join(vpcs)}"
        findings.append(problem("network", text, "make an environment whose subnets are of one VPC"))
    if findings or not there:
        return findings
    ways = sorted({item.way_out or "VPC endpoints" for item in there})
    return [ok("network", f"{environment.name}: {_named(environment.subnets)} with a way out by {', '.join(ways)}")]


_Told = tuple[Verdict, str, str]
"""A verdict on a subnet, what it is, and what mends it."""


def _finding(environment: Environment, names: Sequence[str], verdict: Verdict, text: str, remedy: str) -> Finding:
    remedy = remedy.replace("SUBNET", names[0] if len(names) == 1 else "SUBNET (each of them)")
    return Finding("network", verdict, f"{environment.name}: {_named(names)}: {text}", remedy)


def _named(names: Sequence[str]) -> str:
    return f"{len(names)} subnets ({', '.join(names[:3])}{', …' if names[3:] else ''})" if names[1:] else names[0]


def _subnet(
    environment: Environment, found: Subnet | Absent | Unknown | None, needs: Sequence[Need]
) -> Iterator[_Told]:
    if found is None or isinstance(found, Unknown):
        yield Verdict.UNKNOWN, found.why if found else "it was not asked about", ""
    elif isinstance(found, Absent):
        yield Verdict.PROBLEM, "does not exist", "make an environment with subnets that exist"
    else:
        if not found.free_addresses:
            yield Verdict.PROBLEM, "no free address", "make an environment with more subnets"
        yield from _way_out(environment, found, needs)


def _way_out(environment: Environment, subnet: Subnet, needs: Sequence[Need]) -> Iterator[_Told]:
    wanted = FOR_FARGATE if environment.is_fargate else FOR_EC2
    missing = [name for name in wanted if name not in subnet.endpoints]
    if not subnet.way_out and missing:
        text = f"no route out, and its VPC has no endpoint for {', '.join(missing)}"
        yield Verdict.PROBLEM, text, _route(subnet)
    if subnet.way_out == "internet gateway":
        yield from _public(environment, subnet, needs)


def _route(subnet: Subnet) -> str:
    return (
        "aws ec2 create-nat-gateway in a public subnet, and a route 0.0.0.0/0 to it; "
        f"or aws ec2 create-vpc-endpoint --vpc-id {subnet.vpc} for each of these services"
    )


def _public(environment: Environment, subnet: Subnet, needs: Sequence[Need]) -> Iterator[_Told]:
    """Behind an internet gateway only what has a public address gets out."""
    if not environment.is_fargate:
        if not subnet.public_addresses:
            text = "it goes out by an internet gateway, and machines get no public address in it"
            command = f"aws ec2 modify-subnet-attribute --subnet-id {subnet.name} --map-public-ip-on-launch"
            yield Verdict.PROBLEM, text, command
        return
    for need in needs:
        if not need.public_address and need.platforms is not None:
            text = f"it goes out by an internet gateway, and {need.job} asks for no public address"
            advice = "give the job assign_public_ip=True (assignPublicIp ENABLED in its definition), or use a NAT"
            yield Verdict.PROBLEM, text, advice
            return
