"""Who asks, where, and with which clock."""

from __future__ import annotations

from batch_helpers.aws_client import aws_errors
from batch_helpers.doctor.facts import Absent, Account, Unknown
from batch_helpers.doctor.gathering.asking import Asker
from batch_helpers.doctor.gathering.roles import forbidden
from batch_helpers.errors import BatchHelpersError

ACTIONS = (
    "batch:SubmitJob",
    "batch:DescribeJobs",
    "batch:ListJobs",
    "batch:TerminateJob",
    "batch:RegisterJobDefinition",
    "batch:DescribeJobDefinitions",
    "batch:DescribeJobQueues",
    "logs:GetLogEvents",
)
"""What this package does on behalf of whoever runs jobs with it."""


def account(asker: Asker) -> Account:
    """The account; its region is asked first, because nothing can be asked without one."""
    try:
        with aws_errors("find the region"):
            region = asker.client("batch").meta.region_name
    except BatchHelpersError as exc:
        unknown = Unknown(str(exc))
        return Account(unknown, unknown, unknown)
    answer = asker.ask("sts", "get_caller_identity", "ask who this is")
    skew = Unknown("no answer told the time") if asker.skew is None else asker.skew
    if isinstance(answer, Absent | Unknown):
        return Account(Unknown(answer.why, refused=getattr(answer, "refused", False)), region, skew)
    identity = str(answer.get("Arn"))
    return Account(identity, region, skew, _forbidden(asker, identity))


def _forbidden(asker: Asker, identity: str) -> tuple[str, ...] | Unknown | None:
    """Only users and roles have policies: a session is asked about as its role, and root may do anything."""
    if identity.endswith(":root"):
        return ()
    if ":assumed-role/" in identity:
        return _of_session(asker, identity)
    return forbidden(asker, identity, ACTIONS) if ":user/" in identity else None


def _of_session(asker: Asker, identity: str) -> tuple[str, ...] | Unknown | None:
    """A session's ARN lacks the path of its role, which only IAM knows."""
    name = identity.split("/")[1]
    role = asker.ask("iam", "get_role", f"look up role {name}", RoleName=name)
    if isinstance(role, Absent | Unknown):
        return Unknown(role.why)
    return forbidden(asker, role["Role"]["Arn"], ACTIONS)
