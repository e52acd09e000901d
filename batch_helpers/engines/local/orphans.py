"""Processes that have outlived their supervisor."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

import psutil

from batch_helpers.engines.local.launch import JOB_ID
from batch_helpers.engines.local.rows import Occupied

_DRIFT = 1.5
"""Seconds by which the clock from which creation times are worked out may have been set meanwhile."""


class Orphans:
    """The processes of these jobs: those with a jobId in their environment, and all of the recorded groups.

    A group counts only when its leader is the very process that was recorded: pids are used again.
    """

    def __init__(self, jobs: Iterable[Occupied]) -> None:
        jobs = tuple(jobs)
        self._ids = {job.id for job in jobs}
        self._groups = {job.pid for job in jobs if job.pid is not None and _is_same(job.pid, job.pid_created_at)}

    def kill(self) -> list[int]:
        """Send SIGKILL to those that are alive; their pids."""
        found = [process for process in psutil.process_iter() if self._has(process)]
        for process in found:
            with suppress(psutil.Error):
                process.kill()
        return [process.pid for process in found]

    def _has(self, process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            return os.getpgid(process.pid) in self._groups or process.environ().get(JOB_ID) in self._ids
        except (psutil.Error, OSError):
            return False


def _is_same(pid: int, created_at: float | None) -> bool:
    try:
        return created_at is not None and abs(psutil.Process(pid).create_time() - created_at) < _DRIFT
    except psutil.Error:
        return False
