"""The same account as a CloudFormation template. Pure.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Batch.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batch_helpers.provision.blueprint import Blueprint, Choices, RoleSpec, blueprint
from batch_helpers.resources.aws import ComputeEnvironment, JobQueue
from batch_helpers.resources.aws.bodies import environment_body

Tree = dict[str, Any]


def cloudformation(choices: Choices) -> Tree:
    """A template; the subnets and security groups are its parameters."""
    plan = blueprint(choices, "${AWS::Partition}")
    resources: Tree = {_logical(spec.use, "Role"): _cfn_role(spec, plan) for spec in plan.roles}
    if "instance" not in choices.roles:
        properties = {"InstanceProfileName": plan.role_name("instance"), "Roles": [{"Ref": "InstanceRole"}]}
        resources["InstanceProfile"] = {"Type": "AWS::IAM::InstanceProfile", "Properties": properties}
    environments = {plan.part(spec.name): spec for spec in plan.environments("subnet-0", "sg-0")}
    for part, environment in environments.items():
        resources[f"{part}Environment"] = _cfn_environment(environment, plan)
    for queue in plan.queues:
        part = plan.part(queue.compute_environments[0])
        resources[f"{part}Queue"] = _cfn_queue(queue, part)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"AWS Batch for batch_helpers ({choices.name})",
        "Parameters": {
            "Subnets": _parameter("AWS::EC2::Subnet::Id", choices.subnets),
            "SecurityGroups": _parameter("AWS::EC2::SecurityGroup::Id", choices.security_group_ids),
        },
        "Resources": resources,
        "Outputs": {
            **{f"{part}QueueName": {"Value": {"Ref": f"{part}Queue"}} for part in environments},
            **{_logical(use, "RoleArn"): {"Value": _cfn_arn(use, plan)} for use in ("execution", "task")},
        },
    }


def _parameter(kind: str, chosen: tuple[str, ...]) -> Tree:
    return {"Type": f"List<{kind}>", **({"Default": ",".join(chosen)} if chosen else {})}


def _cfn_role(spec: RoleSpec, plan: Blueprint) -> Tree:
    properties: Tree = {"RoleName": spec.name, "AssumeRolePolicyDocument": spec.trust, "Tags": _cfn_tags(plan)}
    if spec.managed:
        properties["ManagedPolicyArns"] = _substituted(list(spec.managed))
    if spec.inline:
        documents = [{"PolicyName": name, "PolicyDocument": policy} for name, policy in spec.inline.items()]
        properties["Policies"] = _substituted(documents)
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def _cfn_environment(spec: ComputeEnvironment, plan: Blueprint) -> Tree:
    properties = _pascal(environment_body(spec))
    resources = properties["ComputeResources"]
    resources["Subnets"], resources["SecurityGroupIds"] = {"Ref": "Subnets"}, {"Ref": "SecurityGroups"}
    properties["ServiceRole"], properties["Tags"] = _cfn_arn("service", plan), dict(plan.tags)
    if not spec.is_fargate:
        made = {"Fn::GetAtt": ["InstanceProfile", "Arn"]}
        resources["InstanceRole"] = plan.choices.roles.get("instance", made)
        resources["Tags"] = dict(plan.tags)
    return {"Type": "AWS::Batch::ComputeEnvironment", "Properties": properties}


def _cfn_queue(spec: JobQueue, part: str) -> Tree:
    properties = {
        "JobQueueName": spec.name,
        "State": "ENABLED",
        "Priority": spec.priority,
        "ComputeEnvironmentOrder": [{"Order": 1, "ComputeEnvironment": {"Ref": f"{part}Environment"}}],
        "Tags": dict(spec.tags),
    }
    return {"Type": "AWS::Batch::JobQueue", "Properties": properties}


def _cfn_arn(use: str, plan: Blueprint) -> Any:
    return plan.choices.roles.get(use) or {"Fn::GetAtt": [_logical(use, "Role"), "Arn"]}


def _cfn_tags(plan: Blueprint) -> list[Tree]:
    return [{"Key": key, "Value": value} for key, value in plan.tags.items()]


def _substituted(value: Any) -> Any:
    """With CloudFormation's own function around each text that refers to something."""
    if isinstance(value, Mapping):
        return {key: _substituted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_substituted(item) for item in value]
    return {"Fn::Sub": value} if isinstance(value, str) and "${" in value else value


def _pascal(value: Any) -> Any:
    """The members of an AWS Batch request as CloudFormation spells them."""
    if isinstance(value, Mapping):
        return {f"{name[:1].upper()}{name[1:]}": _pascal(item) for name, item in value.items()}
    return value


def _logical(use: str, kind: str) -> str:
    return f"{use.capitalize()}{kind}"
