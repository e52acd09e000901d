"""The contract of every engine, on moto in process and as a server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from batch_helpers.aws_client import AWSAccess
from batch_helpers.engines.aws import AWSEngine
from batch_helpers.engines.base import Engine
from batch_helpers.job import Job
from tests.contracts.engine_contract import EngineContract
from tests.engines.aws.account import furnish, moto_batch_without_docker, moto_in_process, moto_jobs
from tests.servers import moto_server, session

pytestmark = pytest.mark.slow


class OnMoto(EngineContract):
    """moto ends every job at once and well; this gives it the state that its command would lead to."""

    def job(self, name: str, command: list[str], **fields: object) -> Job:
        return Job(name, job_definition="contract", command=command, **fields)  # type: ignore[arg-type]

    def submit(self, engine: Engine, *jobs: Job, needs: tuple[str, ...] = ()) -> list[str]:
        ids = super().submit(engine, *jobs, needs=needs)
        for job, job_id in zip(jobs, ids, strict=True):
            if job.command[0] == "false":
                moto_jobs()[job_id].status = "FAILED"
            if job.command[0] == "sh":
                moto_jobs()[job_id].status = "RUNNING"
        return ids

    def test_a_job_that_goes_wrong_has_failed_with_a_reason(self, engine: Engine) -> None:
        pytest.skip("moto tells no exit codes")

    def test_what_depends_on_a_failure_fails_without_running(self, engine: Engine) -> None:
        pytest.skip("moto ignores dependsOn")

    def test_a_dependency_on_an_unknown_job_is_refused(self, engine: Engine) -> None:
        pytest.skip("moto ignores dependsOn")

    def test_terminate_ends_a_job_with_its_reason(self, engine: Engine) -> None:
        pytest.skip("moto leaves the state of a job that it does not run")


class TestInProcess(OnMoto):
    @pytest.fixture
    def engine(self) -> Iterator[Engine]:
        with moto_in_process():
            yield made(AWSAccess(region="us-east-1"))


class TestOnAServer(OnMoto):
    @pytest.fixture
    def engine(self) -> Iterator[Engine]:
        with moto_server() as url:
            moto_batch_without_docker(url)
            yield made(AWSAccess(session=session(), endpoint_url=url))


def made(access: AWSAccess) -> Engine:
    furnish(access, queues=["contract"], definitions=["contract"])
    return AWSEngine(access, rate=1000)
