"""Jobs that recover on the endpoint: what the service tries again by itself, and what is submitted again."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest

from batch_helpers.aws_client import AWSAccess
from batch_helpers.engine_helpers import AWSBatchHelper
from batch_helpers.job import REPLACES_TAG, Job, Status
from batch_helpers.recovery import Recovery
from batch_helpers.serve import Outcome, serve
from batch_helpers.serve.endpoint import Endpoint
from tests.servers import session

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

OOM = Outcome("oom*", below=8192, exit_code=137, reason="OutOfMemoryError: Container killed due to memory usage")
SPOT = Outcome("spot*", queue="local", exit_code=None, status_reason="Host EC2 (instance i-0123) terminated.")
FLAKY = Outcome("flaky*", attempts=1, exit_code=None, status_reason="Host EC2 (instance i-0123) terminated.")
EXIT = Outcome("exit*", exit_code=3)


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    folder = tmp_path_factory.mktemp("endpoint")
    with serve(folder, instant=True, outcomes=[OOM, SPOT, FLAKY, EXIT]) as endpoint:
        batch = AWSAccess(session=session(), endpoint_url=endpoint.url).client("batch")
        environment = batch.create_compute_environment(computeEnvironmentName="on-demand", type="UNMANAGED")
        batch.create_job_queue(
            jobQueueName="on-demand",
            priority=1,
            computeEnvironmentOrder=[{"order": 1, "computeEnvironment": environment["computeEnvironmentArn"]}],
        )
        yield endpoint


def script(endpoint: Endpoint, **options: Any) -> AWSBatchHelper:
    return AWSBatchHelper("local", session=session(), endpoint_url=endpoint.url, stdout=io.StringIO(), **options)


def job(name: str, **fields: Any) -> Job:
    return Job(name, image="busybox", command=[name], vcpus=1, memory=2048, **fields)


def described(endpoint: Endpoint, job_id: str) -> dict[str, Any]:
    batch = AWSAccess(session=session(), endpoint_url=endpoint.url).client("batch")
    return dict(batch.describe_jobs(jobs=[job_id])["jobs"][0])


def test_a_job_out_of_memory_ends_well_with_more_and_what_waits_for_it_runs(endpoint: Endpoint) -> None:
    helper = script(endpoint, memory_growth=2)
    small = job("oom-1")
    first = helper.add_jobs([small, job("after-oom-1", depends_on=[small])])
    summary = helper.monitor(interval=0.2)
    assert summary.exit_code == 0
    assert {detail.short_name: detail.status for detail in summary.jobs.values()} == {
        "oom-1": Status.SUCCEEDED,
        "after-oom-1": Status.SUCCEEDED,
    }
    last = described(endpoint, next(job_id for job_id, item in summary.jobs.items() if item.short_name == "oom-1"))
    assert {"type": "MEMORY", "value": "8192"} in last["container"]["resourceRequirements"]
    middle = described(endpoint, last["tags"][REPLACES_TAG])
    assert {"type": "MEMORY", "value": "4096"} in middle["container"]["resourceRequirements"]
    assert middle["tags"][REPLACES_TAG] == first[0]


def test_a_reclaimed_job_ends_well_on_the_fallback_queue(endpoint: Endpoint) -> None:
    helper = script(endpoint, fallback_queue="on-demand")
    (first,) = helper.add_jobs([job("spot-1")])
    summary = helper.monitor(interval=0.2)
    assert summary.exit_code == 0
    (last,) = summary.jobs.values()
    assert (last.status, last.queue) == (Status.SUCCEEDED, "on-demand")
    assert len(described(endpoint, str(first))["attempts"]) == 3, "the service bore the reclaims by itself"


def test_one_reclaim_is_borne_by_the_service_alone(endpoint: Endpoint) -> None:
    helper = script(endpoint)
    ids = helper.add_jobs([job("flaky-1"), job("exit-1")])
    summary = helper.monitor(interval=0.2)
    assert {detail.short_name: detail.status for detail in summary.jobs.values()} == {
        "flaky-1": Status.SUCCEEDED,
        "exit-1": Status.FAILED,
    }
    assert list(summary.jobs) == ids
    assert [len(described(endpoint, str(job_id))["attempts"]) for job_id in ids] == [2, 1]


def test_a_definition_that_has_a_strategy_keeps_it(endpoint: Endpoint) -> None:
    batch = AWSAccess(session=session(), endpoint_url=endpoint.url).client("batch")
    needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "128"}]
    for name, more in (("own", {"retryStrategy": {"attempts": 2}}), ("plain", {})):
        batch.register_job_definition(
            jobDefinitionName=name,
            type="container",
            containerProperties={"image": "busybox", "command": ["true"], "resourceRequirements": needs},
            **more,
        )
    helper = script(endpoint, recovery=Recovery(max_reclaims=4))
    ids = helper.add_jobs([Job(name, job_definition=name) for name in ("own", "plain")])
    attempts = [described(endpoint, str(job_id))["retryStrategy"]["attempts"] for job_id in ids]
    assert attempts == [2, 4]
