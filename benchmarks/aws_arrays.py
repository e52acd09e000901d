"""A cohort of 100,000 jobs on AWS Batch as array jobs: a first run to its end, a poll on the way, and a rerun.

    python -m benchmarks.aws_arrays [jobs]

The endpoint is `batch-helpers serve --instant` in a process of its own; calls are counted there. Outputs and tables are
in memory; they are no calls of AWS Batch.
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from io import StringIO

import boto3
import psutil

from batch_helpers import Job
from batch_helpers.aws_client import AWSAccess
from batch_helpers.engines.aws import AWSEngine, Spill
from batch_helpers.helper import BatchHelper
from batch_helpers.job import Status
from batch_helpers.plan import Action
from batch_helpers.serve import serve
from batch_helpers.serve.endpoint import Endpoint
from batch_helpers.stores.base import Found
from batch_helpers.testing import MemoryStore

JOBS, SIZE = 100_000, 10_000
OTHER_CALLS, POLL_CALLS, RERUN_CALLS = 130, 3, 110


def main() -> None:
    """Print what the run, a poll and a rerun ask."""
    given = sys.argv[1:] if sys.argv[0].endswith("aws_arrays.py") else []
    number = int(given[0]) if given else JOBS
    jobs = [
        Job(f"align-{n}", image="busybox", command=["align", f"s3://b/{n}.fq"], outputs=[f"s3://b/{n}.bam"])
        for n in range(number)
    ]
    with (
        tempfile.TemporaryDirectory() as place,
        serve(place, process=True, instant=True, hold="RUNNABLE") as endpoint,
    ):
        _Run(endpoint, jobs).measure()


class _Outputs(MemoryStore):
    """Where every output is there as soon as the jobs have run."""

    ran = False

    def find(self, uris: Collection[str]) -> dict[str, Found]:
        return dict.fromkeys(uris, Found(1)) if self.ran else {}


class _Run:
    def __init__(self, endpoint: Endpoint, jobs: list[Job]) -> None:
        self.endpoint, self.jobs, self.store = endpoint, jobs, _Outputs()
        self.helper = self._helper()

    def measure(self) -> None:
        number = len(self.jobs)
        arrays = math.ceil(number / SIZE)
        start = self._calls()
        with self._timed(f"first run of {number:,} jobs, until they are submitted"):
            self.helper.add_jobs(self.jobs)
        submits = (self._calls() - start)["SubmitJob"]
        self._until_they_are_there(arrays)
        watch = self.helper._watch
        with self._timed("the first poll", POLL_CALLS):
            watch.poll()
        with self._timed(f"a poll of {arrays} arrays", POLL_CALLS):
            snapshot = watch.poll()
        _bar(f"active jobs in its picture {snapshot.active:,}", f"{number:,}", snapshot.active == number)
        polls = self._calls() - start - self._extra
        with self._timed("a rerun by somebody else", RERUN_CALLS):
            plan = self._helper().plan(self.jobs)
        _bar(f"jobs that it reuses {plan.counts[Action.REUSE]:,}", f"{number:,}", plan.counts[Action.REUSE] == number)
        self.store.ran = True
        start = self._calls()
        self.endpoint.script([])
        with self._timed("watching it to its end"):
            self.endpoint.release()
            last = self.helper.monitor(interval=60)
        ended = last.counts[Status.SUCCEEDED]
        _bar(f"jobs that succeeded {ended:,}", f"{number:,}", ended == number)
        others = (polls + self._calls() - start).total() - submits
        _bar(f"SubmitJob {submits}", str(arrays), submits <= arrays)
        _bar(f"other calls of the whole run {others}", str(OTHER_CALLS), others <= OTHER_CALLS)
        print(f"client memory at the most: {psutil.Process().memory_info().rss / 2**20:,.0f} MiB")

    def _helper(self) -> BatchHelper:
        session = boto3.Session("testing", "testing", region_name="us-east-1")
        access = AWSAccess(session=session, endpoint_url=self.endpoint.url)
        engine = AWSEngine(access, array=True, spill=Spill("s3://b/tables", self.store))
        return BatchHelper(engine, self.store, job_queue="local", stdout=StringIO())

    def _calls(self) -> Counter[str]:
        return Counter(self.endpoint.counters.requests)

    def _until_they_are_there(self, arrays: int) -> None:
        """The endpoint makes the children in its own time."""
        batch = boto3.client(
            "batch", "us-east-1", endpoint_url=self.endpoint.url, aws_access_key_id="x", aws_secret_access_key="x"
        )
        before = self._calls()
        while len(batch.list_jobs(jobQueue="local", jobStatus="PENDING")["jobSummaryList"]) < arrays:
            time.sleep(1)
        self._extra = self._calls() - before

    @contextmanager
    def _timed(self, what: str, most: int | None = None) -> Iterator[None]:
        before, began, cpu = self._calls(), time.perf_counter(), time.process_time()
        yield
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        calls = self._calls() - before
        told = ", ".join(f"{name} {count}" for name, count in sorted(calls.items()))
        print(f"{what}: {told}; {seconds:.1f} s, client CPU {cpu:.1f} s")
        if most is not None:
            _bar(f"  calls {calls.total()}", str(most), calls.total() <= most)


def _bar(what: str, bar: str, met: bool) -> None:
    print(f"{what} (bar {bar}): {'met' if met else 'NOT MET'}")


if __name__ == "__main__":
    main()
