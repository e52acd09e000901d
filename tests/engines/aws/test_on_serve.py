"""The contract of every engine, on this package's own endpoint, whose jobs really run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from batch_helpers.aws_client import AWSAccess
from batch_helpers.engines.aws import AWSEngine
from batch_helpers.engines.base import Engine
from batch_helpers.job import Job
from batch_helpers.serve import serve
from tests.contracts.engine_contract import EngineContract
from tests.servers import session

pytestmark = pytest.mark.slow

QUEUE = "local"


class TestOnServe(EngineContract):
    queue = QUEUE

    def job(self, name: str, command: list[str], **fields: object) -> Job:
        return Job(name, image="busybox", command=command, **fields)  # type: ignore[arg-type]

    @pytest.fixture
    def engine(self, tmp_path: Path) -> Iterator[Engine]:
        with serve(tmp_path / "endpoint") as endpoint:
            engine = AWSEngine(AWSAccess(session=session(), endpoint_url=endpoint.url), rate=1000)
            yield engine
            engine.terminate([detail.job_id for detail in engine.active([QUEUE])], "tidy")
