"""Runs on the engine in memory, written down as events."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from batch_helpers.events import EventLog, History, RunRecord
from batch_helpers.job import Job, Status
from batch_helpers.monitor import Snapshot, Watch
from batch_helpers.testing import MemoryEngine

START = 1_700_000_000.0


class Script:
    """What the conductor does with a log of events: it records every snapshot."""

    def __init__(self, path: Path, engine: MemoryEngine | None = None) -> None:
        self.engine = engine or MemoryEngine()
        if engine is None:
            self.engine.now = START
        self.watch = Watch(self.engine, self.engine.store, self.clock)
        self.log = EventLog(str(path), engine="memory", clock=self.clock)
        self.live = History(name=path.stem, engine="memory")
        self.work: dict[str, Job] = {}
        self.replaces: dict[str, str] = {}

    def clock(self) -> float:
        return self.engine.now

    def add(self, *jobs: Job, replaces: str | None = None) -> list[str]:
        bound = [job.bound(job.job_queue or "q", [str(item) for item in job.depends_on]) for job in jobs]
        ids = self.engine.submit(bound)
        for job, job_id in zip(bound, ids, strict=True):
            self.work[job_id] = job
            self.watch.add(job, self.engine.describe([job_id])[job_id])
            if replaces is not None:
                self.replaces[job_id] = replaces
        return ids

    def poll(self, seconds: float = 0, **picture: object) -> Snapshot:
        from dataclasses import replace

        self.engine.now += seconds
        snapshot = replace(self.watch.poll(), **picture)  # type: ignore[arg-type]
        self.log.record(snapshot, self.work, self.replaces)
        self.live.follow(snapshot, self.work, self.engine.now, self.replaces)
        return snapshot

    def end(self) -> None:
        self.log.end(self.watch.snapshot())
        self.log.close()

    def record(self) -> RunRecord:
        return self.live.record()


def cohort(size: int, stage: str = "align", **fields: object) -> list[Job]:
    given: dict[str, object] = {"vcpus": 2, "memory": 4096, **fields}
    return [
        Job(f"{stage}-s{n}", command=[stage, str(n)], outputs=[f"m://b/{stage}/{n}"], **given)  # type: ignore[arg-type]
        for n in range(size)
    ]


def mixed(path: Path, size: int = 40, reasons: Mapping[str, int] | None = None) -> Script:
    """A run in which some of its jobs fail, for each of these reasons with its exit code."""
    script = Script(path)
    ids = script.add(*cohort(size))
    script.poll()
    for job_id in ids:
        script.engine.advance(job_id, Status.STARTING)
    script.poll(30)
    for job_id in ids:
        script.engine.advance(job_id, Status.RUNNING)
    script.poll(30)
    failing = list((reasons or REASONS).items())
    for place, job_id in enumerate(ids):
        if place % 4 == 0:
            reason, code = failing[(place // 4) % len(failing)]
            script.engine.settle(job_id, Status.FAILED, reason=reason, exit_code=code)
        else:
            script.engine.settle(job_id)
    script.poll(60)
    return script


REASONS = {
    "OutOfMemoryError: Container killed due to memory usage": 137,
    "Host EC2 (instance i-0123456789abcdef0) terminated.": 1,
    "Essential container in task exited": 2,
    "CannotPullContainerError: i/o timeout": 1,
}
