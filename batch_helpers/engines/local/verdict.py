"""What an attempt's end means for its job."""

from __future__ import annotations

from batch_helpers.job import Status

EXITED = "Essential container in task exited"
TIMED_OUT = "Job attempt duration exceeded timeout"
HOST_TERMINATED = "host terminated: the supervisor of these jobs died"


def after_exit(code: int, number: int, attempts: int) -> tuple[Status, str]:
    """Where a job goes whose attempt ended by itself, and why; a failed one is tried again while attempts are left."""
    if code == 0:
        return Status.SUCCEEDED, ""
    return after_failure(number, attempts), EXITED


def after_failure(number: int, attempts: int) -> Status:
    """RUNNABLE while attempts are left, then FAILED."""
    return Status.RUNNABLE if number < attempts else Status.FAILED
