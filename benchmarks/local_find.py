"""Asking for 100,000 outputs in one folder, against the least that it could cost.

    python -m benchmarks.local_find

Both sides build the 100,000 Job objects. One then finds their outputs; the other only reads the folder, with a bare
os.scandir. The bar: within 2x.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable

from tabulate import tabulate

from batch_helpers.job import Job
from batch_helpers.stores import StoreRouter

COUNT, ROUNDS = 100_000, 3
BAR = 2.0


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(COUNT):
            os.mknod(f"{folder}/sample-{number:06}.txt")
        floor = min(_seconds(lambda: _scan(folder)) for _ in range(ROUNDS))
        ours = min(_seconds(lambda: _find(folder)) for _ in range(ROUNDS))
    rows = [("os.scandir + Jobs", floor), ("StoreRouter.find + Jobs", ours)]
    print(f"{COUNT:,} outputs in one folder (best of {ROUNDS})")
    print(tabulate([(name, f"{seconds:.2f}", f"{seconds / floor:.2f}") for name, seconds in rows], ["", "s", "ratio"]))
    print(f"ratio {ours / floor:.2f}, bar {BAR}: {'met' if ours / floor <= BAR else 'NOT MET'}")


def _jobs(folder: str) -> list[Job]:
    return [
        Job(f"sample-{number}", image="tool", command=("run",), outputs=[f"{folder}/sample-{number:06}.txt"])
        for number in range(COUNT)
    ]


def _scan(folder: str) -> None:
    jobs = _jobs(folder)
    with os.scandir(folder) as entries:
        names = {entry.name for entry in entries}
    _check(len(jobs), len(names))


def _find(folder: str) -> None:
    jobs = _jobs(folder)
    found = StoreRouter().find([uri for job in jobs for uri in job.outputs])
    _check(len(jobs), len(found))


def _check(*counts: int) -> None:
    if set(counts) != {COUNT}:
        raise RuntimeError(f"{counts} instead of {COUNT}")


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
