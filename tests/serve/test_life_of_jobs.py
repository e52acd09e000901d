"""From SUBMITTED to the end: states, retries, timeouts, cancellation, retention."""

from __future__ import annotations

import pytest

from batch_helpers.job import Status
from batch_helpers.serve.outcomes import Outcome
from batch_helpers.serve.verdicts import EXITED
from tests.serve.desk import START, Desk, OpenDesk, Refused, definition, needs

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def test_a_job_passes_through_every_state(desk: Desk) -> None:
    job_id = desk.submit()
    seen = [desk.status(job_id)[0]]
    for _ in range(8):
        desk.turn()
        seen += desk.status(job_id)
    upstream = [status for place, status in enumerate(seen) if place == 0 or seen[place - 1] != status]
    assert upstream == ["SUBMITTED", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]


def test_a_job_that_has_ended_says_all_about_itself(desk: Desk) -> None:
    desk.define(
        "full",
        container={"command": ["cat", "Ref::f"], "environment": [{"name": "A", "value": "1"}]},
        parameters={"f": "x"},
    )
    job_id = desk.submit(
        jobDefinition="full", tags={"k": "v"}, containerOverrides={"environment": [{"name": "B", "value": 'ä"\n'}]}
    )
    desk.settle()
    job, now = desk.job(job_id), int(START * 1000)
    stream = job["container"]["logStreamName"]
    assert stream.startswith("full/default/")
    assert job["container"]["environment"] == [{"name": "A", "value": "1"}, {"name": "B", "value": 'ä"\n'}]
    assert (job["container"]["exitCode"], job["container"]["command"]) == (0, ["cat", "Ref::f"])
    assert (job["parameters"], job["tags"], job["dependsOn"]) == ({"f": "x"}, {"k": "v"}, [])
    assert [job[name] for name in ("createdAt", "startedAt", "stoppedAt")] == [now] * 3
    (attempt,) = job["attempts"]
    assert attempt["container"].items() >= {"exitCode": 0, "logStreamName": stream}.items()
    assert (attempt["startedAt"], attempt["stoppedAt"], attempt["statusReason"]) == (now, now, EXITED)
    assert attempt["container"]["taskArn"] == job["container"]["taskArn"]


def test_a_job_that_has_not_started_has_no_start(desk: Desk) -> None:
    job = desk.job(desk.submit())
    assert not {"startedAt", "stoppedAt", "statusReason", "isCancelled", "isTerminated"} & job.keys()
    assert (job["attempts"], job["container"]["networkInterfaces"]) == ([], [])


def test_unknown_jobs_are_absent_and_repeated_ones_come_once(desk: Desk) -> None:
    first, second = desk.submit(), desk.submit()
    found = desk("DescribeJobs", jobs=[second, UNKNOWN, first, second, "rubbish"])["jobs"]
    assert [job["jobId"] for job in found] == [second, first]


def test_a_failure_has_the_exit_code_and_reason_that_were_scripted(open_desk: OpenDesk) -> None:
    desk = open_desk(Outcome("bad*", exit_code=3, reason="OutOfMemoryError: x" + "y" * 300))
    good, bad = desk.submit("good"), desk.submit("bad-1")
    desk.settle()
    assert desk.status(good, bad) == ["SUCCEEDED", "FAILED"]
    assert desk.job(bad)["container"]["exitCode"] == 3
    assert len(desk.job(bad)["container"]["reason"]) == 255
    (summary,) = desk("ListJobs", jobQueue="local", jobStatus="FAILED")["jobSummaryList"]
    assert summary["container"] == {"exitCode": 3, "reason": desk.job(bad)["container"]["reason"]}


def test_a_failed_attempt_is_followed_by_others_as_long_as_there_are_any(open_desk: OpenDesk) -> None:
    desk = open_desk(Outcome("flaky", attempts=2, exit_code=1), Outcome("hopeless", exit_code=1))
    flaky = desk.submit("flaky", retryStrategy={"attempts": 3})
    hopeless = desk.submit("hopeless", retryStrategy={"attempts": 2})
    desk.settle()
    assert desk.status(flaky, hopeless) == ["SUCCEEDED", "FAILED"]
    assert [item["container"]["exitCode"] for item in desk.job(flaky)["attempts"]] == [1, 1, 0]
    assert len(desk.job(hopeless)["attempts"]) == 2
    streams = [item["container"]["logStreamName"] for item in desk.job(flaky)["attempts"]]
    assert len(set(streams)) == 3


def test_the_strategy_of_the_definition_counts_unless_the_job_has_its_own(open_desk: OpenDesk) -> None:
    desk = open_desk(Outcome(exit_code=1), define=False)
    desk.define(retryStrategy={"attempts": 3})
    inherited, own = desk.submit(), desk.submit(retryStrategy={"attempts": 2})
    desk.settle()
    assert [len(desk.job(job_id)["attempts"]) for job_id in (inherited, own)] == [3, 2]


def test_a_rule_decides_whether_an_attempt_is_followed_by_another(open_desk: OpenDesk) -> None:
    gone = Outcome("spot", exit_code=None, status_reason="Host EC2 (instance i-1) terminated.")
    desk = open_desk(gone, Outcome("own", exit_code=1))
    rules = [{"onStatusReason": "Host EC2*", "action": "RETRY"}, {"onReason": "*", "action": "EXIT"}]
    strategy = {"attempts": 3, "evaluateOnExit": rules}
    spot, own = desk.submit("spot", retryStrategy=strategy), desk.submit("own", retryStrategy=strategy)
    desk.settle()
    assert [len(desk.job(job_id)["attempts"]) for job_id in (spot, own)] == [3, 1]
    assert "exitCode" not in desk.job(spot)["container"]
    assert desk.job(spot)["statusReason"] == "Host EC2 (instance i-1) terminated."


def test_an_attempt_ends_at_its_timeout_and_is_not_retried(open_desk: OpenDesk) -> None:
    desk = open_desk(Outcome(seconds=100))
    slow = desk.submit(timeout={"attemptDurationSeconds": 60}, retryStrategy={"attempts": 5})
    quick = desk.submit(timeout={"attemptDurationSeconds": 101})
    desk.settle()
    assert desk.status(slow, quick) == ["RUNNING", "RUNNING"]
    desk.clock.advance(59)
    desk.settle()
    assert desk.status(slow) == ["RUNNING"]
    desk.clock.advance(1)
    desk.settle()
    assert (desk.status(slow), len(desk.job(slow)["attempts"])) == (["FAILED"], 1)
    assert desk.job(slow)["statusReason"] == "Job attempt duration exceeded timeout"
    desk.clock.advance(40)
    desk.settle()
    assert desk.status(quick) == ["SUCCEEDED"]


@pytest.mark.parametrize("operation", ["CancelJob", "TerminateJob"])
def test_a_job_that_has_not_started_is_cancelled_by_either(desk: Desk, operation: str) -> None:
    submitted = desk.submit()
    desk.turn()
    runnable = desk.submit()
    for job_id in (submitted, runnable):
        desk(operation, jobId=job_id, reason="not wanted")
    desk.settle()
    for job_id in (submitted, runnable):
        job = desk.job(job_id)
        assert (job["status"], job["statusReason"], job["attempts"]) == ("FAILED", "not wanted", [])
        assert job["isCancelled" if operation == "CancelJob" else "isTerminated"] is True


@pytest.mark.parametrize("hold", ["STARTING", "RUNNING"])
def test_cancel_is_silent_on_what_has_started_and_terminate_ends_it(open_desk: OpenDesk, hold: str) -> None:
    desk = open_desk(Outcome(hold=hold))
    job_id = desk.submit(retryStrategy={"attempts": 5})
    desk.settle()
    assert desk("CancelJob", jobId=job_id, reason="please") == {}
    desk.settle()
    job = desk.job(job_id)
    assert (job["status"], "isCancelled" in job, "statusReason" in job) == (hold, False, False)
    desk("TerminateJob", jobId=job_id, reason="now")
    desk.settle()
    job = desk.job(job_id)
    assert (job["status"], job["statusReason"], job["isTerminated"]) == ("FAILED", "now", True)
    assert (job["container"]["exitCode"], len(job["attempts"])) == (137, 1)


def test_a_pending_job_is_cancelled_when_what_it_waits_for_has_ended(open_desk: OpenDesk) -> None:
    desk = open_desk(Outcome("first", hold="RUNNING"))
    first = desk.submit("first")
    second = desk.submit("second", dependsOn=[{"jobId": first}])
    desk.settle()
    desk("CancelJob", jobId=second, reason="changed my mind")
    desk.settle()
    assert (desk.status(second), desk.job(second)["isCancelled"]) == (["PENDING"], True)
    desk.runner.release()
    desk.settle()
    assert (desk.status(first, second), desk.job(second)["statusReason"]) == (
        ["SUCCEEDED", "FAILED"],
        "changed my mind",
    )


@pytest.mark.parametrize("operation", ["CancelJob", "TerminateJob"])
def test_what_has_ended_stays_as_it_is(desk: Desk, operation: str) -> None:
    job_id = desk.submit()
    desk.settle()
    before = desk.job(job_id)
    desk(operation, jobId=job_id, reason="late")
    desk.settle()
    assert desk.job(job_id) == before


@pytest.mark.parametrize("operation", ["CancelJob", "TerminateJob"])
def test_an_unknown_job_is_no_error_and_a_malformed_id_is_one(desk: Desk, operation: str) -> None:
    assert desk(operation, jobId=UNKNOWN, reason="r") == {}
    with pytest.raises(Refused, match="is not valid"):
        desk(operation, jobId="rubbish", reason="r")


@pytest.mark.parametrize("operation", ["CancelJobs", "TerminateJobs"])
def test_the_bulk_forms_report_each_job(desk: Desk, operation: str) -> None:
    job_id = desk.submit()
    answer = desk(operation, jobs=[job_id, "rubbish", UNKNOWN], reason="r")
    assert answer["successful"] == [job_id, UNKNOWN]
    assert [(item["job"], item["code"]) for item in answer["errors"]] == [("rubbish", "ValidationException")]
    assert desk.status(job_id) == ["FAILED"]


def test_ended_jobs_are_forgotten_after_the_retention_and_not_before(open_desk: OpenDesk) -> None:
    desk = open_desk(Outcome("stays", hold="RUNNING"), retention=60)
    gone, stays = desk.submit("gone"), desk.submit("stays")
    array = desk.submit("array", arrayProperties={"size": 2})
    desk.settle()
    desk.clock.advance(60)
    desk.settle()
    assert len(desk("DescribeJobs", jobs=[gone, stays, array, f"{array}:1"])["jobs"]) == 4
    desk.clock.advance(2)
    desk.settle()
    found = desk("DescribeJobs", jobs=[gone, stays, array, f"{array}:1"])["jobs"]
    assert [job["jobId"] for job in found] == [stays]
    assert desk.listed("SUCCEEDED") == []
    assert desk.listed("SUCCEEDED", arrayJobId=array) == []
    with pytest.raises(Refused, match="not found"):
        desk.submit(dependsOn=[{"jobId": gone}])


def test_ended_jobs_are_kept_for_seven_days_unless_told(desk: Desk) -> None:
    job_id = desk.submit()
    desk.settle()
    desk.clock.advance(7 * 86_400)
    desk.settle()
    assert desk.status(job_id) == ["SUCCEEDED"]
    desk.clock.advance(2)
    desk.settle()
    assert desk("DescribeJobs", jobs=[job_id])["jobs"] == []


@pytest.mark.parametrize("hold", ["RUNNABLE", "STARTING", "RUNNING"])
def test_held_jobs_wait_to_be_released_by_name(open_desk: OpenDesk, hold: str) -> None:
    desk = open_desk(Outcome("held*", hold=hold))
    first, second, free = desk.submit("held-1"), desk.submit("held-2"), desk.submit("free")
    desk.settle()
    assert desk.status(first, second, free) == [hold, hold, "SUCCEEDED"]
    assert desk.runner.release("*-1") == 1
    desk.settle()
    assert desk.status(first, second) == ["SUCCEEDED", hold]
    assert (desk.runner.release(), desk.runner.release()) == (1, 0)


def test_jobs_run_for_as_long_as_was_scripted(open_desk: OpenDesk) -> None:
    desk = open_desk(Outcome(seconds=30))
    job_id = desk.submit()
    desk.settle()
    desk.clock.advance(29)
    desk.settle()
    assert desk.status(job_id) == ["RUNNING"]
    desk.clock.advance(1)
    desk.settle()
    job = desk.job(job_id)
    assert (job["status"], job["stoppedAt"] - job["startedAt"]) == ("SUCCEEDED", 30_000)


def test_jobs_go_on_where_they_were_when_the_endpoint_comes_back(open_desk: OpenDesk) -> None:
    held = ["RUNNING", "STARTING", "RUNNABLE"]
    desk = open_desk(*[Outcome(status, hold=status) for status in held])
    ids = [desk.submit(status) for status in held]
    desk.settle()
    ids.append(desk.submit("new"))
    again = open_desk(define=False)
    assert again.status(*ids) == [*held, "SUBMITTED"]
    again.resume()
    again.settle()
    assert again.status(*ids) == ["SUCCEEDED"] * 4
    assert [len(again.job(job_id)["attempts"]) for job_id in ids] == [1] * 4


@pytest.mark.parametrize("hold", ["RUNNABLE", "STARTING", "RUNNING"])
def test_an_end_that_was_wanted_when_the_endpoint_died_comes_when_it_is_back(open_desk: OpenDesk, hold: str) -> None:
    desk = open_desk(Outcome(hold=hold))
    job_id = desk.submit()
    desk.settle()
    desk("TerminateJob", jobId=job_id, reason="enough")
    again = open_desk(define=False)
    again.resume()
    again.settle()
    job = again.job(job_id)
    assert (job["status"], job["statusReason"]) == ("FAILED", "enough")


def test_a_cancellation_that_comes_after_the_start_is_as_if_it_had_never_been(open_desk: OpenDesk) -> None:
    """The endpoint hears of a start a moment later than it happens."""
    desk = open_desk(Outcome(hold="RUNNING"))
    job_id = desk.submit()
    desk.turn()
    assert desk.status(job_id) == ["RUNNABLE"]
    desk.runner._put(Status.STARTING, desk.runner._stages[Status.RUNNABLE].pop())
    desk("CancelJob", jobId=job_id, reason="too late")
    desk.settle()
    job = desk.job(job_id)
    assert (job["status"], "isCancelled" in job) == ("RUNNING", False)
    desk.runner.release()
    desk.settle()
    assert desk.status(job_id) == ["SUCCEEDED"]


def test_a_job_too_big_for_its_environment_stays_runnable_and_says_why(desk: Desk) -> None:
    resources = {"type": "EC2", "minvCpus": 0, "maxvCpus": 2, "instanceRole": "r", "subnets": ["s"]}
    desk("CreateComputeEnvironment", computeEnvironmentName="small", type="MANAGED", computeResources=resources)
    order = [{"order": 1, "computeEnvironment": "small"}]
    desk("CreateJobQueue", jobQueueName="small", priority=1, computeEnvironmentOrder=order)
    big = {"containerOverrides": {"resourceRequirements": [{"type": "VCPU", "value": "4"}]}}
    stuck, fits = desk.submit(jobQueue="small", **big), desk.submit(jobQueue="small")
    desk.settle()
    assert desk.status(stuck, fits) == ["RUNNABLE", "SUCCEEDED"]
    assert desk.job(stuck)["statusReason"].startswith("MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE")
    desk("UpdateComputeEnvironment", computeEnvironment="small", computeResources={"maxvCpus": 4})
    desk.settle()
    assert desk.status(stuck) == ["SUCCEEDED"]


def test_jobs_wait_for_an_environment_that_is_enabled(desk: Desk) -> None:
    desk("UpdateComputeEnvironment", computeEnvironment="local", state="DISABLED")
    job_id = desk.submit()
    desk.settle()
    assert desk.status(job_id) == ["RUNNABLE"]
    assert desk.job(job_id)["statusReason"].startswith("CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY")
    desk("UpdateComputeEnvironment", computeEnvironment="local", state="ENABLED")
    desk.settle()
    assert desk.status(job_id) == ["SUCCEEDED"]


def test_a_job_that_blocks_the_head_of_its_queue_is_cancelled_where_the_queue_says_so(desk: Desk) -> None:
    reason = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY"
    action = {"reason": reason, "state": "RUNNABLE", "maxTimeSeconds": 600, "action": "CANCEL"}
    desk("UpdateJobQueue", jobQueue="local", jobStateTimeLimitActions=[action])
    desk("UpdateComputeEnvironment", computeEnvironment="local", state="DISABLED")
    head, next_ = desk.submit(), desk.submit()
    desk.settle()
    desk.clock.advance(599)
    desk.settle()
    assert desk.status(head, next_) == ["RUNNABLE", "RUNNABLE"]
    desk.clock.advance(1)
    desk.settle()
    assert desk.status(head, next_) == ["FAILED", "RUNNABLE"]
    assert desk.job(head)["statusReason"] == f"Canceled by JobStateTimeLimit action due to reason: {reason}"


def test_the_snapshot_shows_the_first_hundred_in_the_order_of_dispatch(open_desk: OpenDesk) -> None:
    desk = open_desk(Outcome(hold="RUNNABLE"))
    ids = [desk.submit() for _ in range(101)]
    desk.settle()
    jobs = desk("GetJobQueueSnapshot", jobQueue="local")["frontOfQueue"]["jobs"]
    assert [item["jobArn"].rpartition("/")[2] for item in jobs] == ids[:100]


def test_queues_of_higher_priority_start_first(open_desk: OpenDesk) -> None:
    desk = open_desk()
    order = [{"order": 1, "computeEnvironment": "local"}]
    desk("CreateJobQueue", jobQueueName="urgent", priority=10, computeEnvironmentOrder=order)
    later, sooner = desk.submit(), desk.submit(jobQueue="urgent")
    desk.scheduler._admit()
    assert [item.id for item in desk.scheduler._ready()] == [sooner, later]


def test_a_deleted_queue_takes_its_jobs_with_it(open_desk: OpenDesk) -> None:
    desk = open_desk(Outcome(hold="RUNNING"))
    running = desk.submit()
    desk.settle()
    new = desk.submit()
    desk("UpdateJobQueue", jobQueue="local", state="DISABLED")
    desk("DeleteJobQueue", jobQueue="local")
    desk.settle()
    assert desk.status(running, new) == ["FAILED", "FAILED"]
    assert desk("DescribeJobQueues", jobQueues=["local"])["jobQueues"] == []
    with pytest.raises(Refused, match="not found"):
        desk.submit()


def test_jobs_with_ecs_properties_show_their_container_there(desk: Desk) -> None:
    container = {"name": "main", "image": "busybox", "command": ["true"], "resourceRequirements": needs()}
    task = {"containers": [container], "taskRoleArn": "r"}
    desk("RegisterJobDefinition", **definition("ecs", ecsProperties={"taskProperties": [task]}))
    override = {"taskProperties": [{"containers": [{"name": "main", "command": ["echo", "1"]}]}]}
    job_id = desk.submit(jobDefinition="ecs", ecsPropertiesOverride=override)
    desk.settle()
    job = desk.job(job_id)
    (shown,) = job["ecsProperties"]["taskProperties"]
    assert (job["container"], shown["taskRoleArn"]) == ({}, "r")
    assert shown["containers"][0].items() >= {"name": "main", "command": ["echo", "1"], "exitCode": 0}.items()
    (attempt,) = job["attempts"]
    (ended,) = attempt["taskProperties"][0]["containers"]
    assert (ended["name"], ended["exitCode"]) == ("main", 0)
    assert ended["logStreamName"] == shown["containers"][0]["logStreamName"]
    assert ended["logStreamName"].startswith("ecs/main/")


def test_overrides_must_have_the_form_of_the_definition(desk: Desk) -> None:
    container = {"name": "main", "image": "busybox", "resourceRequirements": needs()}
    desk("RegisterJobDefinition", **definition("ecs", ecsProperties={"taskProperties": [{"containers": [container]}]}))
    with pytest.raises(Refused, match="containerOverrides is not valid"):
        desk.submit(jobDefinition="ecs", containerOverrides={})
    with pytest.raises(Refused, match="ecsPropertiesOverride is not valid"):
        desk.submit(ecsPropertiesOverride={"taskProperties": []})
