"""Job queues and compute environments: whether they take jobs at all."""

from __future__ import annotations

from batch_helpers.doctor.facts import Absent, Environment, Queue, Unknown
from batch_helpers.finding import Finding, ok, problem, unknown

_GOING = ("DELETING", "DELETED")


def check_queue(name: str, found: Queue | Absent | Unknown) -> Finding:
    """Whether it is there, ENABLED and VALID, and has somewhere to run jobs."""
    if isinstance(found, Unknown):
        return unknown("queue", f"{name}: {found.why}")
    if isinstance(found, Absent):
        advice = "batch-helpers job-queue list shows those there are; batch-helpers setup makes one"
        return problem("queue", f"{name} does not exist in this region and account", advice)
    if found.status in _GOING:
        return problem("queue", f"{name} is {found.status}", "use another queue")
    if found.status == "INVALID":
        advice = "mend its compute environments (below), or give it others"
        return problem("queue", f"{name} is INVALID: {found.reason or 'no reason given'}", advice)
    if found.state != "ENABLED":
        return problem("queue", f"{name} is {found.state} and takes no jobs", f"batch-helpers job-queue enable {name}")
    if not found.environments and not found.elsewhere:
        text, place = f"{name} has no compute environment", "order=1,computeEnvironment=NAME"
        command = f"aws batch update-job-queue --job-queue {name} --compute-environment-order {place}"
        return problem("queue", text, command)
    return ok("queue", f"{name} is ENABLED and {found.status}")


def check_environment(name: str, found: Environment | Absent | Unknown) -> Finding:
    """Whether it is there, ENABLED and VALID."""
    if isinstance(found, Unknown):
        return unknown("environment", f"{name}: {found.why}")
    if isinstance(found, Absent):
        return problem("environment", f"{name} does not exist", "give the queue another one")
    if found.status in _GOING:
        return problem("environment", f"{name} is {found.status}", "give the queue another one")
    if found.status == "INVALID":
        again = f"aws batch update-compute-environment --compute-environment {name} --state ENABLED"
        text = f"{name} is INVALID: {found.reason or 'no reason given'}"
        return problem("environment", text, f"mend what the reason names, then have it looked at again: {again}")
    if found.state != "ENABLED":
        command = f"batch-helpers compute-environment enable {name}"
        return problem("environment", f"{name} is {found.state}: no new jobs start in it", command)
    return ok("environment", f"{name} ({found.kind}) is ENABLED and {found.status}")


def usable(found: Environment | Absent | Unknown | None) -> bool:
    """Whether jobs start in it."""
    return isinstance(found, Environment) and found.state == "ENABLED" and found.status not in ("INVALID", *_GOING)
