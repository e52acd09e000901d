from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from batch_helpers.aws_client import AWSAccess
from batch_helpers.engines.aws import AWSEngine, Spill
from batch_helpers.helper import BatchHelper
from batch_helpers.job import Job
from batch_helpers.serve import serve
from batch_helpers.serve.endpoint import Endpoint
from batch_helpers.testing import MemoryStore
from tests.servers import session

QUEUE = "local"


class Cloud:
    """An endpoint whose jobs end at once, or when they are released; `outputs` is what lies on S3, tables too."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.outputs = MemoryStore()

    def helper(self, *, array: bool = True, spill: bool = True, **options: Any) -> BatchHelper:
        """A script that has just been started."""
        access = AWSAccess(session=session(), endpoint_url=self.endpoint.url)
        place = Spill("s3://bucket/tables", self.outputs) if spill else None
        engine = AWSEngine(access, rate=2000, array=array, spill=place)
        return BatchHelper(engine, self.outputs, job_queue=QUEUE, stdout=StringIO(), **options)

    def make(self, *jobs: Job) -> None:
        """Let the outputs of these jobs be there."""
        for job in jobs:
            for uri in job.outputs:
                self.outputs.write(uri, b"")

    @property
    def submitted(self) -> int:
        return self.endpoint.counters.requests["SubmitJob"]

    def accepted(self) -> list[int]:
        """The sizes of the arrays that were submitted, 1 for a job by itself, in the order of their submission."""
        batch = session().client("batch", endpoint_url=self.endpoint.url)
        newest = [{"name": "AFTER_CREATED_AT", "values": ["0"]}]
        pages = batch.get_paginator("list_jobs").paginate(jobQueue=QUEUE, filters=newest)
        jobs = [job for page in pages for job in page["jobSummaryList"]]
        return [job.get("arrayProperties", {}).get("size", 1) for job in reversed(jobs)]


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Cloud]:
    """Jobs stay RUNNABLE until they are released."""
    with serve(tmp_path / "endpoint", instant=True, hold="RUNNABLE") as endpoint:
        yield Cloud(endpoint)


@pytest.fixture
def instant(tmp_path: Path) -> Iterator[Cloud]:
    """Jobs end at once."""
    with serve(tmp_path / "endpoint", instant=True) as endpoint:
        yield Cloud(endpoint)
