"""The `aws` command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.serve.clients.others import installed, run
from tests.serve.waiting import until

pytestmark = pytest.mark.slow

Aws = Callable[..., Any]


@pytest.fixture
def aws(environment: dict[str, str], tmp_path: Path) -> Aws:
    program = str(installed("awscli") / "aws")

    def aws(*words: str, good: bool = True) -> Any:
        done = run([program, *words, "--output", "json"], environment, tmp_path, good=good)
        return (json.loads(done.stdout) if done.stdout.strip() else None) if good else done.stderr

    return aws


def register(aws: Aws, command: str) -> str:
    needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]
    properties = {"image": "busybox", "command": ["sh", "-c", command], "resourceRequirements": needs}
    words = ["--job-definition-name", "work", "--type", "container", "--container-properties", json.dumps(properties)]
    arn: str = aws("batch", "register-job-definition", *words)["jobDefinitionArn"]
    return arn


def submit(aws: Aws, name: str, *words: str) -> str:
    options = ["--job-name", name, "--job-queue", "local", "--job-definition", "work"]
    job_id: str = aws("batch", "submit-job", *options, *words)["jobId"]
    return job_id


def described(aws: Aws, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = aws("batch", "describe-jobs", "--jobs", job_id)["jobs"][0]
    return job


def test_a_job_is_registered_submitted_described_and_its_log_read(aws: Aws) -> None:
    assert register(aws, "echo hello Ref::who").endswith("work:1")
    words = ["--parameters", "who=world", "--tags", "a=b", "--retry-strategy", "attempts=2"]
    job_id = submit(aws, "hello", *words, "--timeout", "attemptDurationSeconds=60")
    job = until(lambda: next((item for item in [described(aws, job_id)] if item["status"] == "SUCCEEDED"), None))
    assert (job["tags"], job["container"]["exitCode"]) == ({"a": "b"}, 0)
    stream = job["container"]["logStreamName"]
    words = ["--log-group-name", "/aws/batch/job", "--log-stream-name", stream]
    assert [event["message"] for event in aws("logs", "get-log-events", *words)["events"]] == ["hello world"]


def test_lists_are_turned_page_by_page(aws: Aws) -> None:
    register(aws, "true")
    array = submit(aws, "array", "--array-properties", "size=3")
    until(lambda: described(aws, array)["status"] == "SUCCEEDED")
    words = ["batch", "list-jobs", "--array-job-id", array, "--job-status", "SUCCEEDED"]
    first = aws(*words, "--max-items", "2", "--page-size", "1")
    rest = aws(*words, "--max-items", "2", "--starting-token", first["NextToken"])
    listed = [item["jobId"] for item in first["jobSummaryList"] + rest["jobSummaryList"]]
    assert listed == [f"{array}:{index}" for index in range(3)]
    filters = ["batch", "list-jobs", "--job-queue", "local", "--filters", "name=JOB_NAME,values=ARR*"]
    assert [item["jobId"] for item in aws(*filters)["jobSummaryList"]] == [array]


def test_a_running_job_is_terminated_and_its_dependent_fails(aws: Aws) -> None:
    register(aws, "sleep 60")
    job_id = submit(aws, "long")
    after = submit(aws, "after", "--depends-on", f"jobId={job_id}")
    until(lambda: described(aws, job_id)["status"] == "RUNNING")
    assert aws("batch", "cancel-job", "--job-id", job_id, "--reason", "ignored") is None
    aws("batch", "terminate-job", "--job-id", job_id, "--reason", "enough")
    job = until(lambda: next((item for item in [described(aws, after)] if item["status"] == "FAILED"), None))
    assert (job["statusReason"], described(aws, job_id)["statusReason"]) == ("Dependent Job failed", "enough")


def test_queues_environments_and_tags_are_managed(aws: Aws) -> None:
    resources = "type=EC2,minvCpus=0,maxvCpus=2,subnets=s,instanceRole=r,instanceTypes=optimal,securityGroupIds=g"
    words = ["--compute-environment-name", "mine", "--type", "MANAGED", "--compute-resources", resources]
    environment = aws("batch", "create-compute-environment", *words)["computeEnvironmentArn"]
    order = f"order=1,computeEnvironment={environment}"
    words = ["--job-queue-name", "mine", "--priority", "2", "--compute-environment-order", order]
    queue = aws("batch", "create-job-queue", *words)["jobQueueArn"]
    aws("batch", "tag-resource", "--resource-arn", queue, "--tags", "a=b,c=d")
    aws("batch", "untag-resource", "--resource-arn", queue, "--tag-keys", "a")
    assert aws("batch", "list-tags-for-resource", "--resource-arn", queue) == {"tags": {"c": "d"}}
    aws("batch", "update-job-queue", "--job-queue", queue, "--state", "DISABLED")
    aws("batch", "delete-job-queue", "--job-queue", queue)
    aws("batch", "update-compute-environment", "--compute-environment", "mine", "--state", "DISABLED")
    aws("batch", "delete-compute-environment", "--compute-environment", "mine")
    listed = aws("batch", "describe-job-queues")["jobQueues"]
    assert [item["jobQueueName"] for item in listed] == ["local"]


def test_an_error_is_told_as_an_error_of_the_service(aws: Aws) -> None:
    words = ["--job-name", "j", "--job-queue", "nowhere", "--job-definition", "d"]
    said = aws("batch", "submit-job", *words, good=False)
    assert "(ClientException) when calling the SubmitJob operation: JobQueue nowhere not found." in said
