"""Each check, over described data: once where it passes, and once for each reason for which it fails."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from batch_helpers.doctor.checks import account, every_check, network, places, queues, roles, room
from batch_helpers.doctor.facts import Absent, Account, Bucket, InstanceType, Refused, Role, Unknown
from batch_helpers.finding import Finding, Verdict, problems
from batch_helpers.resources.aws.roles import PRINCIPALS
from tests.doctor.data import (
    ACCOUNT,
    FARGATE,
    MACHINES,
    NEED,
    ON_FARGATE,
    QUEUE,
    SUBNET,
    XLARGE,
    facts,
    waiting,
)

OK, PROBLEM, UNKNOWN = Verdict
DENIED = Unknown("no permission: could not look up x (AccessDenied)")


def said(finding: Finding, verdict: Verdict, *words: str) -> None:
    assert finding.verdict is verdict, finding
    for word in words:
        assert word in f"{finding.text} -> {finding.remedy}"
    assert bool(finding.remedy) or verdict is not PROBLEM, "a problem has a remedy"


def one(findings: Iterable[Finding]) -> Finding:
    found = list(findings)
    assert len(found) == 1, found
    return found[0]


def test_nothing_is_wrong_where_nothing_is_wrong() -> None:
    findings = every_check(facts())
    assert [item for item in findings if item.verdict is not OK] == []
    assert {item.check for item in findings} >= {"region", "credentials", "clock", "queue", "environment", "network"}
    assert {item.check for item in findings} >= {"room", "role", "permissions"}


# The account.


def test_a_region_must_be_known() -> None:
    said(account.check_region(ACCOUNT), OK, "us-east-1")
    nowhere = Account(Unknown("x"), Unknown("You must specify a region."), Unknown("x"))
    said(account.check_region(nowhere), PROBLEM, "specify a region", "AWS_DEFAULT_REGION")


def test_credentials_must_be_good() -> None:
    said(account.check_credentials(ACCOUNT), OK, "user/ann")
    refused = replace(ACCOUNT, identity=Unknown("token expired (ExpiredToken)", refused=True))
    said(account.check_credentials(refused), PROBLEM, "ExpiredToken", "aws sts get-caller-identity")
    offline = replace(ACCOUNT, identity=Unknown("no route to sts.amazonaws.com"))
    said(account.check_credentials(offline), UNKNOWN, "no route")


@pytest.mark.parametrize(("skew", "which"), [(900.0, "15 min 0 s behind"), (-900.0, "15 min 0 s ahead of")])
def test_the_clock_must_not_be_minutes_off(skew: float, which: str) -> None:
    said(account.check_clock(ACCOUNT), OK, "within 0.4 s")
    said(account.check_clock(replace(ACCOUNT, skew=skew)), PROBLEM, which, "set-ntp")
    said(account.check_clock(replace(ACCOUNT, skew=Unknown("no answer"))), UNKNOWN, "no answer")


def test_whoever_runs_jobs_must_be_allowed_to() -> None:
    said(account.check_permissions(ACCOUNT), OK)
    said(account.check_permissions(replace(ACCOUNT, forbidden=("batch:SubmitJob",))), PROBLEM, "batch:SubmitJob")
    said(account.check_permissions(replace(ACCOUNT, forbidden=DENIED)), UNKNOWN, "no permission", "Simulate")
    said(account.check_permissions(replace(ACCOUNT, forbidden=None)), UNKNOWN)


def test_a_log_group_that_is_not_there_yet_is_no_problem() -> None:
    said(account.check_log_group("/aws/batch/job"), OK)
    said(account.check_log_group(Absent("there is no log group yet")), OK, "the first job makes it")
    said(account.check_log_group(DENIED), UNKNOWN, "no permission")


# Queues and environments.


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Absent("there is no spot"), ["does not exist", "batch-helpers setup"]),
        (replace(QUEUE, state="DISABLED"), ["DISABLED", "batch-helpers job-queue enable spot"]),
        (replace(QUEUE, status="INVALID", reason="CE gone"), ["INVALID: CE gone"]),
        (replace(QUEUE, status="DELETING"), ["DELETING"]),
        (replace(QUEUE, environments=()), ["no compute environment", "update-job-queue --job-queue spot"]),
    ],
)
def test_a_queue_must_take_jobs(found: Any, words: list[str]) -> None:
    said(queues.check_queue("spot", QUEUE), OK, "ENABLED and VALID")
    said(queues.check_queue("spot", found), PROBLEM, "spot", *words)
    said(queues.check_queue("spot", DENIED), UNKNOWN, "no permission")
    said(queues.check_queue("spot", replace(QUEUE, environments=(), elsewhere=True)), OK)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Absent("there is no machines"), ["does not exist"]),
        (replace(MACHINES, state="DISABLED"), ["DISABLED", "batch-helpers compute-environment enable machines"]),
        (replace(MACHINES, status="INVALID", reason="CLIENT_ERROR - not authorized"), ["CLIENT_ERROR", "--state ENA"]),
        (replace(MACHINES, status="DELETED"), ["DELETED"]),
    ],
)
def test_an_environment_must_take_jobs(found: Any, words: list[str]) -> None:
    said(queues.check_environment("machines", MACHINES), OK, "SPOT", "ENABLED and VALID")
    said(queues.check_environment("machines", found), PROBLEM, "machines", *words)
    said(queues.check_environment("machines", DENIED), UNKNOWN, "no permission")
    assert not queues.usable(found)
    assert queues.usable(MACHINES)


def test_a_region_without_a_queue_is_told_how_to_get_one() -> None:
    findings = every_check(facts(queues={}, environments={}, roles={}, needs=(), no_queues=True))
    said(one(item for item in findings if item.check == "queue"), PROBLEM, "batch-helpers setup")
    unlisted = every_check(facts(queues={}, environments={}, roles={}, needs=(), all_queues=DENIED))
    said(one(item for item in unlisted if item.check == "queue"), UNKNOWN, "no permission")


# Room.


def fitting(need: Any = NEED, environment: Any = MACHINES, **types: Any) -> Finding:
    return room.fits(need, environment, types or {"c5.xlarge": (XLARGE,)})


def test_a_job_that_fits_is_told_on_what() -> None:
    said(fitting(), OK, "align-s1 (2 vCPUs, 4,096 MiB) in machines", "fits on c5.xlarge")
    said(fitting(ON_FARGATE, FARGATE), OK, "fits")


@pytest.mark.parametrize(
    ("need", "environment", "words"),
    [
        (replace(NEED, vcpus=65), MACHINES, ["maxvCpus is 64", "--compute-resources maxvCpus=65"]),
        (replace(NEED, vcpus=64.5), MACHINES, ["maxvCpus=65"]),
        (replace(NEED, vcpus=8), MACHINES, ["none of c5.xlarge has 8 vCPUs", "instanceTypes="]),
        (replace(NEED, memory=8192), MACHINES, ["none of c5.xlarge", "8,192 MiB"]),
        (replace(NEED, gpus=1), MACHINES, ["1 GPUs"]),
        (replace(NEED, architecture="ARM64"), MACHINES, ["architecture ARM64"]),
        (NEED, FARGATE, ["is FARGATE, and its definition is for EC2"]),
        (ON_FARGATE, MACHINES, ["is SPOT, and its definition is for FARGATE"]),
        (replace(ON_FARGATE, gpus=1), FARGATE, ["no GPUs"]),
        (replace(ON_FARGATE, memory=3000), FARGATE, ["no such size", "2 vCPUs and 4096 MiB"]),
        (replace(ON_FARGATE, vcpus=48), FARGATE, ["beyond the largest"]),
    ],
)
def test_a_job_that_never_fits_is_told_why(need: Any, environment: Any, words: list[str]) -> None:
    said(fitting(need, environment), PROBLEM, "align-s1", *words)


def test_a_machine_keeps_some_memory_for_itself() -> None:
    assert room.holds(XLARGE, replace(NEED, memory=8191))
    assert not room.holds(XLARGE, replace(NEED, memory=8192))


def test_types_of_unknown_size_are_not_called_too_small() -> None:
    said(fitting(environment=replace(MACHINES, instance_types=("optimal",)), optimal=DENIED), UNKNOWN, "no permission")
    said(fitting(environment=replace(MACHINES, instance_types=())), UNKNOWN)
    arm = replace(NEED, architecture="ARM64")
    machines = replace(MACHINES, instance_types=("optimal",))
    said(fitting(arm, machines, optimal=Unknown("AWS chooses")), PROBLEM, "none of optimal", "ARM64")
    graviton = replace(MACHINES, instance_types=("default_arm64",))
    said(fitting(arm, graviton, default_arm64=Unknown("AWS chooses")), UNKNOWN)
    said(fitting(replace(NEED, gpus=1), machines, optimal=Unknown("AWS chooses")), PROBLEM, "1 GPUs")


def test_one_environment_of_the_queue_is_enough() -> None:
    small = replace(MACHINES, name="small", max_vcpus=1)
    queue = replace(QUEUE, environments=("small", "machines"))
    world = facts(queues={"spot": queue}, environments={"small": small, "machines": MACHINES})
    said(room.check_room(NEED, queue, world), OK, "in machines")
    unsized = replace(MACHINES, name="unsized", instance_types=("optimal",))
    both = facts(environments={"unsized": unsized, "machines": MACHINES})
    said(room.check_room(NEED, replace(QUEUE, environments=("unsized", "machines")), both), OK, "in machines")
    broken = facts(environments={"small": small, "machines": replace(MACHINES, status="INVALID")})
    said(room.check_room(NEED, queue, broken), PROBLEM, "maxvCpus is 1")
    none = facts(environments={"machines": replace(MACHINES, state="DISABLED")})
    said(room.check_room(NEED, queue, none), PROBLEM, "no environment of spot is ENABLED")


# The network.


def test_a_way_out_is_enough() -> None:
    said(one(network.check_network(MACHINES, {"subnet-a": SUBNET})), OK, "internet gateway")
    private = replace(SUBNET, way_out="NAT", public_addresses=False)
    said(one(network.check_network(MACHINES, {"subnet-a": private})), OK, "NAT")


def test_endpoints_may_replace_a_way_out() -> None:
    closed = replace(SUBNET, way_out="", endpoints=frozenset(network.FOR_EC2))
    said(one(network.check_network(MACHINES, {"subnet-a": closed})), OK, "VPC endpoints")
    lacking = replace(closed, endpoints=frozenset(network.FOR_FARGATE))
    said(one(network.check_network(FARGATE, {"subnet-a": lacking})), OK)
    found = one(network.check_network(MACHINES, {"subnet-a": lacking}))
    said(found, PROBLEM, "no route out", "ecs, ecs-agent, ecs-telemetry", "create-nat-gateway", "vpc-1")


@pytest.mark.parametrize(
    ("subnet", "words"),
    [
        (Absent("gone"), ["subnet-a: does not exist"]),
        (replace(SUBNET, free_addresses=0), ["no free address"]),
        (
            replace(SUBNET, public_addresses=False),
            ["no public address", "--subnet-id subnet-a --map-public"],
        ),
    ],
)
def test_a_subnet_that_keeps_machines_from_starting(subnet: Any, words: list[str]) -> None:
    said(one(network.check_network(MACHINES, {"subnet-a": subnet})), PROBLEM, *words)


def test_on_fargate_the_job_asks_for_its_address() -> None:
    subnets = {"subnet-a": replace(SUBNET, public_addresses=False)}
    said(one(network.check_network(FARGATE, subnets, [ON_FARGATE])), OK)
    without = replace(ON_FARGATE, public_address=False)
    found = one(network.check_network(FARGATE, subnets, [ON_FARGATE, without]))
    said(found, PROBLEM, "align-s1 asks for no public address", "assign_public_ip=True")


def test_subnets_of_two_vpcs_cannot_be_used_together() -> None:
    both = replace(MACHINES, subnets=("subnet-a", "subnet-b"))
    same = {"subnet-a": SUBNET, "subnet-b": replace(SUBNET, name="subnet-b")}
    said(one(network.check_network(both, same)), OK, "2 subnets")
    other = {**same, "subnet-b": replace(SUBNET, name="subnet-b", vpc="vpc-2")}
    said(one(network.check_network(both, other)), PROBLEM, "vpc-1, vpc-2")


def test_a_subnet_that_may_not_be_looked_at_is_unknown() -> None:
    said(one(network.check_network(MACHINES, {"subnet-a": DENIED})), UNKNOWN, "no permission")
    said(one(network.check_network(MACHINES, {})), UNKNOWN)


def test_what_is_wrong_with_many_subnets_is_said_once() -> None:
    names = tuple(f"subnet-{number}" for number in range(6))
    closed = {name: replace(SUBNET, name=name, public_addresses=False) for name in names}
    found = one(network.check_network(replace(MACHINES, subnets=names), closed))
    said(found, PROBLEM, "6 subnets (subnet-0, subnet-1, subnet-2, …)", "--subnet-id SUBNET (each of them)")


# Roles.


@pytest.mark.parametrize(("use", "principal"), list(PRINCIPALS.items()))
def test_a_role_must_trust_whoever_uses_it(use: str, principal: str) -> None:
    said(roles.check_role(use, "r", Role("r", frozenset({principal}))), OK, principal)
    said(roles.check_role(use, "r", Role("r", frozenset({"lambda.amazonaws.com"}))), PROBLEM, principal, "-name r")


@pytest.mark.parametrize("use", PRINCIPALS)
def test_a_role_must_allow_what_its_use_needs(use: str) -> None:
    principals = frozenset(PRINCIPALS.values())
    lacking = Role("r", principals, ("s3:PutObject on arn:x",))
    said(roles.check_role(use, "r", lacking), PROBLEM, "s3:PutObject on arn:x", "role-policy --role-name r")
    said(roles.check_role(use, "r", Role("r", principals, DENIED)), UNKNOWN, "may be assumed", "no permission")
    said(roles.check_role(use, "r", Absent("no such role")), PROBLEM, "does not exist", "batch-helpers setup")
    said(roles.check_role(use, "r", DENIED), UNKNOWN, "no permission")


def test_fargate_needs_an_execution_role() -> None:
    assert roles.check_execution_role(ON_FARGATE) is None
    assert roles.check_execution_role(NEED) is None
    bare = replace(ON_FARGATE, execution_role=None)
    found = roles.check_execution_role(bare)
    assert found is not None
    said(found, PROBLEM, "align-s1", "no execution role")
    assert problems(every_check(facts(needs=(bare,))))


# Images and buckets.

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/tools/bwa:0.7"


def test_an_image_must_be_one() -> None:
    said(places.check_image("quay.io/biocontainers/bwa:0.7", None), OK, "quay.io")
    said(places.check_image("ubuntu", None), OK, "docker.io", "latest")
    said(places.check_image("Ubuntu:22.04", None), PROBLEM, "no image's name", "lower case")
    said(places.check_image("repo/name:", None), PROBLEM)


def test_an_image_of_ecr_must_be_there() -> None:
    said(places.check_image(ECR, True), OK, "in ECR")
    absent = Absent("RepositoryNotFoundException")
    said(places.check_image(ECR, absent), PROBLEM, "RepositoryNotFound", "--region eu-west-1", "tools/bwa")
    said(places.check_image(ECR, False), PROBLEM, "no such image")
    said(places.check_image(ECR, DENIED), UNKNOWN, "no permission")


def test_a_bucket_must_be_there_near_and_writable() -> None:
    uri = "s3://results/cohort"
    said(places.check_bucket(uri, Bucket("us-east-1", True), "us-east-1"), OK, "can be written")
    said(places.check_bucket(uri, Absent("x"), "us-east-1"), PROBLEM, "no bucket results", "aws s3 mb s3://results")
    refused = Bucket("us-east-1", Refused("AccessDenied"))
    said(places.check_bucket(uri, refused, "us-east-1"), PROBLEM, "cannot be written", "arn:aws:s3:::results/*")
    far = Bucket("eu-west-1", True)
    said(places.check_bucket(uri, far, "us-east-1"), PROBLEM, "is in eu-west-1 and the jobs are in us-east-1")
    said(places.check_bucket(uri, replace(far, writable=None), "us-east-1"), OK, "is there, in eu-west-1")
    said(places.check_bucket(uri, DENIED, "us-east-1"), UNKNOWN, "no permission")
    said(places.check_bucket(uri, Bucket("us-east-1", DENIED), "us-east-1"), UNKNOWN, "no permission")


def test_a_large_machine_of_a_family_is_found() -> None:
    family = (XLARGE, InstanceType("c5.4xlarge", 16, 32768))
    machines = replace(MACHINES, instance_types=("c5",))
    said(fitting(replace(NEED, vcpus=16), machines, c5=family), OK, "c5.4xlarge")


def test_a_job_that_waits_is_told_what_is_wrong_around_it() -> None:
    world = facts(environments={"machines": replace(MACHINES, state="DISABLED")}, job=waiting(place=1), needs=())
    reason = one(item for item in every_check(world) if item.check == "reason")
    said(reason, PROBLEM, "machines is DISABLED", "batch-helpers compute-environment enable machines")
