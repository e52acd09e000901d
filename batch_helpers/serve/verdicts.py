"""How attempts end, in the words of AWS Batch and ECS."""

from __future__ import annotations

from batch_helpers.serve.jobs.retrying import Failure

EXITED = "Essential container in task exited"
NOT_STARTED = "Task failed to start"
KILLED = 137
"""The exit code of a container that had to be killed: 128 + SIGKILL."""

TIMED_OUT = Failure(KILLED, "", "Job attempt duration exceeded timeout", timed_out=True)
TERMINATED = Failure(KILLED, "", EXITED)
HOST_TERMINATED = Failure(None, "", "Host EC2 (instance i-local) terminated.")


def not_started(problem: str) -> Failure:
    """A task whose container could not be started."""
    return Failure(None, f"CannotStartContainerError: {problem}", NOT_STARTED)
