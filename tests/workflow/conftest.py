from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from batch_helpers.aws_client import AWSAccess
from batch_helpers.engine_helpers import AWSBatchHelper
from batch_helpers.helper import BatchHelper
from batch_helpers.serve import serve
from batch_helpers.testing import MemoryEngine, MemoryStore
from tests.engines.aws.account import furnish, moto_in_process
from tests.servers import moto_server, session

ROLE = "arn:aws:iam::123456789012:role/execution"


class World:
    """A service and a store that outlive the scripts (helpers) that talk to them."""

    def __init__(self, **engine: object) -> None:
        self.store = MemoryStore()
        self.engine = MemoryEngine(self.store, automatic=True, **engine)  # type: ignore[arg-type]

    def script(self, **options: object) -> BatchHelper:
        clock = lambda: self.engine.now  # noqa: E731
        return BatchHelper(
            self.engine,
            self.store,
            clock=clock,
            stdout=io.StringIO(),
            **{"job_queue": "q", **options},  # type: ignore[arg-type]
        )


class Account:
    """AWS by moto in this process, with the queues `my-job-queue` and `other`."""

    def __init__(self) -> None:
        self.access = AWSAccess(session=session())
        furnish(self.access, ["my-job-queue", "other"])
        self.batch = self.access.client("batch")
        self.s3 = self.access.client("s3")

    def script(self, **options: object) -> AWSBatchHelper:
        return AWSBatchHelper(session=session(), stdout=io.StringIO(), **options)  # type: ignore[arg-type]

    @property
    def definitions(self) -> list[dict[str, object]]:
        """The active definitions."""
        found: list[dict[str, object]] = self.batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]
        return found

    def job(self, job_id: str | None) -> dict[str, object]:
        described: dict[str, object] = self.batch.describe_jobs(jobs=[job_id])["jobs"][0]
        return described

    def jobs(self, queue: str = "my-job-queue") -> list[str]:
        """The ids of all jobs of a queue; moto lists every state at once when it is given none."""
        return [item["jobId"] for item in self.batch.list_jobs(jobQueue=queue)["jobSummaryList"]]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Account]:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("BATCH_HELPERS_EXECUTION_ROLE_ARN", ROLE)
    with moto_in_process():
        yield Account()


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """AWS Batch on this machine, with the queue `my-job-queue`, and an S3 on loopback with the bucket `my-bucket`.

    The jobs copy with this Python's boto3, which starts faster than the aws command does. Yields the S3 client.
    """
    monkeypatch.chdir(tmp_path)
    settings = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
    settings |= {"BATCH_HELPERS_EXECUTION_ROLE_ARN": ROLE, "EZBATCH_PYTHON": sys.executable, "AWS_REGION": "us-east-1"}
    with moto_server() as url:
        for name, value in {**settings, "AWS_ENDPOINT_URL_S3": url}.items():
            monkeypatch.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket="my-bucket")
        with serve(tmp_path / "serve") as endpoint:
            for name, value in endpoint.environment.items():
                monkeypatch.setenv(name, value)
            environments = [{"order": 1, "computeEnvironment": "local"}]
            boto3.client("batch").create_job_queue(
                jobQueueName="my-job-queue", priority=1, computeEnvironmentOrder=environments
            )
            yield client
