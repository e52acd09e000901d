"""Endpoints for tests of other rooms: `from tests.serve.fixtures import endpoint, instant_endpoint`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from batch_helpers.serve import serve
from batch_helpers.serve.endpoint import Endpoint
from tests.servers import session


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    """AWS Batch whose jobs really run; what still runs at the end is ended."""
    with serve(tmp_path / "endpoint") as endpoint:
        yield endpoint
        end_all(client(endpoint))


@pytest.fixture
def instant_endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    """AWS Batch whose jobs end at once without running."""
    with serve(tmp_path / "endpoint", instant=True) as endpoint:
        yield endpoint


def client(endpoint: Endpoint, service: str = "batch", *, patience: float = 20, attempts: int = 1) -> Any:
    """A boto3 client that sends each request `attempts` times at most."""
    config = Config(retries={"total_max_attempts": attempts}, read_timeout=patience, parameter_validation=False)
    found: Any = session().client(service, endpoint_url=endpoint.url, config=config)  # type: ignore[call-overload]
    return found


def end_all(batch: Any, queue: str = "local") -> None:
    """Terminate what has not ended."""
    for status in ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"):
        for page in batch.get_paginator("list_jobs").paginate(jobQueue=queue, jobStatus=status):
            for job in page["jobSummaryList"]:
                batch.terminate_job(jobId=job["jobId"], reason="the test is over")


def define(batch: Any, name: str = "work", **container: Any) -> str:
    """Register a definition of one container that runs `true` unless told; its name and revision."""
    needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]
    properties = {"image": "busybox", "command": ["true"], "resourceRequirements": needs, **container}
    answer = batch.register_job_definition(jobDefinitionName=name, type="container", containerProperties=properties)
    return f"{name}:{answer['revision']}"
