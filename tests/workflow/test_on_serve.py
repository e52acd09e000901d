"""The workflows of the repository on AWS Batch's own protocol: definitions, queues, S3, and jobs that really run."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import boto3
import pytest

from batch_helpers.cli.target import load
from batch_helpers.engine_helpers import AWSBatchHelper
from batch_helpers.workflow import EZBatchJob, EZBatchWorkflow

pytestmark = pytest.mark.slow

WORKFLOWS = Path(__file__).parents[2] / "workflows"


def loaded(name: str, place: Path) -> EZBatchWorkflow:
    """A workflow of the repository, with a container's /tmp put where the test may write."""
    text = (WORKFLOWS / name).read_text().replace("/tmp/", f"{place}/tmp/")
    (place / name).write_text(text)
    return load(str(place / name))


def finished(workflow: EZBatchWorkflow) -> dict[str, str | None]:
    ids = workflow.submit(queue="my-job-queue", engine=AWSBatchHelper(stdout=io.StringIO()))
    summary = workflow.monitor(interval=0.2)
    engine = AWSBatchHelper().engine
    assert summary.exit_code == 0, [list(engine.logs(item.job_id)) for item in summary.failed]
    return ids


def test_hello_greets_in_order(served: Any, tmp_path: Path) -> None:
    ids = finished(loaded("hello.json", tmp_path))
    engine = AWSBatchHelper().engine
    assert list(engine.logs(ids["goodbye"] or "")) == ["Goodbye!"]
    details = engine.describe([job_id for job_id in ids.values() if job_id])
    first, second = details[ids["hello"] or ""], details[ids["goodbye"] or ""]
    assert first.stopped_at is not None
    assert second.started_at is not None
    assert first.stopped_at <= second.started_at


def test_the_cohort_runs_once_and_then_only_what_is_missing(served: Any, tmp_path: Path) -> None:
    served.create_bucket(Bucket="my-code")
    served.upload_file(str(WORKFLOWS / "epidemic.py"), "my-code", "epidemic.py")
    finished(loaded("cohort.json", tmp_path))
    table = served.get_object(Bucket="my-bucket", Key="cohort/all.tsv")["Body"].read().decode()
    assert table.splitlines()[-1].startswith("all\t2642864\t")
    assert len(boto3.client("batch").describe_job_definitions(status="ACTIVE")["jobDefinitions"]) == 1
    served.delete_object(Bucket="my-bucket", Key="cohort/summaries/VT.json")
    again = finished(loaded("cohort.json", tmp_path))
    assert {name for name, job_id in again.items() if job_id} == {"summarise-VT", "gather"}
    assert served.get_object(Bucket="my-bucket", Key="cohort/all.tsv")["Body"].read().decode() == table


def test_the_sweep_is_collected_from_s3(served: Any, tmp_path: Path) -> None:
    workflow = loaded("sweep.py", tmp_path)
    finished(workflow)
    results = workflow.collect({name: uris[0] for name, uris in workflow.outputs("aws").items()})
    assert len(results) == 8
    assert results.set_index("job").loc["r0-2.5-days-5", "attack_rate"] == pytest.approx(0.8926)


def test_resources_timeouts_and_retries_reach_the_service(served: Any) -> None:
    job = EZBatchJob("ubuntu", "exit 1", vcpus=2, memory=4096, attempts=2, timeout=90)
    workflow = EZBatchWorkflow("w", {"a": job})
    ids = workflow.submit(queue="my-job-queue", engine=AWSBatchHelper(stdout=io.StringIO()))
    assert workflow.monitor(interval=0.2).exit_code == 1
    described = boto3.client("batch").describe_jobs(jobs=[ids["a"] or ""])["jobs"][0]
    needs = {item["type"]: item["value"] for item in described["container"]["resourceRequirements"]}
    assert needs == {"VCPU": "2", "MEMORY": "4096"}
    assert described["timeout"] == {"attemptDurationSeconds": 90}
    assert len(described["attempts"]) == 2


def test_spot_rules_do_not_try_a_failure_of_the_command_again(served: Any) -> None:
    workflow = EZBatchWorkflow("w", {"a": EZBatchJob("ubuntu", "exit 1", attempts=5, retry="spot")})
    ids = workflow.submit(queue="my-job-queue", engine=AWSBatchHelper(stdout=io.StringIO()))
    assert workflow.monitor(interval=0.2).exit_code == 1
    described = boto3.client("batch").describe_jobs(jobs=[ids["a"] or ""])["jobs"][0]
    assert described["retryStrategy"]["attempts"] == 5
    assert len(described["attempts"]) == 1
