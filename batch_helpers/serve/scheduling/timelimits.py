"""jobStateTimeLimitActions: a job that blocks the head of its queue for too long is cancelled.

https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable.html
"""

from __future__ import annotations

from typing import NamedTuple

from batch_helpers.serve.api.jobs import end_jobs
from batch_helpers.serve.arns import QUEUE
from batch_helpers.serve.service import Service


class _Head(NamedTuple):
    """The job at the head of a queue, why it does not start, and since when it has been seen there, in seconds."""

    job_id: str
    reason: str
    since: float


class TimeLimits:
    """Watches the heads of the queues that have such actions."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._heads: dict[str, _Head] = {}

    def enforce(self) -> None:
        """Cancel what has been at the head of its queue for too long."""
        for queue in self._service.database.resources.all(QUEUE):
            actions = queue.document.get("jobStateTimeLimitActions")
            head = self._head(queue.name) if actions else None
            for action in actions or ():
                if head and head.reason.startswith(action["reason"]) and self._age(head) >= action["maxTimeSeconds"]:
                    reason = f"Canceled by JobStateTimeLimit action due to reason: {action['reason']}"
                    end_jobs(self._service, [head.job_id], reason, terminate=False)
                    break

    def _head(self, queue: str) -> _Head | None:
        found = self._service.database.jobs.head(queue)
        if found is None:
            self._heads.pop(queue, None)
            return None
        job_id, reason = found
        known = self._heads.get(queue)
        if known is None or (known.job_id, known.reason) != (job_id, reason):
            self._heads[queue] = _Head(job_id, reason, self._service.clock.seconds())
        return self._heads[queue]

    def _age(self, head: _Head) -> float:
        return self._service.clock.seconds() - head.since
