"""The same account as a Terraform configuration, in its JSON syntax. Pure.

https://developer.hashicorp.com/terraform/language/syntax/json
https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/batch_compute_environment
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from batch_helpers.provision.blueprint import Blueprint, Choices, RoleSpec, blueprint
from batch_helpers.resources.aws import ComputeEnvironment, JobQueue
from batch_helpers.resources.aws.bodies import environment_body

Tree = dict[str, Any]


def terraform(choices: Choices) -> Tree:
    """A configuration of the provider hashicorp/aws; subnets and security groups are the default VPC's, or chosen."""
    plan = blueprint(choices, "${data.aws_partition.current.partition}")
    roles = {spec.use: spec for spec in plan.roles}
    resources: Tree = {
        "aws_iam_role": {use: _tf_role(spec, plan) for use, spec in roles.items()},
        "aws_iam_role_policy_attachment": {
            use: {"role": _ref("aws_iam_role", use, "name"), "policy_arn": arn}
            for use, spec in roles.items()
            for arn in spec.managed
        },
        "aws_iam_role_policy": {
            name: {"name": name, "role": _ref("aws_iam_role", use, "id"), "policy": json.dumps(policy)}
            for use, spec in roles.items()
            for name, policy in spec.inline.items()
        },
        "aws_batch_compute_environment": {
            plan.part(spec.name).lower(): _tf_environment(spec, plan) for spec in plan.environments("subnet-0", "sg-0")
        },
        "aws_batch_job_queue": {
            plan.part(spec.compute_environments[0]).lower(): _tf_queue(spec, plan) for spec in plan.queues
        },
    }
    if "instance" in roles:
        profile = {"name": roles["instance"].name, "role": _ref("aws_iam_role", "instance", "name")}
        resources["aws_iam_instance_profile"] = {"instance": {**profile, "tags": dict(plan.tags)}}
    outputs = {f"{use}_role_arn": {"value": _tf_arn(use, plan)} for use in ("execution", "task")}
    return {
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": ">= 6.0"}}},
        "data": _tf_data(choices),
        "resource": {kind: items for kind, items in resources.items() if items},
        "output": {"queue": {"value": _ref("aws_batch_job_queue", "fargate", "name")}, **outputs},
    }


def _tf_data(choices: Choices) -> Tree:
    data: Tree = {"aws_partition": {"current": {}}}
    if not (choices.subnets and choices.security_group_ids):
        vpc = _ref("data.aws_vpc", "default", "id")
        data["aws_vpc"] = {"default": {"default": True}}
        in_vpc = [{"name": "vpc-id", "values": [vpc]}, {"name": "default-for-az", "values": ["true"]}]
        data["aws_subnets"] = {"default": {"filter": in_vpc}}
        data["aws_security_group"] = {"default": {"vpc_id": vpc, "name": "default"}}
    return data


def _tf_role(spec: RoleSpec, plan: Blueprint) -> Tree:
    return {"name": spec.name, "assume_role_policy": json.dumps(spec.trust), "tags": dict(plan.tags)}


def _tf_environment(spec: ComputeEnvironment, plan: Blueprint) -> Tree:
    body = environment_body(spec)
    resources = {_SNAKE[name]: value for name, value in body["computeResources"].items() if name in _SNAKE}
    groups = [_ref("data.aws_security_group", "default", "id")]
    resources["subnets"] = list(plan.choices.subnets) or _ref("data.aws_subnets", "default", "ids")
    resources["security_group_ids"] = list(plan.choices.security_group_ids) or groups
    if not spec.is_fargate:
        made = _ref("aws_iam_instance_profile", "instance", "arn")
        resources["instance_role"] = plan.choices.roles.get("instance", made)
        resources["tags"] = dict(plan.tags)
    needs = [f"aws_iam_role_policy_attachment.{item.use}" for item in plan.roles if item.use in ("service", "instance")]
    return {
        "name": spec.name,
        "type": body["type"],
        "state": "ENABLED",
        "service_role": _tf_arn("service", plan),
        "compute_resources": [resources],
        "tags": dict(plan.tags),
        "depends_on": needs,
    }


_SNAKE: Mapping[str, str] = {
    "type": "type",
    "maxvCpus": "max_vcpus",
    "minvCpus": "min_vcpus",
    "instanceTypes": "instance_type",
    "allocationStrategy": "allocation_strategy",
}


def _tf_queue(spec: JobQueue, plan: Blueprint) -> Tree:
    environment = plan.part(spec.compute_environments[0]).lower()
    order = [{"order": 1, "compute_environment": _ref("aws_batch_compute_environment", environment, "arn")}]
    named = {"name": spec.name, "state": "ENABLED", "priority": spec.priority, "tags": dict(spec.tags)}
    return {**named, "compute_environment_order": order}


def _tf_arn(use: str, plan: Blueprint) -> str:
    return plan.choices.roles.get(use) or _ref("aws_iam_role", use, "arn")


def _ref(kind: str, name: str, attribute: str) -> str:
    return f"${{{kind}.{name}.{attribute}}}"
