"""Why a job does not start, in words, and the command that helps.

https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from batch_helpers.diagnose import diagnose, why_waiting
from batch_helpers.doctor.checks.room import more_vcpus
from batch_helpers.doctor.facts import Absent, Environment, Facts, Queue, Unknown, Waiting
from batch_helpers.finding import Finding, ok, problem, unknown
from batch_helpers.job import JobDetail, Status
from batch_helpers.words import duration

SOON = 20 * 60
"""Seconds within which a machine may still come up, and before which the service gives no reason."""

_FRONT = 100
"""How much of a queue GetJobQueueSnapshot shows."""


@dataclass(frozen=True, slots=True)
class _Code:
    """A reason code of the service: in words, and the command that helps, for an environment and a job."""

    code: str
    words: str
    command: Callable[[str, Waiting], str]


def _update(environment: str, _: Waiting) -> str:
    base = f"aws batch update-compute-environment --compute-environment {environment}"
    return f"{base} --compute-resources instanceTypes=TYPE,TYPE"


def _grow(environment: str, job: Waiting) -> str:
    return more_vcpus(environment, job.need.vcpus)


def _service_role(environment: str, _: Waiting) -> str:
    return (
        f"batch-helpers compute-environment describe {environment} names its service role; then aws iam "
        "attach-role-policy --role-name ROLE --policy-arn arn:aws:iam::aws:policy/service-role/AWSBatchServiceRole"
    )


def _look(environment: str, _: Waiting) -> str:
    return f"batch-helpers compute-environment describe {environment} tells its state and reason"


def _activity(environment: str, _: Waiting) -> str:
    return (
        "aws autoscaling describe-scaling-activities, for the group whose name begins with "
        f"{environment}: it says why no machine came up"
    )


_CODES = (
    _Code(
        "INSUFFICIENT_INSTANCE_CAPACITY",
        "AWS has no machine of the environment's types free in its zones",
        _update,
    ),
    _Code("COMPUTE_ENVIRONMENT_MAX_RESOURCE", "the job asks for more vCPUs than the environment's maxvCpus", _grow),
    _Code("JOB_RESOURCE_REQUIREMENT", "no instance type of the environment is large enough for the job", _update),
    _Code(
        "EC2_INSTANCE_CONFIGURATION_UNSUPPORTED",
        "EC2 refuses the environment's combination of types, image and options",
        _look,
    ),
    _Code("SERVICE_ROLE_PERMISSIONS", "the environment's service role lacks permissions", _service_role),
    _Code("ACTION_REQUIRED", "the environments need a change that only you can make", _look),
    _Code("UNDETERMINED", "the service sees that the queue is blocked, and not by what", _activity),
)


def check_job(facts: Facts, others: Sequence[Finding]) -> list[Finding]:
    """What is with the job that was asked about; `others` are the problems found around it."""
    found = facts.job
    if found is None:
        return []
    if isinstance(found, Unknown):
        return [unknown("job", found.why)]
    if isinstance(found, Absent):
        return [problem("job", found.why, "batch-helpers jobs list --queue QUEUE shows those there are")]
    if isinstance(found, JobDetail):
        return [_ended(found)]
    state = _state(found, facts.now)
    if found.detail.status is not Status.RUNNABLE:
        return [ok("job", state)]
    return [ok("job", state), *_place(found, facts.now), _why(found, facts, others)]


def _ended(detail: JobDetail) -> Finding:
    if detail.status is Status.SUCCEEDED:
        return ok("job", f"{detail.short_name} has SUCCEEDED")
    why = diagnose(detail)
    return problem("job", f"{detail.short_name} has FAILED, {why.cause}: {why.evidence}", why.remedy)


def _state(found: Waiting, now: float) -> str:
    detail = found.detail
    since = f", submitted {duration(now - detail.created_at)} ago" if detail.created_at else ""
    waits = " and waits for the jobs that it depends on" if detail.status is Status.PENDING else ""
    return f"{detail.short_name} is {detail.status}{waits} in {detail.queue}{since}"


def _place(found: Waiting, now: float) -> list[Finding]:
    """Its place in the queue: https://docs.aws.amazon.com/batch/latest/APIReference/API_GetJobQueueSnapshot.html"""
    if isinstance(found.place, Unknown):
        return [unknown("place", f"not known: {found.place.why}")]
    if found.place is None:
        return [ok("place", f"not among the first {_FRONT} of {found.detail.queue}: those start before it")]
    since = f", for {duration(now - found.at_place)}" if found.at_place else ""
    return [ok("place", f"number {found.place} in {found.detail.queue}{since}")]


def _why(found: Waiting, facts: Facts, others: Sequence[Finding]) -> Finding:
    """The service's own reason first, then what was found around the job, then what remains."""
    said = why_waiting(found.detail)
    environment = _environment(found, facts)
    if said is not None:
        code = next((item for item in _CODES if item.code in found.detail.reason.upper()), None)
        if code is None:
            return problem("reason", said.evidence, said.remedy)
        return problem("reason", f"{code.words} ({said.evidence})", code.command(environment, found))
    if others:
        causes = "; ".join(item.text for item in others[:3])
        return problem("reason", f"the service gives none; likely: {causes}", others[0].remedy)
    if isinstance(found.place, int) and found.place > 1:
        return ok("reason", f"{found.place - 1} jobs start before it")
    waited = facts.now - (found.at_place or found.detail.created_at or facts.now)
    if waited < SOON:
        return ok("reason", "the service gives none yet; a machine may take some minutes to come up")
    text = "the service gives none, and nothing is wrong with what was looked at; likely a quota of the account, "
    text += "machines that cannot join their cluster, or the environment is full"
    return unknown("reason", text, _activity(environment, found))


def _environment(found: Waiting, facts: Facts) -> str:
    """The one of the queue's environments that is the likeliest to be meant: the first that is there."""
    queue = facts.queues.get(found.detail.queue)
    names = queue.environments if isinstance(queue, Queue) else ()
    there = [name for name in names if isinstance(facts.environments.get(name), Environment)]
    return next(iter(there or names), "ENVIRONMENT")
