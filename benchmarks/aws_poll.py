"""100,000 active single jobs on AWS Batch: what a rerun asks before it submits nothing, and what one poll of them asks.

    python -m benchmarks.aws_poll [jobs]

The service is a fast stand-in in a process of its own that knows ListJobs (1,000 a page) and DescribeJobs, 50 ms away;
calls are counted there.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any

import boto3

from batch_helpers import Job
from batch_helpers.aws_client import AWSAccess
from batch_helpers.engines.aws import AWSEngine
from batch_helpers.helper import BatchHelper
from batch_helpers.testing import MemoryStore
from benchmarks._process import Asked, served

JOBS, BAR, PAGE, LATENCY = 100_000, 110, 1000, 0.05
SHARES = {"PENDING": 0.1, "RUNNABLE": 0.8, "STARTING": 0.02, "RUNNING": 0.08}


def main() -> None:
    """Print what is asked, and how long it takes."""
    given = sys.argv[1:] if sys.argv[0].endswith("aws_poll.py") else []
    jobs = [
        Job(f"s{n}", image="busybox", command=["work", str(n)], outputs=[f"s3://bucket/{n}"])
        for n in range(int(given[0]) if given else JOBS)
    ]
    with service([job.full_name for job in jobs]) as (url, asked):
        session = boto3.Session("testing", "testing", region_name="us-east-1")
        engine = AWSEngine(AWSAccess(session=session, endpoint_url=url), rate=50)
        helper = BatchHelper(engine, MemoryStore(), job_queue="q")
        ids = _measured("rerun", asked, lambda: helper.add_jobs(jobs))
        _measured("poll", asked, lambda: list(engine.active(["q"])))
    if len(set(ids)) != len(jobs) or None in ids:
        raise RuntimeError("not every active job was found")


def _measured(what: str, asked: Asked, work: Callable[[], list[Any]]) -> list[Any]:
    asked()
    began, cpu = time.perf_counter(), time.process_time()
    found = work()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    calls = asked()
    told = ", ".join(f"{name} {count}" for name, count in calls.items())
    met = "met" if calls.total() <= BAR and set(calls) == {"listjobs"} else "NOT MET"
    print(f"{what} of {len(found):,} active jobs: {told} (bar {BAR}, ListJobs only): {met}")
    print(f"  {seconds:.1f} s at 50 requests/s and {1000 * LATENCY:g} ms, client CPU {cpu:.1f} s")
    return found


@contextmanager
def service(names: list[str]) -> Iterator[tuple[str, Asked]]:
    """Active jobs of these names; yields the URL, and what tells the calls since it was last asked."""
    with served(_serve, names) as found:
        yield found


def _serve(control: Connection, names: list[str]) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        _Handler.pages, _Handler.calls = _pages(names), Counter()
        control.send(server.server_port)
        Thread(target=server.serve_forever, daemon=True).start()
        while True:
            control.recv()
            control.send(Counter(_Handler.calls))
            _Handler.calls.clear()


def _pages(names: list[str]) -> dict[str, list[bytes]]:
    """The answers to ListJobs, by status; each names its page in its token."""
    pages: dict[str, list[bytes]] = {}
    start = 0
    for status, share in SHARES.items():
        mine = names[start : start + round(len(names) * share)]
        chunks = [mine[first : first + PAGE] for first in range(0, len(mine), PAGE)]
        pages[status] = [
            _page(status, chunk, start + PAGE * place, place + 1 if place + 1 < len(chunks) else None)
            for place, chunk in enumerate(chunks)
        ]
        start += len(mine)
    return pages


def _page(status: str, names: list[str], first: int, following: int | None) -> bytes:
    jobs = [
        {
            "jobArn": f"arn:aws:batch:us-east-1:123456789012:job/{_job_id(first + place)}",
            "jobId": _job_id(first + place),
            "jobName": name,
            "createdAt": 1_700_000_000_000 + place,
            "status": status,
            "statusReason": "",
            "container": {},
            "jobDefinition": "arn:aws:batch:us-east-1:123456789012:job-definition/bh-busybox-0123456789abcdef:1",
        }
        for place, name in enumerate(names)
    ]
    more = {"nextToken": str(following)} if following is not None else {}
    return json.dumps({"jobSummaryList": jobs, **more}).encode()


def _job_id(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    pages: dict[str, list[bytes]]
    calls: Counter[str]

    def do_POST(self) -> None:
        operation = self.path.rpartition("/")[2]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        self.calls[operation] += 1
        time.sleep(LATENCY)
        content = b'{"jobSummaryList": []}'
        if operation == "describejobs":
            content = b'{"jobs": []}'
        elif pages := self.pages.get(body.get("jobStatus", "RUNNING")):
            content = pages[int(re.sub(r"\D", "", body.get("nextToken", "0")))]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


if __name__ == "__main__":
    main()
