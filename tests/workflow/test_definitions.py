"""Job definitions on AWS: what they hold, and that there is one for each content, whoever needs it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator

from batch_helpers import preloader
from batch_helpers.errors import InvalidInput, InvalidJob
from batch_helpers.s3 import S3Mounts
from batch_helpers.workflow import EZBatchJob, EZBatchWorkflow
from batch_helpers.workflow.definitions import Roles, content
from tests.engines.aws.account import moto_jobs
from tests.workflow.conftest import ROLE, Account

ROLES = Roles(execution=ROLE, task="arn:aws:iam::123456789012:role/task")
MOUNTS = S3Mounts(
    read=[{"source": "s3://my-bucket/in", "destination": "/mnt/data", "recursive": True}],
    write=[{"source": "/mnt/output", "destination": "s3://my-bucket/output", "recursive": True, "sse": "AES256"}],
)


def valid(held: dict[str, Any]) -> bool:
    """Whether botocore would send it as a job definition."""
    shape = get_session().get_service_model("batch").operation_model("RegisterJobDefinition").input_shape
    report = ParamValidator().validate({"jobDefinitionName": "x", **held}, shape)
    assert not report.has_errors(), report.generate_report()
    return True


def test_a_fargate_job_gets_all_that_fargate_wants() -> None:
    held = content(EZBatchJob("ubuntu", "x", storage_size=50, arch="ARM64", assign_public_ip=True), ROLES)
    assert valid(held)
    assert held["platformCapabilities"] == ["FARGATE"]
    assert held["containerProperties"] == {
        "image": "ubuntu",
        "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}],
        "executionRoleArn": ROLE,
        "jobRoleArn": ROLES.task,
        "runtimePlatform": {"operatingSystemFamily": "LINUX", "cpuArchitecture": "ARM64"},
        "networkConfiguration": {"assignPublicIp": "ENABLED"},
        "ephemeralStorage": {"sizeInGiB": 50},
    }


def test_an_ec2_job_is_not_told_what_only_fargate_takes() -> None:
    held = content(EZBatchJob("ubuntu", "x", platform="EC2"), Roles())
    assert valid(held)
    assert set(held["containerProperties"]) == {"image", "resourceRequirements"}


def test_the_preloader_rides_in_the_definition() -> None:
    held = content(EZBatchJob("ubuntu", "x", mounts=MOUNTS, preloader=True), ROLES)
    assert valid(held)
    container = held["containerProperties"]
    assert container["command"] == ["/bin/sh", "-c", preloader.script()]
    assert container["environment"] == [{"name": "EZBATCH_TRANSFER", "value": preloader.transfer_program()}]
    assert len(json.dumps(held)) < 20_000  # of the 24 KiB that a definition may have


def test_jobs_that_differ_in_their_work_only_share_a_definition() -> None:
    job = EZBatchJob("ubuntu", "x", mounts=MOUNTS, preloader=True)
    other = EZBatchJob("ubuntu", ["y"], {"A": "1"}, S3Mounts(), 2, 4096, preloader=True, tags={"t": "v"}, attempts=3)
    assert content(job, ROLES) == content(other, ROLES)
    assert content(job, ROLES) != content(replace(job, storage_size=21), ROLES)
    assert content(job, ROLES) != content(replace(job, image="debian"), ROLES)
    assert content(job, ROLES) != content(replace(job, preloader=False), ROLES)
    assert content(job, ROLES) != content(job, Roles(execution=ROLE))


def test_spot_retries_go_by_the_services_own_reasons() -> None:
    held = content(EZBatchJob("ubuntu", "x", attempts=5, retry="spot"), ROLES)
    assert valid(held)
    assert held["retryStrategy"]["attempts"] == 5
    rules = held["retryStrategy"]["evaluateOnExit"]
    assert [rule["action"] for rule in rules] == ["RETRY", "RETRY", "EXIT"]
    assert rules[0]["onStatusReason"] == "Host EC2*"
    assert "retryStrategy" not in content(EZBatchJob("ubuntu", "x", attempts=5), ROLES)


def test_fargate_without_an_execution_role_says_how_to_give_one() -> None:
    with pytest.raises(InvalidJob, match="give execution_role_arn=…, or set BATCH_HELPERS_EXECUTION_ROLE_ARN"):
        content(EZBatchJob("ubuntu", "x"), Roles())


@pytest.mark.slow
class TestOnAWS:
    """moto in this process."""

    def workflow(self, size: int = 3) -> EZBatchWorkflow:
        mounts = [{"source": "/o", "destination": f"s3://my-bucket/{n}", "recursive": True} for n in range(size)]
        jobs = {
            f"job-{n}": EZBatchJob("ubuntu:22.04", f"echo {n}", mounts=S3Mounts(write=[mounts[n]]), preloader=True)
            for n in range(size)
        }
        return EZBatchWorkflow("w", jobs, {"job-1": ["job-0"]})

    @pytest.fixture(autouse=True)
    def _bucket(self, account: Account) -> None:
        account.s3.create_bucket(Bucket="my-bucket")

    def test_a_thousand_jobs_of_one_image_have_one_definition(self, account: Account) -> None:
        ids = self.workflow(30).submit(queue="my-job-queue", engine=account.script())
        assert len(set(ids.values())) == 30
        assert len(account.definitions) == 1
        described = account.job(ids["job-1"])
        told = {item["name"]: item["value"] for item in described["container"]["environment"]}  # type: ignore[index]
        assert told["EZBATCH_COMMAND"] == "echo 1"
        assert "s3://my-bucket/1/_SUCCESS" in told["EZBATCH_S3_MOUNTS"]
        assert described["dependsOn"] == [{"jobId": ids["job-0"]}] or "dependsOn" not in described

    def test_another_script_finds_the_definition_again(self, account: Account) -> None:
        self.workflow().submit(queue="my-job-queue", engine=account.script())
        self.workflow().submit(queue="other", engine=account.script())
        assert [item["revision"] for item in account.definitions] == [1]

    def test_submitting_twice_is_one_run(self, account: Account) -> None:
        """moto ends jobs at once, without their outputs; the markers are put there as the jobs would have done."""
        self.workflow().submit(queue="my-job-queue", engine=account.script())
        for number in range(3):
            account.s3.put_object(Bucket="my-bucket", Key=f"{number}/_SUCCESS")
        before = account.jobs()
        assert self.workflow().submit(queue="my-job-queue", engine=account.script()) == dict.fromkeys(
            ["job-0", "job-1", "job-2"]
        )
        assert account.jobs() == before

    def test_what_is_all_done_registers_nothing(self, account: Account) -> None:
        for number in range(3):
            account.s3.put_object(Bucket="my-bucket", Key=f"{number}/_SUCCESS")
        self.workflow().submit(queue="my-job-queue", engine=account.script())
        assert account.definitions == []

    def test_a_plan_and_a_dry_run_register_nothing(self, account: Account) -> None:
        self.workflow().plan(queue="my-job-queue", engine=account.script())
        self.workflow().submit(queue="my-job-queue", engine=account.script(dry_run=True))
        assert account.definitions == []

    def test_definitions_that_this_call_registered_can_be_deregistered_and_only_those(self, account: Account) -> None:
        self.workflow().submit(queue="my-job-queue", engine=account.script())
        mixed = EZBatchWorkflow("v", {**self.workflow().jobs, "new": EZBatchJob("debian", "x")})
        mixed.submit(queue="other", engine=account.script(), keep_definitions=False)
        images = [item["containerProperties"]["image"] for item in account.definitions]  # type: ignore[index]
        assert images == ["ubuntu:22.04"]

    def test_what_an_earlier_submit_of_the_same_helper_registered_stays(self, account: Account) -> None:
        helper = account.script()
        self.workflow().submit(queue="my-job-queue", engine=helper)
        EZBatchWorkflow("v", {"a": EZBatchJob("debian", "x")}).submit(
            queue="my-job-queue", engine=helper, keep_definitions=False
        )
        images = [item["containerProperties"]["image"] for item in account.definitions]  # type: ignore[index]
        assert images == ["ubuntu:22.04"]

    def test_a_held_job_keeps_its_definition_until_it_has_been_submitted(self, account: Account) -> None:
        parts = {f"part-{n}": EZBatchJob("ubuntu", f"echo {n}", platform="EC2") for n in range(21)}
        gather = EZBatchJob("debian", "echo all", platform="EC2")
        workflow = EZBatchWorkflow("w", {**parts, "all": gather}, {"all": list(parts)})
        workflow.submit(queue="my-job-queue", engine=account.script(), keep_definitions=False)
        assert len(account.jobs()) == 21
        assert len(account.definitions) == 2
        assert workflow.monitor(interval=0.01).exit_code == 0
        assert len(account.jobs()) == 22
        assert account.definitions == []

    def test_they_are_deregistered_when_the_submission_fails_too(self, account: Account) -> None:
        long = EZBatchWorkflow("w", {"a": EZBatchJob("ubuntu", "x" * 9000, platform="EC2")})
        with pytest.raises(InvalidInput, match="put the long part in a file"):
            long.submit(queue="my-job-queue", engine=account.script(), keep_definitions=False)
        assert account.definitions == []
        assert account.jobs() == []

    def test_a_deregistered_definition_does_not_make_running_work_unrecognisable(self, account: Account) -> None:
        first = self.workflow().submit(queue="my-job-queue", engine=account.script(), keep_definitions=False)
        for job in moto_jobs().values():
            job.status = "RUNNING"
        second = self.workflow().submit(queue="my-job-queue", engine=account.script(), keep_definitions=False)
        assert second == first

    def test_the_same_work_with_more_storage_or_another_role_is_not_sent_beside_itself(self, account: Account) -> None:
        job = EZBatchJob("ubuntu", "x", mounts=MOUNTS, preloader=True)
        first = EZBatchWorkflow("w", {"a": job}).submit(queue="my-job-queue", engine=account.script())
        for active in moto_jobs().values():
            active.status = "RUNNING"
        bigger = EZBatchWorkflow("w", {"a": replace(job, storage_size=100, memory=4096, platform="FARGATE")})
        again = bigger.submit(queue="my-job-queue", engine=account.script(), execution_role_arn="arn:other")
        assert again == first
        assert bigger.cancel(queue="my-job-queue", engine=account.script()) == list(first.values())

    def test_plan_and_cancel_need_no_role(self, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
        ids = self.workflow().submit(queue="my-job-queue", engine=account.script())
        for active in moto_jobs().values():
            active.status = "RUNNING"
        monkeypatch.delenv("BATCH_HELPERS_EXECUTION_ROLE_ARN")
        plan = self.workflow().plan(queue="my-job-queue", engine=account.script())
        assert {str(item.action) for item in plan} == {"reuse"}
        assert set(self.workflow().cancel(queue="my-job-queue", engine=account.script())) == set(ids.values())

    def test_timeouts_roles_and_queues_reach_the_service(self, account: Account) -> None:
        job = EZBatchJob("ubuntu", "x", queue="other", timeout=90, attempts=2)
        ids = EZBatchWorkflow("w", {"a": job}).submit(
            queue="my-job-queue", engine=account.script(), task_role_arn="arn:t"
        )
        assert account.jobs("other") == [ids["a"]]
        described: Any = account.job(ids["a"])
        assert described["timeout"] == {"attemptDurationSeconds": 90}
        held: Any = account.definitions[0]["containerProperties"]
        assert (held["executionRoleArn"], held["jobRoleArn"]) == (ROLE, "arn:t")

    def test_fargate_without_a_role_is_refused_before_any_call(
        self, account: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("BATCH_HELPERS_EXECUTION_ROLE_ARN")
        with pytest.raises(InvalidJob, match="Fargate needs an execution role"):
            self.workflow().submit(queue="my-job-queue", engine=account.script())
        assert account.definitions == []
