"""Compute environments: made, listed, switched and deleted."""

from __future__ import annotations

from collections.abc import Sequence

from batch_helpers.errors import InvalidInput
from batch_helpers.resources.aws.bodies import FIXED, environment_body, environment_order
from batch_helpers.resources.aws.changes import changes
from batch_helpers.resources.aws.desk import ENVIRONMENT, Desk, Outcome, Raw
from batch_helpers.resources.aws.environment import FARGATE_TYPES, ComputeEnvironment
from batch_helpers.resources.aws.queues import JobQueues
from batch_helpers.resources.aws.surroundings import Surroundings


class ComputeEnvironments(Desk):
    """The compute environments of an account; names may be ARNs."""

    kind = ENVIRONMENT

    def create(self, spec: ComputeEnvironment, *, update: bool = False) -> Outcome:
        """Make it, and wait until it is VALID: `created`, `exists` when there is one like it, or `updated`.

        Raises InvalidInput, with what differs, when there is another one of this name and it is not to be updated, or
        cannot be, or the subnets are of several VPCs; NotFound, with how to make it, for a role that is not there;
        ServiceError with AWS Batch's reason when it becomes INVALID.
        """
        body = environment_body(spec)

        def check(there: Raw | None) -> None:
            if there is None or update:
                Surroundings(self.access, self.api, self.sleep, self.tell).check(spec)
            if there is not None and update:
                _check_changeable(spec, body, there)

        return self._ensure(body, update=update, check=check)

    def delete(self, name: str) -> Sequence[str]:
        """Disable it, take it out of its queues, delete it, and wait until it is gone; the queues' names.

        Raises NotFound when there is none; InvalidInput, before anything is done, when a queue has no other one.
        """
        queues = JobQueues(self.access, sleep=self.sleep, clock=self.clock, tell=self.tell, patience=self.patience)
        arn = self.get(name)["computeEnvironmentArn"]
        orders = {queues.name_of(raw): _order(raw) for raw in queues.list()}
        orders = {queue: order for queue, order in orders.items() if arn in order}
        alone = [queue for queue, order in orders.items() if order == [arn]]
        if alone:
            raise InvalidInput(
                f"{self._called(name)} is the only one of job queue {', '.join(map(repr, alone))}: delete the queue "
                f"first (batch-helpers job-queue delete {alone[0]}), or give it another compute environment"
            )
        self.set_state(name, "DISABLED")
        for queue, order in orders.items():
            queues.update(queue, computeEnvironmentOrder=environment_order(one for one in order if one != arn))
        self._remove(name)
        return list(orders)


def _order(raw: Raw) -> list[str]:
    items = sorted(raw.get("computeEnvironmentOrder") or (), key=lambda item: int(item["order"]))
    return [item["computeEnvironment"] for item in items]


def _check_changeable(spec: ComputeEnvironment, body: Raw, there: Raw) -> None:
    """Raise InvalidInput for changes that no update makes."""
    old = (there.get("computeResources") or {}).get("type")
    fixed = [change for change in changes(body, there) if change.path[-1] in FIXED or change.path == ("type",)]
    if fixed or (old in FARGATE_TYPES) != spec.is_fargate:
        told = "; ".join(map(str, fixed)) or f"type {old} -> {spec.type}"
        problem = f"compute environment {spec.name!r} exists and differs: {told}, which no update changes"
        raise InvalidInput(f"{problem}: delete it first, or use another name")
