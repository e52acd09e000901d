"""The contract of every engine, kept by the children of arrays on this package's own endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from batch_helpers.aws_client import AWSAccess
from batch_helpers.engines.aws import AWSEngine
from batch_helpers.engines.base import ArrayEngine, Engine
from batch_helpers.job import Job
from batch_helpers.serve import serve
from tests.contracts.engine_contract import EngineContract
from tests.servers import session

pytestmark = pytest.mark.slow

QUEUE = "local"


class TestArrays(EngineContract):
    """Each job is submitted together with a companion that does well, so that there is an array."""

    queue = QUEUE

    def job(self, name: str, command: list[str], **fields: object) -> Job:
        return Job(name, image="busybox", command=command, **fields)  # type: ignore[arg-type]

    def submit(self, engine: Engine, *jobs: Job, needs: tuple[str, ...] = ()) -> list[str]:
        others = [replace(job, name=f"{job.name}-companion", command=["true", job.name, "too"]) for job in jobs]
        bound = [job.bound(QUEUE, needs) for job in jobs]
        bound += [job.bound(QUEUE, [self.companions.get(item, item) for item in needs]) for job in others]
        engine.check(bound)
        ids = [str(job_id) for job_id in engine.submit(bound)]
        assert all(":" in job_id for job_id in ids)
        self.companions |= dict(zip(ids[: len(jobs)], ids[len(jobs) :], strict=True))
        return ids[: len(jobs)]

    @pytest.fixture
    def engine(self, tmp_path: Path) -> Iterator[Engine]:
        self.companions: dict[str, str] = {}
        with serve(tmp_path / "endpoint") as endpoint:
            engine = AWSEngine(AWSAccess(session=session(), endpoint_url=endpoint.url), rate=1000, array=True)
            assert isinstance(engine, ArrayEngine)
            yield engine
            engine.terminate([detail.job_id for detail in engine.active([QUEUE])], "tidy")
