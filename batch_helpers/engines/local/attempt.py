"""One attempt at a job, from its start to the outcome that is recorded."""

from __future__ import annotations

from dataclasses import dataclass

from batch_helpers.engines.local import outputs
from batch_helpers.engines.local.launch import Launch
from batch_helpers.engines.local.room import Need
from batch_helpers.engines.local.rows import Outcome, Ready, Spec
from batch_helpers.engines.local.verdict import after_exit, after_failure
from batch_helpers.job import Status


@dataclass(slots=True, eq=False)
class Attempt:
    """What the supervisor knows of a process that it has started, or could not start.

    started_at, stopped_at: seconds since the epoch; began, kill_at, patience: seconds of the monotonic clock.
    problem: why it could not start. stopping: why it is being ended. patience: until when to wait for what is left of
    it after its main process has ended: other processes of its group, and `cleaner`, which removes its container.
    """

    ready: Ready
    spec: Spec
    launch: Launch
    need: Need
    started_at: float
    began: float
    pid: int = 0
    recorded: bool = False
    problem: str = ""
    stopping: str = ""
    kill_at: float | None = None
    code: int | None = None
    peak_memory: int | None = None
    stopped_at: float | None = None
    cleaner: int = 0
    patience: float = 0.0

    @property
    def number(self) -> int:
        return self.ready.attempt + 1

    @property
    def deadline(self) -> float | None:
        """When its timeout ends it."""
        return self.began + self.ready.timeout if self.ready.timeout else None

    def outcome(self) -> Outcome:
        """How it ended. The outputs of one that did not succeed are removed first, so that no run believes them."""
        status, reason = self._verdict()
        if status is not Status.SUCCEEDED and (left := outputs.discard(self.spec.outputs)):
            reason = f"{reason}; {left}"
        times = (self.started_at, self.stopped_at)
        return Outcome(self.ready.seq, self.number, status, reason, self.code, *times, self.peak_memory)

    def _verdict(self) -> tuple[Status, str]:
        if self.stopping:
            return Status.FAILED, self.stopping
        if self.problem:
            return after_failure(self.number, self.ready.attempts), self.problem
        assert self.code is not None
        return after_exit(self.code, self.number, self.ready.attempts)
