"""The local engine beside `xargs`: 1,000 short jobs, from submit to the last one seen finished.

    python -m benchmarks.local_engine

Each round runs both, one after the other; the engine's time has the start of its supervisor in it. The bar: 1.5x of
xargs in the median round. Below it, how long the engine takes to submit, and to list, a large cohort.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable

from tabulate import tabulate

from batch_helpers.engines.local import LocalEngine
from batch_helpers.engines.local.lock import SupervisorLock
from batch_helpers.job import Job

JOBS, ROUNDS, COHORT, ACTIVE = 1000, 5, 10_000, 100_000
BAR = 1.5


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as folder:
        rounds = [(_xargs(), _engine(os.path.join(folder, str(number)))) for number in range(ROUNDS)]
        rows = [(mine, theirs, mine / theirs) for theirs, mine in rounds]
        print(f"{JOBS:,} jobs of `true` on {os.cpu_count()} CPUs, seconds")
        print(tabulate(rows, ["local engine", "xargs", "ratio"], floatfmt=".2f"))
        ratio = statistics.median(row[2] for row in rows)
        print(f"median ratio {ratio:.2f}, bar {BAR}: {'met' if ratio <= BAR else 'NOT MET'}\n")
        print(tabulate(_large(os.path.join(folder, "large")), ["a large cohort", "seconds"], floatfmt=".2f"))
        for name in os.listdir(folder):
            _wait_until_left(os.path.join(folder, name))


def _xargs() -> float:
    words = "\n".join(map(str, range(JOBS)))
    began = time.perf_counter()
    subprocess.run(["xargs", "-n1", f"-P{os.cpu_count()}", "true"], input=words, text=True, check=True)
    return time.perf_counter() - began


def _engine(directory: str) -> float:
    engine = LocalEngine(directory)
    jobs = _jobs(JOBS)
    began = time.perf_counter()
    ids = engine.submit(jobs)
    while list(engine.active(["local"])):
        engine.wait(60)
    took = time.perf_counter() - began
    assert all(detail.status == "SUCCEEDED" for detail in engine.describe(ids).values())
    return took


def _large(directory: str) -> list[tuple[str, float]]:
    """A job that sleeps, and 100,000 that wait for it."""
    engine = LocalEngine(directory)
    [first] = engine.submit([Job("first", command=["sleep", "600"])])
    jobs = [job.bound(None, [first]) for job in _jobs(ACTIVE)]
    return [
        (f"submit {COHORT:,} jobs", _seconds(lambda: engine.submit(jobs[:COHORT]))),
        (f"submit {ACTIVE - COHORT:,} more", _seconds(lambda: engine.submit(jobs[COHORT:]))),
        (f"list {ACTIVE:,} active jobs", _seconds(lambda: list(engine.active(["local"])))),
        (f"end a job on which {ACTIVE:,} hang", _seconds(lambda: _end(engine, first))),
    ]


def _jobs(count: int) -> list[Job]:
    jobs = [Job("t", command=["true"], environment={"I": str(number)}) for number in range(count)]
    assert len({job.fingerprint for job in jobs}) == count
    return jobs


def _end(engine: LocalEngine, job_id: str) -> None:
    engine.terminate([job_id], "done")
    while list(engine.active(["local"])):
        engine.wait(60)


def _seconds(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def _wait_until_left(directory: str) -> None:
    """The supervisor leaves when it has been idle for a while; its directory must not go before it."""
    lock = SupervisorLock(directory)
    while not lock.acquire():
        time.sleep(0.05)
    lock.release()


if __name__ == "__main__":
    main()
