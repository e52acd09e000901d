"""What the operations on queues, environments, policies and lists refuse."""

from __future__ import annotations

from typing import Any

import pytest

from tests.serve.desk import Desk, Refused

EC2 = {
    "type": "EC2",
    "minvCpus": 0,
    "maxvCpus": 4,
    "instanceTypes": ["optimal"],
    "subnets": ["subnet-1"],
    "securityGroupIds": ["sg-1"],
    "instanceRole": "ecsInstanceRole",
}
FARGATE = {"type": "FARGATE", "maxvCpus": 4, "subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]}


def environment(desk: Desk, name: str, resources: dict[str, Any] | None = None, **more: Any) -> str:
    parameters = {"computeEnvironmentName": name, "type": "MANAGED", "computeResources": resources or EC2, **more}
    return str(desk("CreateComputeEnvironment", **parameters)["computeEnvironmentArn"])


def queue(desk: Desk, name: str, *environments: str, **more: Any) -> str:
    order = [{"order": place, "computeEnvironment": item} for place, item in enumerate(environments or ("local",))]
    parameters = {"jobQueueName": name, "priority": 1, "computeEnvironmentOrder": order, **more}
    return str(desk("CreateJobQueue", **parameters)["jobQueueArn"])


def test_fifty_queues_are_taken_and_fifty_one_refused(desk: Desk) -> None:
    for number in range(49):
        queue(desk, f"q-{number}")
    with pytest.raises(Refused, match="there are 50 of 50"):
        queue(desk, "too-many")


def test_fifty_environments_are_taken_and_fifty_one_refused(desk: Desk) -> None:
    for number in range(49):
        environment(desk, f"e-{number}")
    with pytest.raises(Refused, match="there are 50 of 50"):
        environment(desk, "too-many")


def test_a_queue_has_one_to_three_environments(desk: Desk) -> None:
    arns = [environment(desk, f"e-{number}") for number in range(4)]
    queue(desk, "three", *arns[:3])
    with pytest.raises(Refused, match="1 to 3 compute environments, got 4"):
        queue(desk, "four", *arns)
    with pytest.raises(Refused, match="got 0"):
        desk("CreateJobQueue", jobQueueName="none", priority=1, computeEnvironmentOrder=[])


def test_a_queue_does_not_mix_fargate_with_ec2(desk: Desk) -> None:
    environment(desk, "far", FARGATE)
    with pytest.raises(Refused, match="can't mix"):
        queue(desk, "mixed", "local", "far")


def test_a_queue_needs_environments_that_exist(desk: Desk) -> None:
    with pytest.raises(Refused, match="ComputeEnvironment nowhere not found"):
        queue(desk, "q", "nowhere")


@pytest.mark.parametrize("name", ["-q", "q.q", "q" * 129])
def test_names_outside_of_the_pattern_are_refused(desk: Desk, name: str) -> None:
    with pytest.raises(Refused, match="Job queue name"):
        queue(desk, name)
    with pytest.raises(Refused, match="Compute environment name"):
        environment(desk, name)
    with pytest.raises(Refused, match="Scheduling policy name"):
        desk("CreateSchedulingPolicy", name=name)


def test_what_exists_is_not_made_again(desk: Desk) -> None:
    queue(desk, "q")
    environment(desk, "e")
    desk("CreateSchedulingPolicy", name="p")
    for again in (
        lambda: queue(desk, "q"),
        lambda: environment(desk, "e"),
        lambda: desk("CreateSchedulingPolicy", name="p"),
    ):
        with pytest.raises(Refused, match="Object already exists"):
            again()


@pytest.mark.parametrize(
    ("missing", "problem"), [("instanceRole", "Instance role"), ("subnets", "subnets"), ("minvCpus", "minvCpus")]
)
def test_an_ec2_environment_needs_its_parts(desk: Desk, missing: str, problem: str) -> None:
    with pytest.raises(Refused, match=f"{problem} is required."):
        environment(desk, "e", {key: value for key, value in EC2.items() if key != missing})


@pytest.mark.parametrize("name", ["minvCpus", "desiredvCpus", "bidPercentage"])
def test_fargate_knows_nothing_of_instances(desk: Desk, name: str) -> None:
    with pytest.raises(Refused, match=f"{name} is not applicable for Fargate."):
        environment(desk, "e", {**FARGATE, name: 0})


def test_a_fargate_environment_needs_a_security_group(desk: Desk) -> None:
    with pytest.raises(Refused, match="securityGroupIds is required"):
        environment(desk, "e", {**FARGATE, "securityGroupIds": []})


def test_a_spot_environment_needs_a_fleet_role_for_best_fit(desk: Desk) -> None:
    spot = {**EC2, "type": "SPOT"}
    with pytest.raises(Refused, match="Spot IAM fleet role"):
        environment(desk, "e", spot)
    environment(desk, "e", {**spot, "allocationStrategy": "SPOT_CAPACITY_OPTIMIZED"})


@pytest.mark.parametrize(
    "vcpus", [{"minvCpus": 5}, {"minvCpus": -1}, {"desiredvCpus": 5}, {"minvCpus": 2, "desiredvCpus": 1}]
)
def test_vcpus_are_in_ascending_order(desk: Desk, vcpus: dict[str, int]) -> None:
    with pytest.raises(Refused, match="ascending order"):
        environment(desk, "e", {**EC2, **vcpus})


def test_a_managed_environment_has_resources_and_an_unmanaged_one_has_none(desk: Desk) -> None:
    with pytest.raises(Refused, match="required for MANAGED"):
        desk("CreateComputeEnvironment", computeEnvironmentName="e", type="MANAGED")
    with pytest.raises(Refused, match="not applicable for UNMANAGED"):
        environment(desk, "e", type="UNMANAGED")
    desk("CreateComputeEnvironment", computeEnvironmentName="e", type="UNMANAGED")


def test_an_environment_is_made_enabled(desk: Desk) -> None:
    with pytest.raises(Refused, match="ENABLED state"):
        environment(desk, "e", state="DISABLED")


def test_an_environment_goes_only_when_it_is_disabled_and_no_queue_has_it(desk: Desk) -> None:
    environment(desk, "e")
    queue(desk, "q", "e")
    with pytest.raises(Refused, match="Cannot delete"):
        desk("DeleteComputeEnvironment", computeEnvironment="e")
    desk("UpdateComputeEnvironment", computeEnvironment="e", state="DISABLED")
    with pytest.raises(Refused, match="found existing JobQueue relationship"):
        desk("DeleteComputeEnvironment", computeEnvironment="e")
    desk("UpdateJobQueue", jobQueue="q", computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "local"}])
    desk("DeleteComputeEnvironment", computeEnvironment="e")
    assert desk("DescribeComputeEnvironments", computeEnvironments=["e"])["computeEnvironments"] == []


def test_a_queue_goes_only_when_it_is_disabled(desk: Desk) -> None:
    with pytest.raises(Refused, match="disable the job queue first"):
        desk("DeleteJobQueue", jobQueue="local")


@pytest.mark.parametrize("seconds", [599, 86_401])
def test_time_limits_are_ten_minutes_to_a_day(desk: Desk, seconds: int) -> None:
    action = {"reason": "r", "state": "RUNNABLE", "maxTimeSeconds": seconds, "action": "CANCEL"}
    with pytest.raises(Refused, match="between 600 and 86400"):
        queue(desk, "q", jobStateTimeLimitActions=[action])
    queue(desk, "q", jobStateTimeLimitActions=[{**action, "maxTimeSeconds": 600}])
    with pytest.raises(Refused, match="must be CANCEL"):
        queue(desk, "p", jobStateTimeLimitActions=[{**action, "maxTimeSeconds": 600, "action": "TERMINATE"}])


def test_a_hundred_jobs_are_described_and_a_hundred_and_one_refused(desk: Desk) -> None:
    ids = ["00000000-0000-4000-8000-000000000000"] * 101
    assert desk("DescribeJobs", jobs=ids[:100])["jobs"] == []
    with pytest.raises(Refused, match="Maximum number of jobs supported is 100"):
        desk("DescribeJobs", jobs=ids)


@pytest.mark.parametrize("operation", ["CancelJobs", "TerminateJobs"])
def test_fifty_jobs_are_ended_at_once_and_fifty_one_refused(desk: Desk, operation: str) -> None:
    ids = [f"00000000-0000-4000-8000-{number:012}" for number in range(51)]
    assert desk(operation, jobs=ids[:50], reason="r") == {"successful": ids[:50], "errors": []}
    with pytest.raises(Refused, match="between 1 and 50, got 51"):
        desk(operation, jobs=ids, reason="r")
    with pytest.raises(Refused, match="between 1 and 50, got 0"):
        desk(operation, jobs=[], reason="r")


@pytest.mark.parametrize(
    ("operation", "member"),
    [
        ("DescribeJobQueues", "jobQueues"),
        ("DescribeComputeEnvironments", "computeEnvironments"),
        ("DescribeJobDefinitions", "jobDefinitions"),
        ("DescribeSchedulingPolicies", "arns"),
    ],
)
def test_a_hundred_resources_are_described_and_a_hundred_and_one_refused(
    desk: Desk, operation: str, member: str
) -> None:
    names = [f"x-{number}:1" for number in range(101)]
    desk(operation, **{member: names[:100]})
    with pytest.raises(Refused, match="supported is 100, got 101"):
        desk(operation, **{member: names})


@pytest.mark.parametrize(
    "operation",
    ["DescribeJobQueues", "DescribeComputeEnvironments", "DescribeJobDefinitions", "ListSchedulingPolicies"],
)
@pytest.mark.parametrize("size", [0, 101])
def test_a_page_of_resources_holds_one_to_a_hundred(desk: Desk, operation: str, size: int) -> None:
    with pytest.raises(Refused, match="between 1 and 100"):
        desk(operation, maxResults=size)


def test_a_page_of_definitions_holds_a_hundred_and_all_pages_hold_all(desk: Desk) -> None:
    for number in range(130):
        desk.define(f"d-{number:03}")
    first = desk("DescribeJobDefinitions")
    second = desk("DescribeJobDefinitions", nextToken=first["nextToken"])
    assert len(first["jobDefinitions"]) == 100
    assert "nextToken" not in second
    names = [item["jobDefinitionName"] for item in first["jobDefinitions"] + second["jobDefinitions"]]
    assert names == [*(f"d-{number:03}" for number in range(130)), "work"]
