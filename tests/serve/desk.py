"""The endpoint without its server: requests go straight to the gateway, and time and the scheduler stand still."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, Protocol

from batch_helpers.serve.arns import Arns
from batch_helpers.serve.clock import Clock
from batch_helpers.serve.defaults import provide
from batch_helpers.serve.gateway import Gateway
from batch_helpers.serve.outcomes import Outcome
from batch_helpers.serve.runners.instant import InstantRunner
from batch_helpers.serve.scheduling.retention import JOBS, Retention
from batch_helpers.serve.scheduling.scheduler import Scheduler
from batch_helpers.serve.service import Service
from batch_helpers.serve.state.database import Database
from batch_helpers.serve.texts.details import DetailWriter
from batch_helpers.serve.wire.messages import Request
from batch_helpers.serve.wire.model import operations

START = 1_800_000_000.0


class Refused(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.code, self.message = status, code, message
        super().__init__(f"{status} {code}: {message}")


class OpenDesk(Protocol):
    """The fixture `open_desk`."""

    def __call__(self, *outcomes: Outcome, define: bool = True, **more: Any) -> Desk: ...


class Desk:
    """One endpoint of the instant kind. Every answer that it gives is held to botocore's model."""

    def __init__(self, directory: Path, *outcomes: Outcome, retention: float = JOBS) -> None:
        directory.mkdir(exist_ok=True)
        self.clock = Clock(lambda: START)
        self.runner = InstantRunner(self.clock, outcomes)
        self.database = Database(str(directory))
        arns = Arns("us-east-1")
        self.service = Service(self.database, arns, self.clock, self.runner, DetailWriter(arns))
        provide(self.service)
        self.gateway = Gateway(self.service, "127.0.0.1")
        self.scheduler = Scheduler(self.service, Retention(self.service, retention))

    def close(self) -> None:
        self.database.close()

    def __call__(self, name: str, /, **parameters: Any) -> dict[str, Any]:
        """The answer of an operation of AWS Batch; raises Refused."""
        operation = operations("batch")[name]
        return self.post(operation.uri.removeprefix("/v1/"), json.dumps(parameters).encode(), operation.method)

    def logs(self, name: str, /, **parameters: Any) -> dict[str, Any]:
        """The answer of an operation of CloudWatch Logs; raises Refused."""
        headers = {"host": "127.0.0.1", "x-amz-target": f"Logs_20140328.{name}"}
        return self.send(Request("POST", "/", "", headers, json.dumps(parameters).encode()))

    def post(self, path: str, body: bytes, method: str = "POST", query: str = "") -> dict[str, Any]:
        return self.send(Request(method, f"/v1/{path}", query, {"host": "127.0.0.1:1"}, body))

    def send(self, request: Request) -> dict[str, Any]:
        call = self.gateway.call(request)
        answer, _ = self.gateway.perform(call, request)
        value: dict[str, Any] = json.loads(answer.body)
        if answer.status != 200:
            code = dict(answer.headers).get("x-amzn-errortype") or value["__type"]
            raise Refused(answer.status, code, value["message"])
        call.operation.check_answer(value)
        return value

    def turn(self, times: int = 1) -> None:
        """Let the scheduler work so many times."""
        for _ in range(times):
            asyncio.run(self.scheduler.turn())

    def settle(self) -> None:
        """Let the scheduler work until nothing moves any more."""
        for _ in range(10_000):
            if not asyncio.run(self.scheduler.turn()):
                return
        raise AssertionError("the scheduler does not come to rest")

    def resume(self) -> None:
        """Take up what an earlier endpoint has left."""
        asyncio.run(self.scheduler._resume())

    def define(self, name: str = "work", **more: Any) -> str:
        """Register a definition of one container; its name and revision."""
        container = {
            "image": "busybox",
            "command": ["true"],
            "resourceRequirements": needs(),
            **more.pop("container", {}),
        }
        answer = self("RegisterJobDefinition", **definition(name, containerProperties=container, **more))
        return f"{name}:{answer['revision']}"

    def submit(self, name: str = "job", **more: Any) -> str:
        """Submit a job to the queue `local`; its id."""
        parameters = {"jobName": name, "jobQueue": "local", "jobDefinition": "work", **more}
        job_id: str = self("SubmitJob", **parameters)["jobId"]
        return job_id

    def job(self, job_id: str) -> dict[str, Any]:
        """A job as DescribeJobs shows it."""
        (found,) = self("DescribeJobs", jobs=[job_id])["jobs"]
        return dict(found)

    def status(self, *job_ids: str) -> list[str]:
        return [self.job(job_id)["status"] for job_id in job_ids]

    def listed(self, status: str, **more: Any) -> list[str]:
        """The ids of the jobs in the queue `local` with this status."""
        scope = {} if {"arrayJobId", "jobQueue"} & more.keys() else {"jobQueue": "local"}
        return [item["jobId"] for item in self("ListJobs", jobStatus=status, **scope, **more)["jobSummaryList"]]


def needs(vcpus: str = "1", memory: str = "64") -> list[dict[str, str]]:
    return [{"type": "VCPU", "value": vcpus}, {"type": "MEMORY", "value": memory}]


def definition(name: str, **more: Any) -> dict[str, Any]:
    return {"jobDefinitionName": name, "type": "container", **more}
