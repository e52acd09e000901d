"""1,000 jobs of `true` on the local engine, from add_jobs to the end of monitor, against xargs running the same.

python -m benchmarks.cohort
"""

from __future__ import annotations

import io
import os
import subprocess
import tempfile
import time

from batch_helpers import Job, LocalBatchHelper

JOBS = 1000
BAR = 1.5
ROUNDS = 5


def xargs() -> float:
    width = len(os.sched_getaffinity(0))
    started = time.perf_counter()
    subprocess.run(
        ["xargs", "-n1", f"-P{width}", "true"], input="\n".join(map(str, range(JOBS))), text=True, check=True
    )
    return time.perf_counter() - started


def cohort() -> float:
    with tempfile.TemporaryDirectory() as place:
        started = time.perf_counter()
        helper = LocalBatchHelper(place, stdout=io.StringIO())
        helper.add_jobs(Job(f"t-{n}", command=["true"], environment={"N": str(n)}) for n in range(JOBS))
        summary = helper.monitor()
        spent = time.perf_counter() - started
        assert summary.counts["SUCCEEDED"] == JOBS
        time.sleep(3)  # the supervisor leaves when it is idle, and its directory goes with it
    return spent


def main() -> None:
    cohort()
    times = [(xargs(), cohort()) for _ in range(ROUNDS)]
    floor, ours = min(a for a, _ in times), min(b for _, b in times)
    print(f"{JOBS} jobs of `true`: xargs {floor:.2f} s, add_jobs to the end of monitor {ours:.2f} s")
    print(f"ratio {ours / floor:.2f} (bar {BAR}): {'met' if ours / floor <= BAR else 'NOT MET'}")


if __name__ == "__main__":
    main()
