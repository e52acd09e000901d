"""After a supervisor or the machine has died: what still runs is killed, and what it has written is removed."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress

from batch_helpers.engines.local import outputs
from batch_helpers.engines.local.containers import container_name, removal
from batch_helpers.engines.local.database import Database
from batch_helpers.engines.local.launch import read_spec
from batch_helpers.engines.local.rows import Occupied, Outcome, Spec
from batch_helpers.engines.local.verdict import HOST_TERMINATED, after_failure
from batch_helpers.errors import ServiceError

_PATIENCE = 10.0
_STEP = 0.01
_REMOVAL_SECONDS = 30.0


def recover(database: Database) -> bool:
    """Settle the jobs that stand as STARTING or RUNNING; whether there were any. Only for the holder of the lock.

    Raises ServiceError when a process that is left cannot be killed: to go on would run its job twice.
    """
    jobs = database.occupied()
    if jobs:
        _kill(jobs)
        outcomes = [_outcome(job) for job in jobs]
        with database.changes(time.time()) as changes:
            changes.end(outcomes)
    return bool(jobs)


def _outcome(job: Occupied) -> Outcome:
    spec = read_spec(job.spec)
    _remove_container(job, spec)
    status = after_failure(job.attempt, job.attempts)
    reason = job.cancel or HOST_TERMINATED
    if left := outputs.discard(spec.outputs):
        reason = f"{reason}; {left}"
    return Outcome(job.seq, job.attempt, status, reason, None, job.started_at, time.time())


def _remove_container(job: Occupied, spec: Spec) -> None:
    command = removal(spec.runtime, container_name(job.id, job.attempt)) if spec.runtime else None
    if command is not None:
        with suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(
                command, capture_output=True, stdin=subprocess.DEVNULL, timeout=_REMOVAL_SECONDS, check=False
            )


def _kill(jobs: Sequence[Occupied]) -> None:
    """Kill until a look at all processes finds none: what is being killed may be forking."""
    from batch_helpers.engines.local.orphans import Orphans

    orphans = Orphans(jobs)
    deadline = time.monotonic() + _PATIENCE
    while pids := orphans.kill():
        if time.monotonic() > deadline:
            raise ServiceError(f"processes {pids} belong to jobs whose supervisor died, and cannot be killed: end them")
        time.sleep(_STEP)
