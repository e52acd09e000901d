"""Which checks apply to what was found out, in the order in which they are read."""

from __future__ import annotations

from collections.abc import Iterator

from batch_helpers.doctor.checks import account, network, places, queues, roles, room, waiting
from batch_helpers.doctor.facts import Environment, Facts, Queue, Unknown
from batch_helpers.doctor.needs import Need
from batch_helpers.finding import Finding, problem, problems, unknown


def every_check(facts: Facts) -> tuple[Finding, ...]:
    """All findings, the account's first and the job's last."""
    around = [*_queues(facts), *_environments(facts), *_needs(facts), *_roles(facts), *_places(facts)]
    return (*_account(facts), *around, *waiting.check_job(facts, problems(around)))


def _account(facts: Facts) -> Iterator[Finding]:
    yield account.check_region(facts.account)
    yield account.check_credentials(facts.account)
    yield account.check_clock(facts.account)
    if not isinstance(facts.account.identity, Unknown):
        yield account.check_permissions(facts.account)
    if facts.log_group is not None:
        yield account.check_log_group(facts.log_group)


def _queues(facts: Facts) -> Iterator[Finding]:
    if facts.all_queues is not None:
        yield unknown("queue", facts.all_queues.why)
    for name, found in facts.queues.items():
        yield queues.check_queue(name, found)
    if facts.no_queues:
        yield problem("queue", "there is none in this region and account", "batch-helpers setup makes one")


def _environments(facts: Facts) -> Iterator[Finding]:
    for name, found in facts.environments.items():
        yield queues.check_environment(name, found)
        if isinstance(found, Environment):
            yield from network.check_network(found, facts.subnets, _needs_in(name, facts))


def _needs_in(environment: str, facts: Facts) -> list[Need]:
    """What the jobs ask for whose queues have this environment."""
    return [need for need in facts.needs if (queue := _queue_of(need, facts)) and environment in queue.environments]


def _needs(facts: Facts) -> Iterator[Finding]:
    for need in facts.needs:
        if finding := roles.check_execution_role(need):
            yield finding
        if queue := _queue_of(need, facts):
            yield room.check_room(need, queue, facts)


def _queue_of(need: Need, facts: Facts) -> Queue | None:
    found = facts.queues.get(need.queue or "")
    return found if isinstance(found, Queue) else None


def _roles(facts: Facts) -> Iterator[Finding]:
    for (use, name), found in facts.roles.items():
        yield roles.check_role(use, name, found)


def _places(facts: Facts) -> Iterator[Finding]:
    for name, image in facts.images.items():
        yield places.check_image(name, image)
    region = facts.account.region
    for uri, bucket in facts.buckets.items():
        yield places.check_bucket(uri, bucket, region if isinstance(region, str) else "")
