"""Who asks, in which region, with which clock and permissions."""

from __future__ import annotations

from batch_helpers.doctor.facts import Absent, Account, Unknown
from batch_helpers.finding import Finding, ok, problem, unknown
from batch_helpers.words import duration

CLOCK_LIMIT = 240
"""Seconds; AWS refuses requests that are five minutes off:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html"""


def check_region(account: Account) -> Finding:
    if isinstance(account.region, Unknown):
        return problem("region", account.region.why, "export AWS_DEFAULT_REGION=us-east-1, or give --region")
    return ok("region", account.region)


def check_credentials(account: Account) -> Finding:
    identity = account.identity
    if not isinstance(identity, Unknown):
        return ok("credentials", identity)
    if identity.refused or isinstance(account.region, Unknown):
        return problem("credentials", identity.why, "aws sts get-caller-identity, then aws configure or aws sso login")
    return unknown("credentials", identity.why)


def check_clock(account: Account) -> Finding:
    if isinstance(account.skew, Unknown):
        return unknown("clock", f"not compared with AWS's: {account.skew.why}")
    off = duration(abs(account.skew))
    if abs(account.skew) > CLOCK_LIMIT:
        which = "behind" if account.skew > 0 else "ahead of"
        text = f"this machine's clock is {off} {which} AWS's, which refuses requests that are 5 min off"
        return problem("clock", text, "sudo timedatectl set-ntp true")
    return ok("clock", f"within {off} of AWS's")


def check_permissions(account: Account) -> Finding:
    forbidden = account.forbidden
    if forbidden is None:
        return unknown("permissions", "the policies of this identity cannot be simulated")
    if isinstance(forbidden, Unknown):
        return unknown("permissions", forbidden.why, "with iam:SimulatePrincipalPolicy they could be looked at")
    if forbidden:
        text = f"{account.identity} may not {', '.join(forbidden)}"
        return problem("permissions", text, "ask whoever manages the account to allow these actions")
    return ok("permissions", "all that submitting and watching jobs needs is allowed")


def check_log_group(found: str | Absent | Unknown) -> Finding:
    if isinstance(found, Unknown):
        return unknown("logs", found.why)
    if isinstance(found, Absent):
        return ok("logs", f"{found.why}: the first job makes it")
    return ok("logs", found)
