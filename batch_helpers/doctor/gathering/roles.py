"""What roles allow, and who may assume them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from batch_helpers.doctor.facts import Absent, Role, Unknown
from batch_helpers.doctor.gathering.asking import Asker

NEEDED: Mapping[str, tuple[str, ...]] = {
    "service": ("ec2:DescribeSubnets", "ec2:DescribeInstances", "ecs:DescribeClusters", "ecs:CreateCluster"),
    "instance": ("ecs:RegisterContainerInstance", "ecs:Poll", "ecs:SubmitTaskStateChange", "logs:PutLogEvents"),
    "execution": (
        "ecr:GetAuthorizationToken",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    ),
    "task": (),
}
"""What each role must allow, whatever the jobs do.

https://docs.aws.amazon.com/batch/latest/userguide/IAM_policies.html
"""


def role(asker: Asker, use: str, name: str, objects: Sequence[str] = ()) -> Role | Absent | Unknown:
    """A role, by name or ARN; for `instance` the name or ARN of an instance profile, or of its role.

    objects: ARNs of what jobs write with it.
    """
    short = name.rsplit("/", 1)[-1]
    if use == "instance":
        profile = asker.ask(
            "iam", "get_instance_profile", f"look up instance profile {short}", InstanceProfileName=short
        )
        if isinstance(profile, Absent | Unknown):
            return profile
        roles = profile["InstanceProfile"]["Roles"]
        if not roles:
            return Absent(f"instance profile {short} holds no role")
        short = roles[0]["RoleName"]
    found = asker.ask("iam", "get_role", f"look up role {short}", RoleName=short)
    if isinstance(found, Absent | Unknown):
        return found
    denied = forbidden(asker, found["Role"]["Arn"], NEEDED[use])
    if not isinstance(denied, Unknown) and objects:
        more = forbidden(asker, found["Role"]["Arn"], ("s3:PutObject",), objects)
        denied = more if isinstance(more, Unknown) else (*denied, *more)
    return Role(short, trusted(found["Role"].get("AssumeRolePolicyDocument")), denied)


def trusted(policy: Any) -> frozenset[str]:
    """The services that a trust policy lets assume the role; botocore gives it parsed or, quoted, as text."""
    document = json.loads(unquote(policy)) if isinstance(policy, str) and policy else policy or {}
    found: set[str] = set()
    for statement in _listed(document.get("Statement", ())):
        principal = statement.get("Principal") or {}
        if statement.get("Effect") == "Allow" and isinstance(principal, Mapping):
            found |= set(_listed(principal.get("Service", ())))
    return frozenset(found)


def forbidden(
    asker: Asker, arn: str, actions: Sequence[str], resources: Sequence[str] = ()
) -> tuple[str, ...] | Unknown:
    """Those of these actions that the policies of a user or role do not allow."""
    if not actions:
        return ()
    request: dict[str, Any] = {"PolicySourceArn": arn, "ActionNames": list(actions)}
    if resources:
        request["ResourceArns"] = list(resources)
    doing = f"simulate the policies of {arn}"
    answer = asker.ask("iam", "simulate_principal_policy", doing, **request)
    if isinstance(answer, Absent | Unknown):
        return Unknown(answer.why)
    results = answer.get("EvaluationResults") or ()
    return tuple(dict.fromkeys(_said(item, bool(resources)) for item in results if item["EvalDecision"] != "allowed"))


def _said(result: Mapping[str, Any], with_resource: bool) -> str:
    action = str(result["EvalActionName"])
    return f"{action} on {result.get('EvalResourceName')}" if with_resource else action


def _listed(value: Any) -> Sequence[Any]:
    return [value] if isinstance(value, str | Mapping) else list(value)
