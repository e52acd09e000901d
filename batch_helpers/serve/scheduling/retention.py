"""Forgetting: ended jobs after the retention, deregistered definitions after 180 days."""

from __future__ import annotations

from batch_helpers.serve.service import Service

DAY = 86_400
JOBS = 7 * DAY
"""Seconds for which ended jobs are kept: https://docs.aws.amazon.com/batch/latest/userguide/job_states.html"""

DEFINITIONS = 180 * DAY
"""https://docs.aws.amazon.com/batch/latest/APIReference/API_DeregisterJobDefinition.html"""

_AT_ONCE = 200
_EVERY = 1.0


class Retention:
    """Deletes what has aged out. `jobs` is how long ended jobs are kept, in seconds."""

    def __init__(self, service: Service, jobs: float = JOBS) -> None:
        self._service, self._jobs = service, jobs
        self._next = 0.0

    def sweep(self, now: float) -> int:
        """Forget some of what is too old, looking once a second; how many jobs and arrays that were."""
        if now < self._next:
            return 0
        database = self._service.database
        gone = database.jobs.expired(int((now - self._jobs) * 1000), _AT_ONCE)
        with database.transaction():
            forgotten = database.jobs.forget(gone)
            database.definitions.expire(int((now - DEFINITIONS) * 1000))
        self._service.runner.forget(forgotten)
        self._next = now if len(gone) == _AT_ONCE else now + _EVERY
        return len(gone)
