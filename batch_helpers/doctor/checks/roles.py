"""Whether roles are there, may be assumed, and allow what they must."""

from __future__ import annotations

from collections.abc import Mapping

from batch_helpers.doctor.facts import Absent, Role, Unknown
from batch_helpers.doctor.needs import Need
from batch_helpers.finding import Finding, ok, problem, unknown

PRINCIPALS: Mapping[str, str] = {
    "service": "batch.amazonaws.com",
    "instance": "ec2.amazonaws.com",
    "execution": "ecs-tasks.amazonaws.com",
    "task": "ecs-tasks.amazonaws.com",
}
"""Who assumes a role, by its use: https://docs.aws.amazon.com/batch/latest/userguide/IAM_policies.html"""

MANAGED: Mapping[str, str] = {
    "service": "arn:aws:iam::aws:policy/service-role/AWSBatchServiceRole",
    "instance": "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role",
    "execution": "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy",
}
"""AWS's own policies for these uses."""


def check_role(use: str, name: str, found: Role | Absent | Unknown) -> Finding:
    """One role in one use."""
    what = f"{use} role {name}"
    if isinstance(found, Unknown):
        return unknown("role", f"{what}: {found.why}")
    if isinstance(found, Absent):
        return problem("role", f"{what} does not exist", "batch-helpers setup makes one; --dry-run shows its policies")
    principal = PRINCIPALS[use]
    if principal not in found.trusted:
        text = f"{what} may not be assumed by {principal}"
        command = f"aws iam update-assume-role-policy --role-name {found.name} --policy-document TRUST-OF-{principal}"
        return problem("role", text, command)
    if isinstance(found.forbidden, Unknown):
        return unknown("role", f"{what} may be assumed; what it allows is not known: {found.forbidden.why}")
    if found.forbidden:
        return problem("role", f"{what} does not allow {', '.join(found.forbidden)}", _allow(use, found.name))
    return ok("role", f"{what} may be assumed by {principal} and allows what is needed")


def check_execution_role(need: Need) -> Finding | None:
    """Fargate starts nothing without one."""
    if need.execution_role or need.platforms is None or "FARGATE" not in need.platforms:
        return None
    advice = "register its definition with an executionRoleArn; batch-helpers setup makes such a role"
    return problem("role", f"{need.job} is for Fargate, and its definition names no execution role", advice)


def _allow(use: str, role: str) -> str:
    if use in MANAGED:
        return f"aws iam attach-role-policy --role-name {role} --policy-arn {MANAGED[use]}"
    return f"aws iam put-role-policy --role-name {role} --policy-name outputs --policy-document …"
