"""What the tests of the local engine share: engines that leave nothing running, and waiting for conditions."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import psutil

from batch_helpers.engines.local import LocalEngine
from batch_helpers.engines.local.lock import SupervisorLock
from batch_helpers.job import Job, JobDetail, Status

PATIENCE = 30.0


def until(reached: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """The first true answer of `reached`; an AssertionError when there is none in time."""
    deadline = time.monotonic() + patience
    while not (answer := reached()):
        assert time.monotonic() < deadline, f"still waiting for {reached}"
        time.sleep(0.005)
    return answer


class Workshop:
    """Engines over directories of one test, and a look behind them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.jobs: set[str] = set()

    def engine(self, **options: Any) -> LocalEngine:
        return LocalEngine(self.directory, **options)

    def submit(self, *jobs: Job, needs: Collection[str] = (), **options: Any) -> list[str]:
        ids = self.engine(**options).submit([job.bound(job.job_queue, needs) for job in jobs])
        self.jobs |= set(ids)
        return ids

    def run(self, *jobs: Job, needs: Collection[str] = (), **options: Any) -> list[JobDetail]:
        """Submit jobs and wait for their ends."""
        return self.ended(self.submit(*jobs, needs=needs, **options))

    def detail(self, job_id: str) -> JobDetail:
        return self.engine().describe([job_id])[job_id]

    def status(self, job_id: str) -> Status:
        return self.detail(job_id).status

    def ended(self, ids: Collection[str]) -> list[JobDetail]:
        engine = self.engine()

        def all_ended() -> list[JobDetail] | None:
            found = engine.describe(list(ids))
            details = [found[job_id] for job_id in ids]
            return None if any(detail.status.active for detail in details) else details

        details: list[JobDetail] = until(all_ended)
        return details

    def log(self, job_id: str, attempt: int | None = None) -> list[str]:
        return list(self.engine().logs(job_id, attempt))

    def supervisor(self) -> int | None:
        """The pid of the supervisor, if one is at work."""
        lock = SupervisorLock(str(self.directory))
        if not self.directory.exists():
            return None
        if lock.acquire():
            lock.release()
            return None
        return lock.holder()

    def kill_supervisor(self) -> None:
        """End the supervisor as a crash does; its jobs run on."""
        pid = until(self.supervisor)
        os.kill(pid, signal.SIGKILL)
        until(lambda: self.supervisor() is None)

    def processes(self) -> list[psutil.Process]:
        """Every process that belongs to a job of this workshop."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def close(self) -> None:
        engine = self.engine()
        engine.terminate([*self.jobs], "the test is over")
        while (pid := self.supervisor()) is not None:
            os.kill(pid, signal.SIGKILL)
            until(lambda: self.supervisor() is None)
            engine.terminate([*self.jobs], "the test is over")
        for process in self.processes():
            process.kill()

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            return process.environ().get("AWS_BATCH_JOB_ID") in self.jobs
        except psutil.Error:
            return False
