"""A small AWS Batch that answers botocore in process, or over a real socket that breaks where it is told to."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

import boto3
import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from batch_helpers.aws_client import AWSAccess

Answer = tuple[int, bytes]
Act = Callable[["Service", str, dict[str, Any]], Answer]


class Service:
    """Queues, definitions and jobs, as far as a test sets them up; `script` holds what happens to the next requests.

    posts: every request that arrived, as (operation, body). jobs: what was accepted, by jobId, as it is described.
    on_arrival: called with the body of each request of an operation, before its turn.
    """

    def __init__(self) -> None:
        self.posts: list[tuple[str, dict[str, Any]]] = []
        self.script: dict[str, deque[Act]] = defaultdict(deque)
        self.on_arrival: dict[str, Callable[[dict[str, Any]], object]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.definitions: list[dict[str, Any]] = []
        self.queues: list[dict[str, Any]] = [{"jobQueueName": "q", "state": "ENABLED", "status": "VALID"}]
        self.logs: dict[tuple[str, str], list[str]] = {}
        self.page = 1000
        self.new_status = "RUNNABLE"
        self._lock = threading.Lock()

    def count(self, operation: str) -> int:
        """How many requests of one kind arrived."""
        return sum(1 for name, _ in self.posts if name == operation)

    def bodies(self, operation: str) -> list[dict[str, Any]]:
        return [body for name, body in self.posts if name == operation]

    def add(self, job_id: str, name: str, status: str, **more: Any) -> None:
        known = {"jobId": job_id, "jobName": name, "jobQueue": "q", "status": status, "createdAt": 1}
        self.jobs[job_id] = {**known, **more}

    def handle(self, operation: str, body: dict[str, Any]) -> Answer:
        if operation in self.on_arrival:
            self.on_arrival[operation](body)
        with self._lock:
            self.posts.append((operation, body))
            act = self.script[operation].popleft() if self.script[operation] else Service.normal
            return act(self, operation, body)

    def normal(self, operation: str, body: dict[str, Any]) -> Answer:
        return 200, json.dumps(getattr(self, operation)(body)).encode()

    def submitjob(self, body: dict[str, Any]) -> dict[str, Any]:
        job_id, number = f"job-{len(self.jobs) + 1}", len(self.jobs) + 1
        more = {"jobQueue": body["jobQueue"], "createdAt": number, "tags": body.get("tags", {})}
        self.add(job_id, body["jobName"], self.new_status, **more)
        return {"jobId": job_id, "jobName": body["jobName"]}

    def listjobs(self, body: dict[str, Any]) -> dict[str, Any]:
        queue = body["jobQueue"].rsplit("/")[-1]
        jobs = [job for job in self.jobs.values() if job["jobQueue"].rsplit("/")[-1] == queue]
        if filters := body.get("filters"):
            jobs = [job for job in jobs if job["jobName"].lower() == filters[0]["values"][0].lower()]
        else:
            jobs = [job for job in jobs if job["status"] == body.get("jobStatus", "RUNNING")]
        start = int(body.get("nextToken", "0"))
        summaries = [{key: value for key, value in job.items() if key not in ("tags", "jobQueue")} for job in jobs]
        more = {"nextToken": str(start + self.page)} if start + self.page < len(jobs) else {}
        return {"jobSummaryList": summaries[start : start + self.page], **more}

    def describejobs(self, body: dict[str, Any]) -> dict[str, Any]:
        assert len(body["jobs"]) <= 100
        return {"jobs": [self.jobs[job_id] for job_id in body["jobs"] if job_id in self.jobs]}

    def describejobqueues(self, body: dict[str, Any]) -> dict[str, Any]:
        wanted = {name.rsplit("/")[-1] for name in body.get("jobQueues", ())}
        return {"jobQueues": [queue for queue in self.queues if not wanted or queue["jobQueueName"] in wanted]}

    def describejobdefinitions(self, body: dict[str, Any]) -> dict[str, Any]:
        if pinned := body.get("jobDefinitions"):
            wanted = {name.rsplit("/")[-1] for name in pinned}
            return {
                "jobDefinitions": [
                    item for item in self.definitions if f"{item['jobDefinitionName']}:{item['revision']}" in wanted
                ]
            }
        name, status = body.get("jobDefinitionName"), body.get("status")
        named = [item for item in self.definitions if name in (None, item["jobDefinitionName"])]
        return {"jobDefinitions": [item for item in named if status in (None, item["status"])]}

    def registerjobdefinition(self, body: dict[str, Any]) -> dict[str, Any]:
        name = body["jobDefinitionName"]
        revision = 1 + sum(1 for item in self.definitions if item["jobDefinitionName"] == name)
        self.definitions.append({**body, "revision": revision, "status": "ACTIVE"})
        return {"jobDefinitionName": name, "jobDefinitionArn": f"arn:{name}", "revision": revision}

    def getlogevents(self, body: dict[str, Any]) -> dict[str, Any]:
        """Two events a page; the token of the last page repeats, as CloudWatch's does."""
        lines = self.logs[body["logGroupName"], body["logStreamName"]]
        start = int(body.get("nextToken", "0"))
        events = [{"message": line} for line in lines[start : start + 2]]
        return {"events": events, "nextForwardToken": str(start + len(events))}

    def canceljob(self, body: dict[str, Any]) -> dict[str, Any]:
        return self.canceljobs({"jobs": [body["jobId"]]}) and {}

    def canceljobs(self, body: dict[str, Any]) -> dict[str, Any]:
        for job_id in body["jobs"]:
            if self.jobs[job_id]["status"] in ("SUBMITTED", "PENDING", "RUNNABLE"):
                self.jobs[job_id]["status"] = "FAILED"
        return {"successful": body["jobs"], "errors": []}

    def deregisterjobdefinition(self, body: dict[str, Any]) -> dict[str, Any]:
        name, _, revision = body["jobDefinition"].rsplit("/")[-1].partition(":")
        for item in self.definitions:
            if (item["jobDefinitionName"], str(item["revision"])) == (name, revision):
                item["status"] = "INACTIVE"
        return {}

    def terminatejob(self, body: dict[str, Any]) -> dict[str, Any]:
        self.jobs[body["jobId"]]["status"] = "FAILED"
        return {}

    def terminatejobs(self, body: dict[str, Any]) -> dict[str, Any]:
        for job_id in body["jobs"]:
            self.jobs.get(job_id, {})["status"] = "FAILED"
        return {"successful": body["jobs"], "errors": []}


def says(status: int, code: str, message: str = "no reason") -> Act:
    """An error, before anything was carried out."""
    return lambda service, operation, body: (status, json.dumps({"__type": code, "message": message}).encode())


def answers(**members: Any) -> Act:
    """This answer, with nothing carried out."""
    return lambda service, operation, body: (200, json.dumps(members).encode())


def accepted_but(status: int, content: bytes) -> Act:
    """Carried out, and then answered with something else."""

    def act(service: Service, operation: str, body: dict[str, Any]) -> Answer:
        service.normal(operation, body)
        return status, content

    return act


def raises(error: Exception, *, accepted: bool) -> Act:
    """The connection breaks, after or before the request was carried out."""

    def act(service: Service, operation: str, body: dict[str, Any]) -> Answer:
        if accepted:
            service.normal(operation, body)
        raise error

    return act


def access_to(service: Service) -> AWSAccess:
    """Clients whose requests end at `service` and never leave the process; one set for all tests, as they are dear."""
    _answer.service = service
    return _access()


@cache
def _access() -> AWSAccess:
    session = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing", region_name="us-east-1")
    session.events.register("before-send", _answer)
    return AWSAccess(session=session)


class _Answer:
    service: Service

    def __call__(self, request: Any, **_: Any) -> AWSResponse:
        target = request.headers.get("X-Amz-Target")
        operation = target.decode().rpartition(".")[2].lower() if target else request.url.rpartition("/")[2]
        status, content = self.service.handle(operation, json.loads(request.body or b"{}"))
        return AWSResponse(request.url, status, {"content-type": "application/json"}, _Raw(content))


_answer = _Answer()


class _Raw(BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


Breakage = Callable[[BaseHTTPRequestHandler, bytes], None]


def cut_body(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    _head(handler, len(content))
    handler.wfile.write(content[: len(content) // 2])


def cut_headers(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConte")


def reset(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def hang_up(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    """Not one byte."""


def rubbish(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    _head(handler, 14)
    handler.wfile.write(b'["no object"]\n')


def keep_silent(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    """Until the client has gone."""
    handler.connection.settimeout(10)
    handler.rfile.read(1)


def _head(handler: BaseHTTPRequestHandler, length: int) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(length))
    handler.end_headers()


@contextmanager
def on_a_socket(service: Service, breakages: dict[str, list[Breakage]]) -> Iterator[AWSAccess]:
    """`service` on loopback; each operation's next answers break in these ways, after it was carried out."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            operation = self.path.rpartition("/")[2]
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
            status, content = service.handle(operation, body)
            if breakages.get(operation):
                breakages[operation].pop(0)(self, content)
                return
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

        def finish(self) -> None:
            with suppress(OSError, ValueError):
                super().finish()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield _impatient_access(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _impatient_access(url: str) -> AWSAccess:
    core = botocore.session.Session()
    core.set_credentials("testing", "testing")
    core.set_config_variable("region", "us-east-1")
    core.set_default_client_config(Config(read_timeout=0.3))
    return AWSAccess(session=boto3.Session(botocore_session=core), endpoint_url=url)
