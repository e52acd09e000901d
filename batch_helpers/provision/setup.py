"""An account made ready: what is there is looked at first, then what is missing is made, in order."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from batch_helpers.aws_client import AWSAccess
from batch_helpers.engines.aws.api import API
from batch_helpers.errors import InvalidInput, NotFound, ServiceError
from batch_helpers.provision.blueprint import TAG, Blueprint, Choices, blueprint
from batch_helpers.provision.iam import IAM, Found
from batch_helpers.provision.network import Network, network
from batch_helpers.provision.policies import USES
from batch_helpers.provision.steps import Did, Step
from batch_helpers.resources.aws import ComputeEnvironment, ComputeEnvironments, JobQueue, JobQueues
from batch_helpers.resources.aws.bodies import environment_body, queue_body
from batch_helpers.resources.aws.changes import changes
from batch_helpers.resources.aws.desk import Desk, silent
from batch_helpers.resources.aws.roles import PRINCIPALS

TRIES, PAUSE = 12, 5.0
"""How often, and how many seconds apart, a new role is tried until AWS Batch knows it. IAM takes some seconds:
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency"""

_NOT_SPREAD = re.compile(r"assum|not authorized|exist|could not find|not found|invalid.{0,40}(role|profile)", re.I)
_SERVICE_LINKED = "/aws-service-role/"


@dataclass(frozen=True, slots=True)
class Survey:
    """What is there, and what is to be done. arns: of the roles that are there, and of the profile, by use."""

    blueprint: Blueprint
    network: Network
    arns: Mapping[str, str]
    steps: tuple[Step, ...]

    @property
    def changes(self) -> bool:
        """Whether anything is to be done."""
        return any(step.changes for step in self.steps)


class Setup:
    """One account. Making one makes no call.

    update: change what an earlier setup of this name made and that differs, instead of refusing. sleep: how it waits.
    tell: gets lines for people.
    """

    def __init__(
        self,
        access: AWSAccess,
        choices: Choices,
        *,
        update: bool = False,
        sleep: Callable[[float], None] = time.sleep,
        tell: Callable[[str], None] = silent,
    ) -> None:
        self._access, self._choices, self._update = access, choices, update
        self._sleep, self._tell = sleep, tell
        self._iam = IAM(access, sleep)
        self._environments = ComputeEnvironments(access, sleep=sleep, tell=tell)
        self._queues = JobQueues(access, sleep=sleep, tell=tell)

    def survey(self) -> Survey:
        """Look at everything, and change nothing.

        Raises InvalidInput for what is there and differs, NotFound for what was named and is not there.
        """
        plan = blueprint(self._choices, self._partition())
        place = network(self._access, self._choices, self._sleep)
        arns: dict[str, str] = {}
        steps = [*(self._look_at_role(use, plan, arns) for use in USES), *self._look_at_profile(plan, arns)]
        for environment in plan.environments(place.subnets, place.security_group_ids, arns):
            body = environment_body(environment)
            steps.append(self._look_at("compute environment", self._environments, environment.name, body))
        for queue in plan.queues:
            body = queue_body(queue, queue.compute_environments)
            steps.append(self._look_at("job queue", self._queues, queue.name, body))
        return Survey(plan, place, arns, tuple(steps))

    def apply(self, survey: Survey) -> Survey:
        """Do what is to be done, and tell where everything is now. What was made stays when something fails."""
        todo = {(step.what, step.name): step.did for step in survey.steps if step.changes}
        for step in survey.steps:
            if not step.changes:
                self._tell(str(step))
        self._make_roles(survey.blueprint, todo)
        arns = dict(survey.arns) | dict(self._made_arns(survey.blueprint, todo))
        fresh = Did.MAKE in (did for (what, _), did in todo.items() if what in ("role", "instance profile"))
        place = survey.network
        for environment in survey.blueprint.environments(place.subnets, place.security_group_ids, arns):
            if did := todo.get(("compute environment", environment.name)):
                self._tell(f"{did:<7} compute environment {environment.name}")
                self._make_environment(environment, fresh=fresh)
        for queue in survey.blueprint.queues:
            if did := todo.get(("job queue", queue.name)):
                self._tell(f"{did:<7} job queue {queue.name}")
                self._make_queue(queue)
        return Survey(survey.blueprint, place, arns, survey.steps)

    def _partition(self) -> str:
        api = API(self._access, "sts", sleep=self._sleep, connections=1)
        return str(api.ask("get_caller_identity", "ask whose account this is", "Arn")["Arn"]).split(":")[1]

    def _look_at_role(self, use: str, plan: Blueprint, arns: dict[str, str]) -> Step:
        given = plan.choices.roles.get(use)
        if given is not None and use == "instance":
            return Step(Did.USE, "instance profile", given, "named")  # looked at as a profile
        if given is not None and _SERVICE_LINKED in given:
            arns[use] = given
            return Step(Did.USE, "role", given, "named; AWS's own")
        spec = plan.role(use)
        found = self._iam.role(given or spec.name)
        if found is None:
            if given is not None:
                raise NotFound(f"--{use}-role {given} does not exist: leave it out, and setup makes one")
            may = ", ".join([*(arn.rpartition("/")[2] for arn in spec.managed), *_buckets(plan, use)])
            return Step(Did.MAKE, "role", spec.name, f"for {PRINCIPALS[use]}; may {may or 'nothing'}")
        _check_trust(use, found)
        arns[use] = found.arn
        if given is not None or found.setup != plan.choices.name:
            why = (
                "named; its policies stay as they are"
                if given
                else "it was there before; its policies stay as they are"
            )
            return Step(Did.USE, "role", found.name, why)
        return self._step("role", found.name, list(self._iam.differences(spec)))

    def _look_at_profile(self, plan: Blueprint, arns: dict[str, str]) -> Iterator[Step]:
        given = plan.choices.roles.get("instance")
        name = given or plan.role_name("instance")
        found = self._iam.profile(name)
        arns.pop("instance", None)  # machines are given the profile, and not its role
        if found is None:
            if given is not None:
                raise NotFound(f"--instance-role {given}: there is no instance profile of this name")
            yield Step(Did.MAKE, "instance profile", name)
            return
        arns["instance"] = found.arn
        if given is None:
            lacks = [] if found.roles else ["holds no role"]
            ours = found.setup == plan.choices.name
            yield (
                Step(Did.CHANGE, "instance profile", name, lacks[0])
                if lacks
                else Step(
                    Did.KEEP if ours else Did.USE, "instance profile", name, "" if ours else "it was there before"
                )
            )

    def _look_at(self, what: str, desk: Desk, name: str, body: Mapping[str, Any]) -> Step:
        there = desk.find(name)
        if there is None or there.get("status") == "DELETING":
            return Step(Did.MAKE, what, name)
        differing = [str(change) for change in changes(body, there) if change.path[0] != "tags"]
        if (there.get("tags") or {}).get(TAG) == self._choices.name:
            if there.get("status") == "INVALID" and not differing:
                return Step(Did.CHANGE, what, name, f"it is INVALID: {there.get('statusReason') or 'no reason given'}")
            return self._step(what, name, differing)
        if differing:
            told = f"{what} {name} exists and differs: {'; '.join(differing)}"
            raise InvalidInput(f"{told}; setup did not make it, and leaves it alone: choose another --name")
        return Step(Did.USE, what, name, "it was there before")

    def _step(self, what: str, name: str, differing: list[str]) -> Step:
        """For what an earlier setup made."""
        if not differing:
            return Step(Did.KEEP, what, name)
        if not self._update:
            told = "; ".join(differing)
            raise InvalidInput(f"{what} {name} exists and differs: {told}: use --update, or another --name")
        return Step(Did.CHANGE, what, name, "; ".join(differing))

    def _make_roles(self, plan: Blueprint, todo: Mapping[tuple[str, str], Did]) -> None:
        for spec in plan.roles:
            if did := todo.get(("role", spec.name)):
                self._tell(f"{did:<7} role {spec.name}")
                self._iam.make_role(spec, plan.tags) if did is Did.MAKE else self._iam.allow(spec)
        name = plan.role_name("instance")
        if did := todo.get(("instance profile", name)):
            self._tell(f"{did:<7} instance profile {name}")
            self._iam.make_profile(name, plan.tags) if did is Did.MAKE else self._iam.fill_profile(name)

    def _made_arns(self, plan: Blueprint, todo: Mapping[tuple[str, str], Did]) -> Iterator[tuple[str, str]]:
        for use in USES:
            name = plan.role_name(use)
            look, what = (self._iam.profile, "instance profile") if use == "instance" else (self._iam.role, "role")
            if todo.get((what, name)) is Did.MAKE and (found := look(name)):
                yield use, found.arn

    def _make_environment(self, spec: ComputeEnvironment, *, fresh: bool) -> None:
        """Create it; while IAM has not spread the roles that were made just now, again."""
        for tried in range(1, TRIES + 1):
            try:
                if tried > 1 or not fresh:
                    self._look_again(spec.name)
                self._environments.create(spec, update=self._update)
                return
            except ServiceError as exc:
                if not fresh or tried == TRIES or not _NOT_SPREAD.search(str(exc)):
                    raise
                self._tell(f"the new roles are not known everywhere yet; again in {PAUSE:g} s ({tried}): {exc}")
                self._sleep(PAUSE)

    def _look_again(self, name: str) -> None:
        """Have AWS Batch look again at an environment that it has found INVALID."""
        found = self._environments.find(name)
        if found is not None and found.get("status") == "INVALID":
            self._environments.update(name, state="ENABLED")

    def _make_queue(self, spec: JobQueue) -> None:
        self._queues.create(spec, update=self._update)


def _check_trust(use: str, found: Found) -> None:
    if PRINCIPALS[use] not in found.trusted:
        problem = f"role {found.name} exists, and {PRINCIPALS[use]} may not assume it"
        raise InvalidInput(f"{problem}: change its trust policy, choose another --name, or give --{use}-role")


def _buckets(plan: Blueprint, use: str) -> list[str]:
    if use != "task" or not plan.choices.buckets:
        return []
    return [f"read and write {', '.join(plan.choices.buckets)}"]
