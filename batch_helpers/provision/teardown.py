"""What setup made is removed, in the order in which AWS allows it, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from batch_helpers.aws_client import AWSAccess
from batch_helpers.errors import InvalidInput, ServiceError
from batch_helpers.provision.blueprint import TAG, Choices, blueprint
from batch_helpers.provision.iam import IAM, Found
from batch_helpers.provision.policies import USES
from batch_helpers.provision.steps import Did, Step
from batch_helpers.resources.aws import ComputeEnvironments, JobDefinitions, JobQueues
from batch_helpers.resources.aws.checks import short
from batch_helpers.resources.aws.definitions import label
from batch_helpers.resources.aws.desk import silent

Raw = Mapping[str, Any]

QUEUE, ENVIRONMENT, DEFINITION = "job queue", "compute environment", "job definition"
PROFILE, ROLE = "instance profile", "role"

_OURS = "batch_helpers:"
"""What the tags of definitions begin with that this package registered."""


class Teardown:
    """The removal of a setup, by its name. Making one makes no call.

    force: though its queues have active jobs, which are ended. sleep: how it waits. tell: gets lines for people.
    """

    def __init__(
        self,
        access: AWSAccess,
        name: str,
        *,
        force: bool = False,
        sleep: Callable[[float], None] = time.sleep,
        tell: Callable[[str], None] = silent,
    ) -> None:
        self._plan, self._force, self._tell = blueprint(Choices(name)), force, tell
        self._name = name
        self._definitions = JobDefinitions(access, sleep=sleep)
        self._iam = IAM(access, sleep)
        self._environments = ComputeEnvironments(access, sleep=sleep, tell=tell)
        self._queues = JobQueues(access, sleep=sleep, tell=tell)

    def survey(self) -> tuple[Step, ...]:
        """What would be removed, in order, and what would be left and why; changes nothing.

        Raises InvalidInput when a queue has active jobs, and they are not to be ended.
        """
        queues, environments = self._queues.list(), self._environments.list()
        steps = [*self._of_queues(queues), *self._of_environments(environments, queues)]
        left = {step.name for step in steps if step.did is Did.LEAVE and step.what == ENVIRONMENT}
        staying = [raw for raw in environments if not self._ours(raw) or raw["computeEnvironmentName"] in left]
        roles = list(self._of_roles(staying))
        gone = {step.name for step in roles if step.did is Did.REMOVE and step.what == ROLE}
        return (*steps, *self._of_definitions(gone), *roles)

    def apply(self, steps: Sequence[Step]) -> tuple[Step, ...]:
        """Do it, and tell what became of each; what cannot be removed is left, with the reason."""
        return tuple(self._applied(steps))

    def _applied(self, steps: Sequence[Step]) -> Iterator[Step]:
        stuck: str | None = None
        for step in steps:
            done = step
            if step.did is Did.REMOVE and step.what in (PROFILE, ROLE) and stuck:
                done = Step(Did.FAIL, step.what, step.name, f"compute environment {stuck} is still there")
            elif step.did is Did.REMOVE:
                self._tell(str(step))
                try:
                    self._remove(step)
                except (ServiceError, InvalidInput) as exc:
                    done = Step(Did.FAIL, step.what, step.name, str(exc))
                    stuck = step.name if step.what == ENVIRONMENT else stuck
            yield done

    def _remove(self, step: Step) -> None:
        if step.what == QUEUE:
            self._queues.delete(step.name, force=self._force)
        elif step.what == ENVIRONMENT:
            self._environments.delete(step.name)
        elif step.what == DEFINITION:
            self._definitions.deregister(step.name)
        elif step.what == PROFILE:
            if found := self._iam.profile(step.name):
                self._iam.remove_profile(found)
        else:
            self._iam.remove_role(step.name)

    def _ours(self, raw: Raw) -> bool:
        return (raw.get("tags") or {}).get(TAG) == self._name

    def _of_queues(self, queues: Sequence[Raw]) -> Iterator[Step]:
        for raw in filter(self._ours, queues):
            name = raw["jobQueueName"]
            count = sum(self._queues.active(name).values())
            if count and not self._force:
                problem = f"job queue {name} has {count} active job{'s' * (count > 1)}, and nothing was removed"
                raise InvalidInput(f"{problem}: wait for them, or use --force, which ends them")
            yield Step(Did.REMOVE, QUEUE, name, f"ends {count} active jobs" if count else "")

    def _of_environments(self, environments: Sequence[Raw], queues: Sequence[Raw]) -> Iterator[Step]:
        strange = [raw for raw in queues if not self._ours(raw)]
        for raw in filter(self._ours, environments):
            name = raw["computeEnvironmentName"]
            users = [item["jobQueueName"] for item in strange if _uses(item, name)]
            if users:
                yield Step(Did.LEAVE, ENVIRONMENT, name, f"job queue {users[0]}, which setup did not make, uses it")
            else:
                yield Step(Did.REMOVE, ENVIRONMENT, name)

    def _of_roles(self, staying: Sequence[Raw]) -> Iterator[Step]:
        """The profile before its role."""
        users = {short(role): raw["computeEnvironmentName"] for raw in staying for role in _roles(raw)}
        instance = self._plan.role_name("instance")
        yield from self._of_found(PROFILE, self._iam.profile(instance), users.get(instance))
        for use in USES:
            name = self._plan.role_name(use)
            yield from self._of_found(ROLE, self._iam.role(name), users.get(name))

    def _of_found(self, what: str, found: Found | None, user: str | None) -> Iterator[Step]:
        if found is None:
            return
        if found.setup != self._name:
            yield Step(Did.LEAVE, what, found.name, "setup did not make it")
        elif user:
            yield Step(Did.LEAVE, what, found.name, f"compute environment {user}, which stays, uses it")
        else:
            yield Step(Did.REMOVE, what, found.name)

    def _of_definitions(self, roles: set[str]) -> Iterator[Step]:
        """Definitions whose jobs could not start any more; those of others are told, and left."""
        if not roles:
            return
        for raw in self._definitions.list():
            named = sorted(roles & {short(role) for role in _roles_of_definition(raw)})
            if not named:
                continue
            name = label(raw)
            if any(tag.startswith(_OURS) for tag in raw.get("tags") or ()):
                yield Step(Did.REMOVE, DEFINITION, name, f"its jobs have role {named[0]}")
            else:
                yield Step(Did.LEAVE, DEFINITION, name, f"somebody else's, though its jobs have role {named[0]}")


def _uses(queue: Raw, environment: str) -> bool:
    return any(short(item["computeEnvironment"]) == environment for item in queue.get("computeEnvironmentOrder") or ())


def _roles(environment: Raw) -> list[str]:
    found = (environment.get("serviceRole"), (environment.get("computeResources") or {}).get("instanceRole"))
    return [role for role in found if role]


def _roles_of_definition(raw: Raw) -> Iterator[str]:
    tasks = (raw.get("ecsProperties") or {}).get("taskProperties") or [raw.get("containerProperties") or {}]
    for task in tasks:
        yield from (task[name] for name in ("executionRoleArn", "jobRoleArn", "taskRoleArn") if task.get(name))
