"""Job queues: made, listed, switched and deleted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from batch_helpers.engines.aws.listing import active_jobs
from batch_helpers.errors import InvalidInput, NotFound
from batch_helpers.resources.aws.bodies import queue_body
from batch_helpers.resources.aws.checks import short
from batch_helpers.resources.aws.desk import ENVIRONMENT, QUEUE, Desk, Outcome, Raw, described
from batch_helpers.resources.aws.environment import FARGATE_TYPES
from batch_helpers.resources.aws.queue import JobQueue
from batch_helpers.words import nearest


class JobQueues(Desk):
    """The job queues of an account; names may be ARNs."""

    kind = QUEUE

    def create(self, spec: JobQueue, *, update: bool = False) -> Outcome:
        """Make it, and wait until it is VALID: `created`, `exists` when there is one like it, or `updated`.

        Raises NotFound for a compute environment that is not there; InvalidInput for Fargate beside instances, or, with
        what differs, when there is another queue of this name and it is not to be updated.
        """
        environments = self._environments(spec)
        kinds = {(raw.get("computeResources") or {}).get("type") in FARGATE_TYPES for raw in environments}
        if len(kinds) > 1:
            raise InvalidInput(
                f"{self._called(spec.name)}: compute_environments={spec.compute_environments!r}: a queue has either "
                "Fargate environments or others, not both: make two queues"
            )
        return self._ensure(queue_body(spec, [raw["computeEnvironmentArn"] for raw in environments]), update=update)

    def active(self, name: str) -> Mapping[str, int]:
        """How many of its jobs have not ended, by status."""
        return Counter(str(job.status) for job in active_jobs(self.api, name))

    def delete(self, name: str, *, force: bool = False) -> Mapping[str, int]:
        """Disable it, delete it, and wait until it is gone; the active jobs that this ended, by status.

        force: though there are active jobs, which AWS Batch then terminates. Raises NotFound when there is none;
        InvalidInput, with how many jobs are active, when it is not to be forced.
        """
        self.get(name)
        self._check_idle(name, force=force)
        disabled = self.set_state(name, "DISABLED")  # from here on nothing can be submitted, so the count holds
        try:
            counts = self._check_idle(name, force=force)
        except InvalidInput:
            if disabled:
                self.set_state(name, "ENABLED")
            raise
        self._remove(name)
        return counts

    def _environments(self, spec: JobQueue) -> Sequence[Raw]:
        there = {raw["computeEnvironmentName"]: raw for raw in described(self.api, ENVIRONMENT)}
        for one in spec.compute_environments:
            if short(one) not in there:
                hint = nearest(short(one), there)
                raise NotFound(f"{self._called(spec.name)}: compute environment {one!r} does not exist{hint}")
        return [there[short(one)] for one in spec.compute_environments]

    def _check_idle(self, name: str, *, force: bool) -> Mapping[str, int]:
        counts = self.active(name)
        if counts and not force:
            listed = ", ".join(f"{count} {status}" for status, count in counts.items())
            total = sum(counts.values())
            raise InvalidInput(
                f"{self._called(name)} has {total} active job{'s' * (total > 1)} ({listed}), which would be "
                "terminated: wait for them, or use --force"
            )
        return counts
