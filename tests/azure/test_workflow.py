"""A workflow's document on Azure Batch: its jobs are tasks, and their order is kept."""

from __future__ import annotations

import pytest

from batch_helpers import AzureBatchHelper
from batch_helpers.azure_client import AzureAccess
from batch_helpers.errors import NotFound
from batch_helpers.workflow import EZBatchJob, EZBatchWorkflow
from tests.azure.fake_batch import ACCOUNT, KEY, FakeBatch

pytestmark = pytest.mark.slow


def workflow() -> EZBatchWorkflow:
    jobs = {
        "first": EZBatchJob(image="busybox", command="true"),
        "second": EZBatchJob(image="busybox", command=["sh", "-c", "exit 3"]),
        "third": EZBatchJob(image="busybox", command="true"),
    }
    return EZBatchWorkflow(name="flow", jobs=jobs, dependencies={"second": ["first"], "third": ["second"]})


def test_its_jobs_run_in_their_order_and_a_failure_stops_what_hangs_on_it(fake: FakeBatch, access: AzureAccess) -> None:
    fake.service.add_pool("boxes", images=["busybox"])
    flow = workflow()
    flow.submit(engine=AzureBatchHelper(pool="boxes", access=access))
    summary = flow.monitor(interval=0.1)
    ended = {item.short_name: str(item.status) for item in summary.jobs.values()}
    assert ended == {"flow-first": "SUCCEEDED", "flow-second": "FAILED", "flow-third": "FAILED"}
    assert summary.exit_code == 1


def test_engine_azure_takes_the_account_from_the_environment_and_names_a_queue_that_is_not_there(
    fake: FakeBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"ACCOUNT": ACCOUNT, "ACCESS_KEY": KEY, "ENDPOINT": fake.url}.items():
        monkeypatch.setenv(f"AZURE_BATCH_{name}", value)
    with pytest.raises(NotFound, match="'nowhere'"):
        workflow().submit(queue="nowhere", engine="azure")
    assert not [call for call in fake.calls if call.startswith("POST")]
