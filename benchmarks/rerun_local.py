"""A rerun of a finished cohort of 100,000 local outputs in one folder, against a bare scandir and building the jobs.

python -m benchmarks.rerun_local
"""

from __future__ import annotations

import gc
import io
import os
import tempfile
import time
from pathlib import Path

from batch_helpers import Job, LocalBatchHelper

JOBS = 100_000
BAR = 2.0
ROUNDS = 3


def build(folder: str) -> list[Job]:
    return [Job(f"s-{n}", command=["make", f"{n}"], outputs=[f"{folder}/{n}.txt"]) for n in range(JOBS)]


def bare(folder: str) -> float:
    started = time.perf_counter()
    with os.scandir(folder) as entries:
        names = {entry.path for entry in entries}
    jobs = build(folder)
    spent = time.perf_counter() - started
    assert len(names) == len(jobs)
    return spent


def rerun(folder: str, state: str) -> float:
    started = time.perf_counter()
    helper = LocalBatchHelper(state, stdout=io.StringIO())
    ids = helper.add_jobs(build(folder))
    helper.monitor()
    spent = time.perf_counter() - started
    assert ids == [None] * JOBS
    return spent


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = f"{place}/out"
        Path(folder).mkdir()
        for number in range(JOBS):
            Path(f"{folder}/{number}.txt").touch()
        times = []
        for _ in range(ROUNDS):
            gc.collect()
            times.append((bare(folder), rerun(folder, f"{place}/.batch")))
    floor, ours = min(a for a, _ in times), min(b for _, b in times)
    print(f"{JOBS:,} outputs in one folder: scandir and jobs {floor:.2f} s, rerun {ours:.2f} s")
    print(f"ratio {ours / floor:.2f} (bar {BAR}): {'met' if ours / floor <= BAR else 'NOT MET'}")


if __name__ == "__main__":
    main()
