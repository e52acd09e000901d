"""A first run of 10,000 single jobs on AWS Batch, 50 ms away, which admits 50 requests per second.

    python -m benchmarks.aws_submit [jobs] [rate]

The endpoint is `batch-helpers serve --instant` in a process of its own; calls and jobs are counted there. The rate is
what the helper is allowed: 50, all that the service admits, or 40, its default.
"""

from __future__ import annotations

import sys
import tempfile
import time

import boto3

from batch_helpers import Job
from batch_helpers.aws_client import AWSAccess
from batch_helpers.engines.aws import AWSEngine
from batch_helpers.helper import BatchHelper
from batch_helpers.serve import serve
from batch_helpers.serve.endpoint import Endpoint
from batch_helpers.testing import MemoryStore

JOBS, LIMIT, LATENCY = 10_000, 50.0, 0.05
MORE_CALLS, SHARE = 30, 0.9


def main() -> None:
    """Print what one run costs."""
    given = sys.argv[1:] if sys.argv[0].endswith("aws_submit.py") else []
    number, rate = int(given[0]) if given else JOBS, float(given[1]) if given[1:] else LIMIT
    with (
        tempfile.TemporaryDirectory() as place,
        serve(place, process=True, instant=True, rate=LIMIT, latency=LATENCY) as endpoint,
    ):
        seconds, cpu = _submitted(endpoint, number, rate)
        _report(endpoint, number, rate, seconds, cpu)


def _submitted(endpoint: Endpoint, number: int, rate: float) -> tuple[float, float]:
    session = boto3.Session("testing", "testing", region_name="us-east-1")
    engine = AWSEngine(AWSAccess(session=session, endpoint_url=endpoint.url), rate=rate)
    helper = BatchHelper(engine, MemoryStore(), job_queue="local")
    jobs = [Job(f"s{n}", image="busybox", command=["work", str(n)], outputs=[f"s3://b/{n}"]) for n in range(number)]
    began, cpu = time.perf_counter(), time.process_time()
    ids = helper.add_jobs(jobs)
    spent = time.perf_counter() - began, time.process_time() - cpu
    if len(set(ids)) != number:
        raise RuntimeError(f"{len(set(ids))} jobIds for {number} jobs")
    return spent


def _report(endpoint: Endpoint, number: int, rate: float, seconds: float, cpu: float) -> None:
    calls, submits = endpoint.counters.requests, endpoint.counters.submits
    total, twice = sum(calls.values()), sum(times - 1 for times in submits.values())
    reached, most = number / seconds, min(rate, LIMIT)
    print(f"{number:,} jobs at {rate:g} requests/s of {LIMIT:g}, {1000 * LATENCY:g} ms away: {seconds:.1f} s")
    print(f"calls: {', '.join(f'{name} {count:,}' for name, count in sorted(calls.items()))}")
    print(f"client CPU: {cpu:.1f} s, {1000 * cpu / number:.2f} ms a job")
    rows = [
        (f"calls {total:,}", f"{number + MORE_CALLS:,}", total <= number + MORE_CALLS),
        (f"jobs accepted twice {twice}", "0", twice == 0 and len(submits) == number),
        (f"rate {reached:.1f}/s, {100 * reached / most:.0f} % of {most:g}", f"{SHARE:.0%}", reached >= SHARE * most),
    ]
    for what, bar, met in rows:
        print(f"{what} (bar {bar}): {'met' if met else 'NOT MET'}")


if __name__ == "__main__":
    main()
