from __future__ import annotations

from typing import Any

import pytest

from batch_helpers.diagnose import Cause, diagnose
from batch_helpers.engines.aws.details import from_description, from_summary
from batch_helpers.errors import AmbiguousAnswer
from batch_helpers.job import Attempt, JobDetail, Status

ARN = "arn:aws:batch:us-east-1:123456789012"


def described(**members: Any) -> JobDetail:
    return from_description({"jobId": "id", "jobName": "s1-0123456789abcdef", "status": "FAILED", **members})


def test_a_summary_gives_all_that_it_has() -> None:
    raw = {
        "jobId": "id",
        "jobName": "s1-0123456789abcdef",
        "status": "FAILED",
        "statusReason": "Essential container in task exited",
        "createdAt": 1_700_000_000_500,
        "startedAt": 1_700_000_001_000,
        "stoppedAt": 1_700_000_002_000,
        "jobDefinition": f"{ARN}:job-definition/align:3",
        "container": {"exitCode": 137, "reason": "OutOfMemoryError: Container killed due to memory usage"},
    }
    assert from_summary(raw, f"{ARN}:job-queue/spot") == JobDetail(
        job_id="id",
        name="s1-0123456789abcdef",
        status=Status.FAILED,
        queue="spot",
        reason="Essential container in task exited; OutOfMemoryError: Container killed due to memory usage",
        job_definition="align:3",
        exit_code=137,
        created_at=1_700_000_000.5,
        started_at=1_700_000_001.0,
        stopped_at=1_700_000_002.0,
    )


def test_a_summary_may_have_no_more_than_its_name_and_state() -> None:
    detail = from_summary({"jobId": "id", "jobName": "theirs", "status": "PENDING"}, "spot")
    assert (detail.key, detail.reason, detail.created_at, detail.exit_code) == (None, "", None, None)


def test_each_attempt_keeps_its_own_exit_code_reason_and_log() -> None:
    detail = described(
        jobQueue=f"{ARN}:job-queue/spot",
        container={"exitCode": 1, "logStreamName": "align/default/b"},
        attempts=[
            {
                "container": {"reason": "gone", "logStreamName": "align/default/a"},
                "startedAt": 1000,
                "stoppedAt": 2000,
                "statusReason": "Host EC2 (instance i-1) terminated.",
            },
            {"container": {"exitCode": 1, "logStreamName": "align/default/b"}, "statusReason": "Essential container"},
        ],
    )
    assert detail.queue == "spot"
    assert detail.attempts == (
        Attempt(1, None, "Host EC2 (instance i-1) terminated.; gone", 1.0, 2.0, "align/default/a"),
        Attempt(2, 1, "Essential container", None, None, "align/default/b"),
    )


def test_the_running_attempt_is_the_last_one() -> None:
    detail = described(
        status="RUNNING",
        startedAt=3000,
        container={"logStreamName": "align/default/b"},
        attempts=[{"container": {"exitCode": 1, "logStreamName": "align/default/a"}}],
    )
    assert detail.attempts[1:] == (Attempt(2, started_at=3.0, log="align/default/b"),)


def test_several_containers_are_looked_at_where_ecs_properties_hold_them() -> None:
    first = {"name": "stage", "exitCode": 0, "logStreamName": "a"}
    second = {"name": "work", "exitCode": 3, "reason": "OutOfMemoryError", "logStreamName": "b"}
    tasks = [{"containers": [first, second]}]
    detail = described(container={}, ecsProperties={"taskProperties": tasks}, attempts=[{"taskProperties": tasks}])
    assert (detail.exit_code, detail.reason) == (3, "OutOfMemoryError")
    assert detail.attempts == (Attempt(1, 3, "OutOfMemoryError", log="b"),)


def test_containers_that_all_went_well_are_told_by_the_first() -> None:
    tasks = [{"containers": [{"exitCode": 0, "logStreamName": "a"}, {"exitCode": 0, "logStreamName": "b"}]}]
    detail = described(status="SUCCEEDED", ecsProperties={"taskProperties": tasks})
    assert (detail.exit_code, detail.attempts[0].log) == (0, "a")


def test_a_reason_that_is_told_twice_is_told_once() -> None:
    assert described(statusReason="Task failed to start", container={"reason": "Task failed to start"}).reason == (
        "Task failed to start"
    )


@pytest.mark.parametrize(
    "raw",
    [{}, {"jobId": "id", "jobName": "n"}, {"jobId": "id", "jobName": "n", "status": "LOST"}, {"attempts": [None]}],
)
def test_a_job_that_cannot_be_read_is_an_error_of_ours(raw: dict[str, Any]) -> None:
    with pytest.raises(AmbiguousAnswer, match="cannot be read"):
        from_description(raw)


def test_a_container_that_failed_is_told_from_those_behind_it_that_did_not_start() -> None:
    containers = [
        {"name": "upload", "reason": "dependency [main] for target [upload]"},
        {"name": "main", "exitCode": 3},
    ]
    tasks = {"taskProperties": [{"containers": containers}]}
    detail = described(status="FAILED", statusReason="Task failed to start", ecsProperties=tasks, attempts=[tasks])
    assert (detail.exit_code, diagnose(detail).cause) == (3, Cause.APPLICATION)
    assert "container [main] exited with code 3" in detail.reason
    nothing_ran = {"taskProperties": [{"containers": [{"name": "main"}, {"name": "upload"}]}]}
    detail = described(status="FAILED", statusReason="Task failed to start", ecsProperties=nothing_ran)
    assert diagnose(detail).cause is Cause.START
