"""What setup makes of choices, and what it refuses before it asks anything."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batch_helpers.errors import InvalidInput
from batch_helpers.provision import Choices, blueprint
from batch_helpers.provision.policies import inline_policies, managed_policies
from batch_helpers.resources.aws.roles import trust_policy


def test_four_roles_each_for_the_service_that_uses_it() -> None:
    plan = blueprint(Choices("lab"))
    assert [(role.use, role.name) for role in plan.roles] == [
        ("service", "lab-service"),
        ("instance", "lab-instance"),
        ("execution", "lab-execution"),
        ("task", "lab-task"),
    ]
    principals = [role.trust["Statement"][0]["Principal"]["Service"] for role in plan.roles]
    assert principals == ["batch.amazonaws.com", "ec2.amazonaws.com", *["ecs-tasks.amazonaws.com"] * 2]


def test_roles_that_are_named_are_not_made() -> None:
    plan = blueprint(Choices("lab", roles={"task": "mine", "service": "arn:aws:iam::123456789012:role/x/theirs"}))
    assert [role.use for role in plan.roles] == ["instance", "execution"]


def test_jobs_may_at_their_buckets_and_at_nothing_else() -> None:
    [policy] = inline_policies("task", ["a", "b"]).values()
    resources = [item for statement in policy["Statement"] for item in statement["Resource"]]
    assert sorted(resources) == ["arn:aws:s3:::a", "arn:aws:s3:::a/*", "arn:aws:s3:::b", "arn:aws:s3:::b/*"]
    actions = {action for statement in policy["Statement"] for action in statement["Action"]}
    assert not any("*" in action for action in actions)
    assert actions >= {"s3:GetObject", "s3:PutObject", "s3:ListBucket"}


def test_without_buckets_jobs_may_nothing() -> None:
    assert inline_policies("task", []) == {}
    assert managed_policies("task") == ()
    assert inline_policies("execution", ["a"]) == {}


@pytest.mark.parametrize("use", ["service", "instance", "execution", "task"])
def test_policies_are_json_and_of_the_partition(use: str) -> None:
    assert json.loads(json.dumps(trust_policy(use)))["Version"] == "2012-10-17"
    assert all(arn.startswith("arn:aws-cn:iam::aws:policy/service-role/") for arn in managed_policies(use, "aws-cn"))
    for policy in inline_policies(use, ["b"], "aws-cn").values():
        assert all(item.startswith("arn:aws-cn:s3:::b") for one in policy["Statement"] for item in one["Resource"])


def test_one_environment_and_one_queue_for_each_kind() -> None:
    plain, both = blueprint(Choices("lab")), blueprint(Choices("lab", spot=True, instance_types=("c5",)))
    assert [item.type for item in plain.environments("subnet-1", "sg-1")] == ["FARGATE"]
    assert [item.type for item in both.environments("subnet-1", "sg-1")] == ["FARGATE", "SPOT"]
    assert [queue.name for queue in both.queues] == ["lab", "lab-spot"]
    tags = {"batch_helpers:setup": "lab"}
    assert all(item.tags == tags for item in [*both.queues, *both.environments("subnet-1", "sg-1")])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "a b"}, "name='a b'"),
        ({"name": "x" * 55}, "54 characters are the most"),
        ({"buckets": ("My_Bucket",)}, "My_Bucket"),
        ({"buckets": ("a/b",)}, "without a prefix"),
        ({"roles": {"task": "no such thing!"}}, "task role"),
        ({"instance_types": ("c5",)}, "add --spot"),
        ({"spot": True, "instance_types": ("c5", "c6g")}, "one architecture"),
        ({"max_vcpus": 0}, "max_vcpus"),
        ({"subnets": ("vpc-1",)}, "subnet-"),
        ({"security_group_ids": ("group",)}, "sg-"),
    ],
)
def test_what_aws_would_refuse_is_refused_first(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        Choices(**{"name": "lab", **given})
