"""Whether a job ever fits into what its queue has."""

from __future__ import annotations

from collections.abc import Mapping

from batch_helpers.doctor.checks.queues import usable
from batch_helpers.doctor.facts import Absent, Environment, Facts, InstanceType, Queue, Unknown
from batch_helpers.doctor.needs import Need
from batch_helpers.engines.aws import fargate
from batch_helpers.finding import Finding, Verdict, ok, problem, unknown
from batch_helpers.resources.aws import instances

Types = Mapping[str, tuple[InstanceType, ...] | Absent | Unknown]


def check_room(need: Need, queue: Queue, facts: Facts) -> Finding:
    """Whether one of the queue's environments can run the job, now or when it is empty."""
    verdicts = []
    for name in queue.environments:
        environment = facts.environments.get(name)
        if isinstance(environment, Environment) and usable(environment):
            verdicts.append(fits(need, environment, facts.types))
    for wanted in (Verdict.OK, Verdict.UNKNOWN):
        for finding in verdicts:
            if finding.verdict is wanted:
                return finding
    if not verdicts:
        text = f"{need.job}: no environment of {queue.name} is ENABLED and VALID, so it will wait"
        return problem("room", text, "mend or enable one of them (above)")
    return problem("room", "; ".join(item.text for item in verdicts), verdicts[0].remedy)


def fits(need: Need, environment: Environment, types: Types) -> Finding:
    """Whether the job can run in this environment when nothing else does."""
    where = f"{need.job} ({need.size}) in {environment.name}"
    if finding := _platform(need, environment, where) or _most(need, environment, where):
        return finding
    if environment.is_fargate:
        return _fargate(need, where)
    return _machines(need, environment, types, where)


def _platform(need: Need, environment: Environment, where: str) -> Finding | None:
    platform = "FARGATE" if environment.is_fargate else "EC2"
    if need.platforms is None or platform in need.platforms:
        return None
    text = f"{where}: the environment is {environment.kind}, and its definition is for {' and '.join(need.platforms)}"
    return problem("room", text, f"use a queue for {need.platforms[0]}, or a definition for {platform}")


def _most(need: Need, environment: Environment, where: str) -> Finding | None:
    if environment.max_vcpus is None or need.vcpus <= environment.max_vcpus:
        return None
    text = f"{where}: its maxvCpus is {environment.max_vcpus}"
    return problem("room", text, more_vcpus(environment.name, need.vcpus))


def more_vcpus(environment: str, vcpus: float) -> str:
    """The command that lets an environment grow to this many vCPUs."""
    resources = f"maxvCpus={-int(-vcpus // 1)}"
    return f"aws batch update-compute-environment --compute-environment {environment} --compute-resources {resources}"


def _fargate(need: Need, where: str) -> Finding:
    if need.gpus:
        return problem("room", f"{where}: Fargate has no GPUs", "use a queue on EC2")
    if fargate.valid(need.vcpus, need.memory):
        return ok("room", f"{where}: fits")
    pair = fargate.nearest(need.vcpus, need.memory)
    advice = f"ask for {pair[0]:g} vCPUs and {pair[1]} MiB" if pair else "use a queue on EC2: it is beyond the largest"
    return problem("room", f"{where}: Fargate has no such size", advice)


def _machines(need: Need, environment: Environment, types: Types, where: str) -> Finding:
    """An instance type of unknown size may be right; one that is known to be too small is not."""
    told = {name: types.get(name, Unknown("it was not asked about")) for name in environment.instance_types}
    for found in told.values():
        if isinstance(found, tuple) and (machine := next((item for item in found if holds(item, need)), None)):
            return ok("room", f"{where}: fits on {machine.name}")
    if not told:
        return unknown("room", f"{where}: the environment names no instance types")
    for name, found in told.items():
        if isinstance(found, Unknown) and not _unfit(name, need):
            return unknown("room", f"{where}: {name}: {found.why}")
    text = f"{where}: none of {', '.join(told)} has {_asked(need)}"
    return problem("room", text, f"allow larger types: {_more_types(environment)}; or ask for less")


def holds(machine: InstanceType, need: Need) -> bool:
    """Whether the machine is large enough; some of its memory is the system's and the agent's own.

    https://docs.aws.amazon.com/batch/latest/userguide/memory-management.html
    """
    return (
        machine.vcpus >= need.vcpus
        and machine.memory > need.memory
        and machine.gpus >= need.gpus
        and need.architecture in (None, *machine.architectures)
    )


def _unfit(name: str, need: Need) -> bool:
    """Whether the mere name of a type or a family tells that it is not for the job."""
    other = need.architecture not in (None, instances.architecture(name))
    return other or (need.gpus > 0 and not instances.has_gpu(name))


def _asked(need: Need) -> str:
    architecture = f" of architecture {need.architecture}" if need.architecture else ""
    return f"{need.size}{architecture} to give"


def _more_types(environment: Environment) -> str:
    base = f"aws batch update-compute-environment --compute-environment {environment.name}"
    return f"{base} --compute-resources instanceTypes=TYPE,TYPE"
