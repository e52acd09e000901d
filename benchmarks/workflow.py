"""Workflows: ordering and planning 10,000 jobs, calls for 1,000 jobs of one image, and the command line's help.

python -m benchmarks.workflow
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise

import boto3

from batch_helpers.aws_client import AWSAccess
from batch_helpers.engines.aws import AWSEngine
from batch_helpers.helper import BatchHelper
from batch_helpers.serve import serve
from batch_helpers.testing import MemoryEngine, MemoryStore
from batch_helpers.workflow import EZBatchJob, EZBatchWorkflow

SIZE, SECONDS, MEBIBYTES = 10_000, 1.0, 200
JOBS, MORE_CALLS = 1_000, 30
TIMES_PYTHON, MILLISECONDS = 6.0, 150
SHAPES = ("chain", "star")
_RUNS, _ROUNDS = 7, 3


def main() -> None:
    """Print each figure with its bar."""
    if sys.argv[-1] in SHAPES and os.environ.get("BENCHMARK_CHILD"):
        planned(sys.argv[-1])
        return
    for shape in SHAPES:
        child = [sys.executable, "-m", "benchmarks.workflow", shape]
        subprocess.run(child, env={**os.environ, "BENCHMARK_CHILD": "1"}, check=True)
    called()
    helped()


def planned(shape: str) -> None:
    """Order and plan one workflow, in a process of its own because its memory is measured."""
    names = [f"job-{number}" for number in range(SIZE)]
    jobs = {name: EZBatchJob("ubuntu", f"work {name}") for name in names}
    needs = {after: [before] for before, after in pairwise(names)} if shape == "chain" else {names[0]: names[1:]}
    workflow = EZBatchWorkflow(shape, jobs, needs)
    times = []
    for _ in range(_ROUNDS):
        helper = BatchHelper(MemoryEngine(), MemoryStore(), job_queue="q")
        began = time.process_time()
        workflow.job_submission_queue(names, needs)
        plan = workflow.plan(engine=helper)
        times.append(time.process_time() - began)
    seconds, peak = min(times), _peak_memory()
    shown = _bar(f"{seconds:.2f} s of CPU", seconds, SECONDS, "s")
    print(f"a {shape} of {len(plan):,} jobs, ordered and planned: {shown}")
    print(f"  peak memory of the process: {_bar(f'{peak:.0f} MiB', peak, MEBIBYTES, 'MiB')}")


def called() -> None:
    """Submit a workflow of one image to an endpoint that counts."""
    jobs = {f"job-{n}": EZBatchJob("ubuntu:22.04", f"echo {n}", platform="EC2", preloader=True) for n in range(JOBS)}
    with tempfile.TemporaryDirectory() as place, serve(place, instant=True, process=True) as endpoint:
        access = AWSAccess(
            session=boto3.Session("testing", "testing", region_name="us-east-1"), endpoint_url=endpoint.url
        )
        helper = BatchHelper(AWSEngine(access, rate=10_000), MemoryStore())
        EZBatchWorkflow("one-image", jobs).submit(queue="local", engine=helper)
        calls = dict(endpoint.counters.requests)
    total, definitions = sum(calls.values()), calls["RegisterJobDefinition"]
    print(f"{JOBS:,} jobs of one image: {_bar(f'{definitions} definition registered', definitions, 1, '')}")
    print(f"  calls: {', '.join(f'{name} {count:,}' for name, count in sorted(calls.items()))}")
    print(f"  in all {_bar(f'{total:,}', total, JOBS + MORE_CALLS, 'calls')}; the original makes 5 for each job")


def helped() -> None:
    """`batch-helpers --help` against an interpreter that does nothing; the fastest of several runs each."""
    nothing = _fastest([sys.executable, "-c", "pass"])
    face = _fastest([sys.executable, "-m", "batch_helpers", "--help"])
    run = _fastest([sys.executable, "-m", "batch_helpers", "run", "--help"])
    ratio = face / nothing
    print(f"batch-helpers --help: {_bar(f'{ratio:.1f}x python -c pass', ratio, TIMES_PYTHON, 'x')}")
    for name, seconds in (("--help", face), ("run --help", run)):
        spent = 1000 * seconds
        print(f"  {name}: {_bar(f'{spent:.0f} ms', spent, MILLISECONDS, 'ms')}")


def _fastest(command: Sequence[str]) -> float:
    times = []
    for _ in range(_RUNS):
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - began)
    return min(times)


def _peak_memory() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _bar(shown: str, value: float, most: float, unit: str) -> str:
    return f"{shown} (bar {most:,g} {unit}): {'met' if value <= most else 'NOT MET'}".replace(" )", ")")


if __name__ == "__main__":
    main()
