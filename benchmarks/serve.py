"""`batch-helpers serve --instant` against moto's server, each in a process of its own, over one raw connection.

    python -m benchmarks.serve

Submitting must be at least as fast as moto's, ListJobs of 10,000 jobs and DescribeJobs of 100 of them 5 times as fast,
and 100,000 jobs must fit into 500 MB. The verdicts are on the server's own CPU time, which other work on the machine
does not change; what a client waits is printed beside it.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psutil

from batch_helpers.serve import serve

JOBS = 10_000
MANY = 100_000
LISTING_BAR = 5.0
MEMORY_BAR = 500
ROUNDS = 10

_HEADERS = {
    "Content-Type": "application/json",
    "Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/batch/aws4_request, Signature=x",
}
_DEFINITION = {
    "jobDefinitionName": "bench",
    "type": "container",
    "containerProperties": {
        "image": "busybox",
        "command": ["true"],
        "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}],
    },
}


class Cost(NamedTuple):
    """What one call costs, in milliseconds: the client's wait at best, and the server's CPU on average."""

    wait: float
    cpu: float


class Client:
    """Calls over one kept connection, without an SDK whose own cost would hide the server's."""

    def __init__(self, url: str, queue: str, server: psutil.Process) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc)
        self._queue, self.server = queue, server

    def cpu(self) -> float:
        """Seconds that the server has worked."""
        times = self.server.cpu_times()
        return float(times.user + times.system)

    def call(self, path: str, body: dict[str, Any]) -> bytes:
        self._connection.request("POST", f"/v1/{path}", json.dumps(body).encode(), _HEADERS)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {text.decode()}")
        return text

    def submit(self, number: int) -> list[str]:
        """Submit so many jobs; their ids."""
        body = {"jobQueue": self._queue, "jobDefinition": "bench"}
        return [
            json.loads(self.call("submitjob", {**body, "jobName": f"job-{place}"}))["jobId"] for place in range(number)
        ]

    def list_all(self, status: str = "SUCCEEDED") -> int:
        """List all jobs of a status, page by page; how many there are."""
        request, found = {"jobQueue": self._queue, "jobStatus": status}, 0
        while True:
            page = self.call("listjobs", request)
            found += page.count(b'"jobId"')
            token = page.rfind(b'"nextToken"')
            if token < 0:
                return found
            request["nextToken"] = json.loads(b"{" + page[token:])["nextToken"]


@contextmanager
def moto() -> Iterator[Client]:
    """moto's server with a queue, and with jobs that finish at once."""
    port = _free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield Client(_prepared(f"http://127.0.0.1:{port}"), "queue", psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait()


@contextmanager
def ours(hold: str | None = None) -> Iterator[Client]:
    """Our endpoint with its own queue."""
    with (
        tempfile.TemporaryDirectory() as place,
        serve(place, instant=True, process=True, hold=hold) as endpoint,
    ):
        server = next(item for item in psutil.Process().children() if "serve" in item.cmdline())
        client = Client(endpoint.url, "local", server)
        client.call("registerjobdefinition", _DEFINITION)
        yield client


def main() -> None:
    with moto() as client:
        theirs = measured(client)
    with ours() as client:
        mine = measured(client)
    for name, bar in (("SubmitJob", 1.0), ("ListJobs", LISTING_BAR), ("DescribeJobs", LISTING_BAR)):
        peer, own = theirs[name], mine[name]
        print(f"{name}: moto {peer.cpu:.2f} ms of CPU ({peer.wait:.2f} waited), ours {own.cpu:.2f} ({own.wait:.2f})")
        _verdict(peer.cpu / own.cpu, bar)
    with ours(hold="RUNNING") as client:
        megabytes = memory(client)
    print(f"{MANY} jobs that run, listed and described: {megabytes:.0f} MB (bar {MEMORY_BAR}): ", end="")
    print("met" if megabytes <= MEMORY_BAR else "NOT MET")


def measured(client: Client) -> dict[str, Cost]:
    """The cost of one SubmitJob, of listing all jobs, and of describing 100 of them."""
    started, worked = time.perf_counter(), client.cpu()
    ids = client.submit(JOBS)
    submit = Cost((time.perf_counter() - started) / JOBS * 1000, (client.cpu() - worked) / JOBS * 1000)
    while client.list_all() < JOBS:
        time.sleep(0.1)
    some = {"jobs": ids[JOBS // 2 : JOBS // 2 + 100]}
    return {
        "SubmitJob": submit,
        "ListJobs": _cost(client, client.list_all),
        "DescribeJobs": _cost(client, lambda: client.call("describejobs", some)),
    }


def memory(client: Client) -> float:
    """The most MB that the endpoint has had resident when it has got MANY jobs and was asked about all of them."""
    started = time.perf_counter()
    ids = client.submit(MANY)
    print(f"{MANY} jobs submitted: {MANY / (time.perf_counter() - started):.0f} per second")
    while client.list_all("RUNNING") < MANY:
        time.sleep(0.1)
    for place in range(0, MANY, 100):
        client.call("describejobs", {"jobs": ids[place : place + 100]})
    status = Path(f"/proc/{client.server.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1000  # type: ignore[index]


def _cost(client: Client, work: Callable[[], object]) -> Cost:
    """Repeated until the server has worked for a while: its CPU time is counted in hundredths of a second."""
    waits, worked = [], client.cpu()
    while len(waits) < ROUNDS or client.cpu() - worked < 1:
        started = time.perf_counter()
        work()
        waits.append(time.perf_counter() - started)
    return Cost(min(waits) * 1000, (client.cpu() - worked) / len(waits) * 1000)


def _verdict(ratio: float, bar: float) -> None:
    print(f"ratio {ratio:.2f} (bar {bar}): {'met' if ratio >= bar else 'NOT MET'}")


def _free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def _prepared(url: str) -> str:
    """Make moto do without docker, and give it what a job needs; `url` again."""
    import boto3

    os.environ |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
    _config(url, {"batch": {"use_docker": False}})
    ec2, iam, batch = (boto3.client(name, endpoint_url=url) for name in ("ec2", "iam", "batch"))
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    profile = iam.create_instance_profile(InstanceProfileName="p")["InstanceProfile"]["Arn"]
    resources = {
        "type": "EC2",
        "minvCpus": 0,
        "maxvCpus": 4,
        "instanceTypes": ["t2.micro"],
        "subnets": [ec2.describe_subnets()["Subnets"][0]["SubnetId"]],
        "securityGroupIds": [ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]],
        "instanceRole": profile,
    }
    environment = batch.create_compute_environment(
        computeEnvironmentName="environment", type="MANAGED", serviceRole=role, computeResources=resources
    )["computeEnvironmentArn"]
    order = [{"order": 1, "computeEnvironment": environment}]
    batch.create_job_queue(jobQueueName="queue", state="ENABLED", priority=1, computeEnvironmentOrder=order)
    batch.register_job_definition(**_DEFINITION)
    return url


def _config(url: str, value: dict[str, Any]) -> None:
    """Set moto's options, as soon as it answers."""
    for _ in range(200):
        connection = http.client.HTTPConnection(urlsplit(url).netloc)
        try:
            connection.request("POST", "/moto-api/config", json.dumps(value).encode())
            connection.getresponse().read()
            return
        except ConnectionError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise RuntimeError("moto's server did not start")


if __name__ == "__main__":
    main()
