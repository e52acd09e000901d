"""Whether roles are there, may be assumed, and allow what they must."""

from __future__ import annotations

import json
import shlex

from batch_helpers.doctor.facts import Absent, Role, Unknown
from batch_helpers.doctor.needs import Need
from batch_helpers.finding import Finding, ok, problem, unknown
from batch_helpers.resources.aws.roles import MANAGED, PRINCIPALS, how_to_make, trust_policy


def check_role(use: str, name: str, found: Role | Absent | Unknown) -> Finding:
    """One role in one use."""
    what = f"{use} role {name}"
    if isinstance(found, Unknown):
        return unknown("role", f"{what}: {found.why}")
    if isinstance(found, Absent):
        return problem("role", f"{what} does not exist", how_to_make(use, name))
    principal = PRINCIPALS[use]
    if principal not in found.trusted:
        text = f"{what} may not be assumed by {principal}"
        trust = shlex.quote(json.dumps(trust_policy(use)))
        command = f"aws iam update-assume-role-policy --role-name {found.name} --policy-document {trust}"
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
