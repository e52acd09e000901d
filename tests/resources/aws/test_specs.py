"""What AWS would refuse of an environment or a queue is said before it is asked, with the field and the value."""

from __future__ import annotations

from typing import Any

import pytest

from batch_helpers.errors import InvalidInput
from batch_helpers.resources.aws import ComputeEnvironment, JobQueue, TimeLimit
from batch_helpers.resources.aws.bodies import environment_body, queue_body
from batch_helpers.resources.aws.queue import STUCK_REASONS

NETWORK: dict[str, Any] = {"subnets": ("subnet-1",), "security_group_ids": ("sg-1",)}
INSTANCES: dict[str, Any] = {**NETWORK, "type": "EC2", "instance_role": "ecsInstanceRole"}
SPOT: dict[str, Any] = {**INSTANCES, "type": "SPOT"}


def environment(**given: Any) -> ComputeEnvironment:
    return ComputeEnvironment("env", **{**NETWORK, **given})


@pytest.mark.parametrize("name", ["", "a b", "-a", "_a", "ä", "a" * 129, "a\n"])
def test_a_name_that_aws_would_refuse_is_told_with_the_name(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"compute environment: name=.*128 letters") as told:
        ComputeEnvironment(name, **NETWORK)
    assert repr(name) in str(told.value)
    with pytest.raises(InvalidInput, match="job queue: name="):
        JobQueue(name, ("env",))


@pytest.mark.parametrize("name", ["a", "1", "a" * 128, "a-_B9"])
def test_a_name_that_aws_takes_is_taken(name: str) -> None:
    assert ComputeEnvironment(name, **NETWORK).name == name


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"type": "fargat"}, "type='fargat'; did you mean 'FARGATE'"),
        ({"subnets": ()}, r"subnets=\(\): give 1 to 16"),
        ({"subnets": tuple(f"subnet-{n}" for n in range(17))}, "give 1 to 16"),
        ({"subnets": ("sg-1",)}, "'sg-1' is no id: it begins with subnet-"),
        ({"security_group_ids": ()}, "security_group_ids=.*give 1 to 5"),
        ({"security_group_ids": tuple(f"sg-{n}" for n in range(6))}, "give 1 to 5"),
        ({"max_vcpus": 0}, "max_vcpus=0"),
        ({"instance_types": ("m5",)}, "instance_types=.*FARGATE has no instances to choose"),
        ({"type": "FARGATE_SPOT", "allocation_strategy": "BEST_FIT"}, "FARGATE_SPOT has no instances"),
        ({"gpu": True}, "gpu=True: FARGATE has no instances"),
        ({"launch_template": "lt-1"}, "launch_template='lt-1': FARGATE has no instances"),
        ({"min_vcpus": 1}, "min_vcpus=1: FARGATE has no instances"),
        ({"tags": {"aws:x": "y"}}, "tag 'aws:x'"),
        ({"tags": {f"{n}": "" for n in range(51)}}, "51 tags: 50 is the most"),
        ({"tags": {"k": "v" * 257}}, "its value has 257 characters"),
        ({**INSTANCES, "instance_role": None}, "instance_role=None: instances need one .*setup"),
        ({**INSTANCES, "min_vcpus": 9, "max_vcpus": 8}, "no less than min_vcpus=9"),
        ({**INSTANCES, "instance_types": ("M 5",)}, "'M 5' is no instance type"),
        ({**INSTANCES, "instance_types": ("m5", "m6g.large")}, r"m5 \(X86_64\) and m6g.large \(ARM64\)"),
        ({**INSTANCES, "instance_types": ("m5",), "gpu": True}, "'m5' has no GPU"),
        ({**INSTANCES, "allocation_strategy": "SPOT_CAPACITY_OPTIMIZED"}, "not one of type EC2"),
        ({**SPOT, "allocation_strategy": "BEST_FIT"}, "on SPOT it needs spot_fleet_role"),
        ({**SPOT, "bid_percentage": 101}, "from 1 to 100"),
        ({**INSTANCES, "bid_percentage": 50}, "bid_percentage=50: it is for type SPOT"),
        ({**INSTANCES, "spot_fleet_role": "fleet"}, "spot_fleet_role='fleet': it is for type SPOT"),
    ],
)
def test_an_environment_that_cannot_work_is_told_with_its_field(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem) as told:
        environment(**given)
    assert "compute environment 'env'" in str(told.value)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"compute_environments": ()}, "give 1 to 3"),
        ({"compute_environments": ("a", "b", "c", "d")}, "give 1 to 3"),
        ({"compute_environments": ("a", "a")}, "one is named twice"),
        ({"priority": -1}, "priority=-1: give a whole number from 0 to 1000"),
        ({"priority": 1001}, "priority=1001"),
        ({"scheduling_policy": "fair"}, "scheduling_policy='fair': give its ARN"),
        ({"time_limits": (TimeLimit("MISCONFIGURATION:JOB_RESOURCE", 600),)}, f"did you mean '{STUCK_REASONS[2]}'"),
        ({"time_limits": (TimeLimit(STUCK_REASONS[0], 599),)}, "give 600 to 86400 seconds, not 599"),
    ],
)
def test_a_queue_that_cannot_work_is_told_with_its_field(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem) as told:
        JobQueue("queue", **{"compute_environments": ("env",), **given})
    assert "job queue 'queue'" in str(told.value)


def test_the_smallest_environment_has_one_vcpu() -> None:
    assert environment(max_vcpus=1).max_vcpus == 1
    assert environment(**INSTANCES, min_vcpus=1, max_vcpus=1).min_vcpus == 1


def test_each_type_has_the_allocation_strategy_that_suits_it() -> None:
    assert environment(**INSTANCES).strategy == "BEST_FIT_PROGRESSIVE"
    assert environment(**SPOT).strategy == "SPOT_PRICE_CAPACITY_OPTIMIZED"
    assert environment(**SPOT, allocation_strategy="SPOT_CAPACITY_OPTIMIZED").strategy == "SPOT_CAPACITY_OPTIMIZED"


def test_fargate_is_asked_for_without_anything_of_instances() -> None:
    assert environment_body(environment(type="FARGATE_SPOT", service_role="role", tags={"a": "b"})) == {
        "computeEnvironmentName": "env",
        "type": "MANAGED",
        "state": "ENABLED",
        "serviceRole": "role",
        "tags": {"a": "b"},
        "computeResources": {
            "type": "FARGATE_SPOT",
            "maxvCpus": 256,
            "subnets": ["subnet-1"],
            "securityGroupIds": ["sg-1"],
        },
    }


def test_instances_are_asked_for_with_all_that_was_given() -> None:
    more = {"launch_template": "mine:3", "image_id": "ami-1", "key_pair": "key", "bid_percentage": 60}
    body = environment_body(environment(**SPOT, instance_types=("m5", "c5"), tags={"a": "b"}, **more))
    assert "serviceRole" not in body
    assert body["computeResources"] == {
        "type": "SPOT",
        "maxvCpus": 256,
        "minvCpus": 0,
        "subnets": ["subnet-1"],
        "securityGroupIds": ["sg-1"],
        "instanceTypes": ["m5", "c5"],
        "allocationStrategy": "SPOT_PRICE_CAPACITY_OPTIMIZED",
        "instanceRole": "ecsInstanceRole",
        "launchTemplate": {"launchTemplateName": "mine", "version": "3"},
        "imageId": "ami-1",
        "ec2KeyPair": "key",
        "bidPercentage": 60,
        "tags": {"a": "b"},
    }


def test_gpus_an_image_type_and_a_launch_template_by_id_are_put_where_aws_wants_them() -> None:
    spec = environment(**INSTANCES, gpu=True, image_type="ECS_AL2023_NVIDIA", image_id="ami-1", launch_template="lt-1")
    resources = environment_body(spec)["computeResources"]
    assert resources["instanceTypes"] == ["g4dn", "g5"]
    assert resources["ec2Configuration"] == [{"imageType": "ECS_AL2023_NVIDIA", "imageIdOverride": "ami-1"}]
    assert "imageId" not in resources
    assert resources["launchTemplate"] == {"launchTemplateId": "lt-1"}


def test_a_queue_is_asked_for_with_its_environments_in_order() -> None:
    spec = JobQueue("q", ("a", "b"), 7, "arn:policy", (TimeLimit(STUCK_REASONS[1], 600),), tags={"a": "b"})
    assert queue_body(spec, ["arn:a", "arn:b"]) == {
        "jobQueueName": "q",
        "state": "ENABLED",
        "priority": 7,
        "schedulingPolicyArn": "arn:policy",
        "computeEnvironmentOrder": [
            {"order": 1, "computeEnvironment": "arn:a"},
            {"order": 2, "computeEnvironment": "arn:b"},
        ],
        "jobStateTimeLimitActions": [
            {"reason": STUCK_REASONS[1], "state": "RUNNABLE", "maxTimeSeconds": 600, "action": "CANCEL"}
        ],
        "tags": {"a": "b"},
    }
