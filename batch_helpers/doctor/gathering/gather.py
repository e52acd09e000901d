"""Questions -> Facts: each thing is looked up once, and what it hangs on after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from batch_helpers.doctor.facts import Account, Environment, Facts, Queue, Unknown, Waiting
from batch_helpers.doctor.gathering import batch, network, places, roles
from batch_helpers.doctor.gathering.account import account
from batch_helpers.doctor.gathering.asking import Asker
from batch_helpers.doctor.needs import Need

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Questions:
    """What is to be looked at.

    queues: names or ARNs. needs: what jobs ask for.
    everywhere: whether to look at all queues when none is named. reads, writes, job_writes: `s3://bucket/prefix` that
    are read from, that whoever asks writes to, and that jobs write to with their roles.
    """

    queues: tuple[str, ...] = ()
    job_id: str | None = None
    needs: tuple[Need, ...] = ()
    images: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    job_writes: tuple[str, ...] = ()
    everywhere: bool = False


def gather(asker: Asker, questions: Questions) -> Facts:
    """Ask AWS; never raises for what AWS answers."""
    facts = Facts(account(asker), needs=questions.needs, now=asker.clock())
    if isinstance(facts.account.region, Unknown) or _without_credentials(facts.account):
        return facts
    facts = _queues(asker, questions, facts)
    facts = _environments(asker, facts)
    images = dict.fromkeys([*questions.images, *(name for need in facts.needs for name in need.images)])
    return replace(
        facts,
        roles=_roles(asker, facts, questions),
        images={name: places.image(asker, name) for name in images},
        buckets=_buckets(asker, questions),
        log_group=places.log_group(asker),
    )


def _without_credentials(found: Account) -> bool:
    return isinstance(found.identity, Unknown) and found.identity.refused


def _queues(asker: Asker, questions: Questions, facts: Facts) -> Facts:
    names, job, needs = dict.fromkeys(questions.queues), None, facts.needs
    if questions.job_id is not None:
        job = batch.waiting(asker, questions.job_id)
        if isinstance(job, Waiting):
            names[job.detail.queue] = None
            needs = (*needs, job.need)
    if not names and questions.everywhere and questions.job_id is None:
        found = batch.all_queues(asker)
        if isinstance(found, Unknown):
            return replace(facts, all_queues=found)
        return replace(facts, queues=found, no_queues=not found)
    return replace(facts, queues=batch.queues(asker, list(names)), job=job, needs=needs)


def _environments(asker: Asker, facts: Facts) -> Facts:
    queues = _there(facts.queues, Queue)
    found = batch.environments(asker, [name for queue in queues for name in queue.environments])
    there = _there(found, Environment)
    subnets = dict.fromkeys(name for item in there for name in item.subnets)
    types = dict.fromkeys(name for item in there for name in item.instance_types)
    return replace(
        facts,
        environments=found,
        subnets=network.subnets(asker, list(subnets)),
        types={name: network.types(asker, name) for name in types},
    )


def _roles(asker: Asker, facts: Facts, questions: Questions) -> dict[tuple[str, str], Any]:
    """Each role in each use; the jobs' own is asked about what they write."""
    wanted: dict[tuple[str, str], None] = {}
    for environment in _there(facts.environments, Environment):
        for use, name in (("service", environment.service_role), ("instance", environment.instance_role)):
            if name and ":role/aws-service-role/" not in name:
                wanted[use, name] = None
    for need in facts.needs:
        for use, named in (("execution", need.execution_role), ("task", need.task_role)):
            if named:
                wanted[use, named] = None
    own = "task" if any(need.task_role for need in facts.needs) else "instance"
    objects = [f"arn:aws:s3:::{uri.removeprefix('s3://').rstrip('/')}/x" for uri in questions.job_writes]
    return {(use, name): roles.role(asker, use, name, objects if use == own else ()) for use, name in wanted}


def _buckets(asker: Asker, questions: Questions) -> dict[str, Any]:
    wanted = dict.fromkeys((*questions.reads, *questions.job_writes), False) | dict.fromkeys(questions.writes, True)
    return {uri: places.bucket(asker, uri, write) for uri, write in wanted.items()}


def _there(found: Mapping[str, Any], kind: type[T]) -> list[T]:
    return [item for item in found.values() if isinstance(item, kind)]
