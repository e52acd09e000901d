"""A rerun of a finished cohort on AWS Batch, one output each in one S3 folder: requests, CPU, time and memory.

    python -m benchmarks.aws_rerun [jobs]

S3 and Batch are a stand-in in a process of its own that counts what it is asked. The client's CPU is held against
obstore (Rust) listing the same keys plus making the Jobs. A million jobs are rerun at 100 ms latency, by a process of
their own, so that the memory is theirs alone; the time is that of the rerun, from Jobs that are made.
"""

from __future__ import annotations

import io
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from benchmarks._process import Asked
from benchmarks._s3_pages import BUCKET, PAGE, key, page_server

if TYPE_CHECKING:
    from batch_helpers import AWSBatchHelper, Job

JOBS, MANY = 100_000, 1_000_000
REQUESTS, CPU, GIB, SECONDS, LATENCY = 110, 2.0, 2.5, 20.0, 0.1
ROUNDS = 3


def main() -> None:
    """Print both runs."""
    given = sys.argv[1:] if sys.argv[0].endswith("aws_rerun.py") else []
    number = int(given[0]) if given else JOBS
    with page_server(number) as (url, asked):
        _cohort(url, asked, number)
    with page_server(MANY, LATENCY) as (url, _):
        _many(url)


def _cohort(url: str, asked: Asked, number: int) -> None:
    build = lambda: _jobs(number)  # noqa: E731
    ours, floor = [], []
    for _ in range(ROUNDS):
        asked()
        ours.append(_cpu(lambda: _rerun(url, build())))
        calls = asked()
        floor.append(_cpu(lambda: (build(), _obstore(url, number))))
    ratio = min(ours) / min(floor)
    print(f"rerun of {number:,} jobs, all outputs there: {_told(calls)}")
    met = calls["S3"] <= REQUESTS and not calls["submitjob"]
    print(f"  S3 requests {calls['S3']} (bar {REQUESTS}), SubmitJob {calls['submitjob']} (bar 0): {_verdict(met)}")
    print(f"  client CPU {min(ours):.2f} s; obstore's listing and making the Jobs {min(floor):.2f} s")
    print(f"  ratio {ratio:.2f} (bar {CPU:g}): {_verdict(ratio <= CPU)}")


def _many(url: str) -> None:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_rerun_alone, args=(theirs, url, MANY), daemon=True)
    process.start()
    making, seconds, cpu, memory, finding = ours.recv()
    process.join()
    print(f"rerun of {MANY:,} jobs at {1000 * LATENCY:g} ms, from Jobs that took {making:.1f} s to make")
    print(f"  {seconds:.1f} s, of it client CPU {cpu:.1f} s (bar {SECONDS:g} s): {_verdict(seconds < SECONDS)}")
    print(f"  finding their outputs alone: {finding:.1f} s, where 32 of {MANY // PAGE:,} pages are under way at once")
    print(f"  {memory:.2f} GiB, the Jobs among it (bar {GIB:g} GB): {_verdict(memory * 1.073741824 < GIB)}")


def _rerun_alone(answer: Connection, url: str, number: int) -> None:
    began = time.perf_counter()
    jobs = _jobs(number)
    made, cpu = time.perf_counter(), time.process_time()
    making = made - began
    _rerun(url, jobs)
    seconds, cpu = time.perf_counter() - made, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    began = time.perf_counter()
    _found(url, jobs)
    answer.send((making, seconds, cpu, peak, time.perf_counter() - began))


def _jobs(number: int) -> list[Job]:
    from batch_helpers import Job

    return [
        Job(f"align-{n}", image="busybox", command=["align", str(n)], outputs=[f"s3://{BUCKET}/{key(n)}"])
        for n in range(number)
    ]


def _helper(url: str) -> AWSBatchHelper:
    import boto3

    from batch_helpers import AWSBatchHelper

    session = boto3.Session("testing", "testing", region_name="us-east-1")
    return AWSBatchHelper("queue", session=session, endpoint_url=url, stdout=io.StringIO())


def _rerun(url: str, jobs: list[Job]) -> None:
    helper = _helper(url)
    ids = helper.add_jobs(jobs)
    code = helper.monitor().exit_code
    if code or any(ids):
        raise RuntimeError("not every job was skipped")


def _found(url: str, jobs: list[Job]) -> None:
    if len(_helper(url).store.find([job.outputs[0] for job in jobs])) != len(jobs):
        raise RuntimeError("not every output was found")


def _obstore(url: str, number: int) -> None:
    import obstore
    from obstore.store import S3Store as Obstore

    options = {"endpoint": url, "region": "us-east-1", "access_key_id": "testing", "secret_access_key": "testing"}
    store = Obstore(BUCKET, client_options={"allow_http": True}, **options)
    if sum(len(chunk) for chunk in obstore.list(store, chunk_size=PAGE)) != number:
        raise RuntimeError("obstore did not list every key")


def _cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _told(calls: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(calls.items()))


def _verdict(met: bool) -> str:
    return "met" if met else "NOT MET"


if __name__ == "__main__":
    main()
