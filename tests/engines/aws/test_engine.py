"""The engine on a small service in process: what it asks, how often, and what it makes of the answers."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from batch_helpers.engines.aws import AWSEngine, definition_name, images
from batch_helpers.errors import (
    AmbiguousAnswer,
    CredentialsError,
    InvalidJob,
    NotFound,
    ServiceError,
)
from batch_helpers.job import Job
from tests.engines.aws.service import Service, answers, says


def job(name: str = "s1", queue: str = "q", **fields: Any) -> Job:
    if "image" not in fields:
        fields.setdefault("job_definition", "align")
    return Job(name, command=["run", name], **fields).bound(queue, ())


def name_of_image(image: str) -> str:
    return definition_name(image, images.content(image))


def definition(name: str, revision: int, status: str = "ACTIVE", **members: Any) -> dict[str, Any]:
    return {"jobDefinitionName": name, "revision": revision, "status": status, "type": "container", **members}


class TestDescribe:
    def test_ids_are_asked_in_hundreds_and_each_once(self, engine: AWSEngine, service: Service) -> None:
        ids = [f"id-{number}" for number in range(250)]
        for job_id in ids:
            service.add(job_id, "n", "RUNNING")
        assert set(engine.describe([*ids, *ids])) == set(ids)
        assert sorted(len(body["jobs"]) for body in service.bodies("describejobs")) == [50, 100, 100]

    def test_bug_5_a_job_that_has_aged_out_is_absent_and_not_an_index_error(
        self, engine: AWSEngine, service: Service
    ) -> None:
        service.add("there", "n", "RUNNING")
        assert set(engine.describe(["gone", "there"])) == {"there"}
        assert engine.describe(["gone"]) == {}

    def test_nothing_is_asked_for_nothing(self, engine: AWSEngine, service: Service) -> None:
        assert engine.describe([]) == {}
        assert engine.submit([]) == []
        engine.terminate([], "x")
        assert list(engine.active([])) == []
        assert service.posts == []

    def test_a_description_that_was_cut_short_is_asked_again(self, engine: AWSEngine, service: Service) -> None:
        service.add("there", "n", "RUNNING")
        service.script["describejobs"].append(answers())
        assert set(engine.describe(["there"])) == {"there"}
        service.script["describejobs"].extend([answers()] * 50)
        with pytest.raises(AmbiguousAnswer):
            engine.describe(["there"])

    def test_expired_credentials_are_told_at_once(self, engine: AWSEngine, service: Service) -> None:
        service.script["describejobs"].append(says(403, "ExpiredTokenException", "The security token has expired"))
        with pytest.raises(CredentialsError, match="log in again"):
            engine.describe(["there"])
        assert service.count("describejobs") == 1


class TestTerminate:
    def test_fifty_go_to_a_call_and_one_goes_alone(self, engine: AWSEngine, service: Service) -> None:
        ids = [f"id-{number}" for number in range(120)]
        for job_id in ids:
            service.add(job_id, "n", "RUNNING")
        engine.terminate(ids, "enough")
        assert sorted(len(body["jobs"]) for body in service.bodies("terminatejobs")) == [20, 50, 50]
        assert {body["reason"] for body in service.bodies("terminatejobs")} == {"enough"}
        assert service.count("terminatejob") == 0
        engine.terminate(["id-0"], "enough")
        assert service.bodies("terminatejob") == [{"jobId": "id-0", "reason": "enough"}]

    def test_a_service_that_does_not_know_the_call_is_asked_one_by_one_from_then_on(
        self, engine: AWSEngine, service: Service
    ) -> None:
        for job_id in ("a", "b"):
            service.add(job_id, "n", "RUNNING")
        service.script["terminatejobs"].append(says(404, "404", "<html>\nNot Found"))
        engine.terminate(["a", "b"], "enough")
        engine.terminate(["a", "b"], "enough")
        assert (service.count("terminatejobs"), service.count("terminatejob")) == (1, 4)
        assert {item["status"] for item in service.jobs.values()} == {"FAILED"}

    def test_an_sdk_that_is_too_old_to_know_the_call_ends_them_one_by_one(
        self, engine: AWSEngine, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for job_id in ("a", "b"):
            service.add(job_id, "n", "RUNNABLE")
        for call in ("terminate_jobs", "cancel_jobs"):
            monkeypatch.delattr(type(engine._batch._client), call)
        engine.cancel(["a", "b"], "enough")
        engine.terminate(["a", "b"], "enough")
        assert [operation for operation, _ in service.posts] == ["canceljob"] * 2 + ["terminatejob"] * 2

    def test_jobs_that_the_bulk_call_could_not_end_are_tried_alone(self, engine: AWSEngine, service: Service) -> None:
        for job_id in ("a", "b"):
            service.add(job_id, "n", "RUNNING")
        errors = [{"job": "b", "code": "ThrottlingException", "message": "slow"}]
        service.script["terminatejobs"].append(answers(successful=["a"], errors=errors))
        engine.terminate(["a", "b"], "enough")
        assert [body["jobId"] for body in service.bodies("terminatejob")] == ["b"]

    def test_one_refusal_does_not_spare_the_others(self, engine: AWSEngine, service: Service) -> None:
        for job_id in ("a", "b", "c"):
            service.add(job_id, "n", "RUNNING")
        service.script["terminatejobs"].append(says(403, "AccessDeniedException"))
        service.script["terminatejob"].append(says(403, "AccessDeniedException", "not this one"))
        with pytest.raises(ServiceError, match=r"1 jobs could not be ended.*not this one"):
            engine.terminate(["a", "b", "c"], "enough")
        assert sorted(item["status"] for item in service.jobs.values()) == ["FAILED", "FAILED", "RUNNING"]

    def test_a_cancel_leaves_what_has_started_and_what_has_ended(self, engine: AWSEngine, service: Service) -> None:
        states = ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED"]
        for status in states:
            service.add(status, "n", status)
        engine.cancel(states, "twice")
        left = {job_id: item["status"] for job_id, item in service.jobs.items() if item["status"] != "FAILED"}
        assert left == {status: status for status in ("STARTING", "RUNNING", "SUCCEEDED")}
        assert [operation for operation, _ in service.posts] == ["canceljobs"]
        engine.cancel(["SUBMITTED"], "twice")
        assert service.bodies("canceljob") == [{"jobId": "SUBMITTED", "reason": "twice"}]

    def test_unknown_jobs_are_left_alone(self, engine: AWSEngine, service: Service) -> None:
        service.script["terminatejob"].append(says(400, "ClientException", "Job gone does not exist"))
        engine.terminate(["gone"], "enough")

    def test_credentials_that_are_refused_end_it_at_once(self, engine: AWSEngine, service: Service) -> None:
        service.script["terminatejobs"].append(says(403, "ExpiredTokenException"))
        with pytest.raises(CredentialsError):
            engine.terminate(["a", "b"], "enough")
        assert service.count("terminatejob") == 0

    def test_a_reason_is_cut_to_what_the_service_takes(self, engine: AWSEngine, service: Service) -> None:
        service.add("a", "n", "RUNNING")
        engine.terminate(["a"], "x" * 5000)
        assert len(service.bodies("terminatejob")[0]["reason"]) == 1024


class TestCheck:
    def test_each_queue_and_definition_is_looked_up_once_and_in_bulk(self, engine: AWSEngine, service: Service) -> None:
        service.queues += [{"jobQueueName": f"q{n}", "state": "ENABLED", "status": "VALID"} for n in range(30)]
        service.definitions += [definition("align", n) for n in (1, 2, 3)]
        jobs = [job(f"s{n}", f"q{n % 30}", job_definition=f"align:{n % 3 + 1}") for n in range(300)]
        engine.check(jobs)
        engine.check(jobs)
        assert [operation for operation, _ in service.posts] == ["describejobqueues", "describejobdefinitions"]

    def test_nothing_is_registered_or_submitted(self, engine: AWSEngine, service: Service) -> None:
        engine.check([job(image="ubuntu")])
        assert [operation for operation, _ in service.posts] == ["describejobqueues"]

    def test_a_limit_is_found_before_anything_is_asked(self, engine: AWSEngine, service: Service) -> None:
        with pytest.raises(InvalidJob, match="timeout=59"):
            engine.check([job(), job(timeout=59)])
        assert service.posts == []

    @pytest.mark.parametrize(
        ("queue", "error", "message"),
        [
            (None, NotFound, r"'s1': job_queue='q9' does not exist.*region"),
            ({"state": "DISABLED", "status": "VALID"}, InvalidJob, "queue is DISABLED.*enable it"),
            ({"state": "ENABLED", "status": "INVALID", "statusReason": "no roles"}, InvalidJob, "INVALID.*no roles"),
            ({"state": "ENABLED", "status": "DELETING"}, InvalidJob, "DELETING"),
            ({"state": "ENABLED", "schedulingPolicyArn": "arn"}, InvalidJob, "share identifier"),
        ],
    )
    def test_a_queue_that_takes_no_jobs(
        self, queue: dict[str, str] | None, error: type[Exception], message: str, engine: AWSEngine, service: Service
    ) -> None:
        service.definitions.append(definition("align", 1))
        service.queues += [{"jobQueueName": "q9", **queue}] if queue else []
        with pytest.raises(error, match=message):
            engine.check([job("s0"), job("s1", "q9"), job("s2", "q9")])

    def test_a_queue_that_has_been_enabled_meanwhile_is_looked_at_again(
        self, engine: AWSEngine, service: Service
    ) -> None:
        service.definitions.append(definition("align", 1))
        service.queues[0]["state"] = "DISABLED"
        with pytest.raises(InvalidJob):
            engine.check([job()])
        service.queues[0]["state"] = "ENABLED"
        engine.check([job()])

    def test_an_image_goes_to_no_queue_of_another_kind(self, engine: AWSEngine, service: Service) -> None:
        service.definitions.append(definition("align", 1, platformCapabilities=["FARGATE"]))
        service.queues[0]["jobQueueType"] = "ECS_FARGATE"
        engine.check([job()])
        with pytest.raises(InvalidJob, match=r"image='ubuntu'.*ECS_FARGATE"):
            engine.check([job(image="ubuntu")])
        service.queues.append({"jobQueueName": "ec2", "state": "ENABLED", "jobQueueType": "ECS"})
        engine.check([job(queue="ec2", image="ubuntu")])

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ("other", "'s1': job_definition='other' does not exist, or has no active revision"),
            ("other:1", "'other:1' does not exist"),
            ("retired", "'retired' does not exist, or has no active revision"),
            ("align:1", "'align:1' is not active; active are align:2, align:10"),
            ("arn:aws:batch:us-east-1:123456789012:job-definition/align:7", "is not active; active are"),
        ],
    )
    def test_a_definition_that_is_not_there(
        self, given: str, message: str, engine: AWSEngine, service: Service
    ) -> None:
        service.definitions += [definition("align", 1, "INACTIVE"), definition("align", 2), definition("align", 10)]
        service.definitions.append(definition("retired", 1, "INACTIVE"))
        with pytest.raises(NotFound, match=message):
            engine.check([job("s1", job_definition=given), job("s2", job_definition=given)])

    def test_a_name_means_its_newest_active_revision(self, engine: AWSEngine, service: Service) -> None:
        service.definitions += [
            definition("align", 9, platformCapabilities=["FARGATE"]),
            definition("align", 10),
            definition("align", 11, "INACTIVE", platformCapabilities=["FARGATE"]),
        ]
        for given in ("align", "arn:aws:batch:us-east-1:123456789012:job-definition/align", "align:10"):
            engine.check([job(job_definition=given, gpus=1)])
        with pytest.raises(InvalidJob, match="Fargate"):
            engine.check([job(job_definition="align:9", gpus=1)])

    def test_every_job_is_held_against_its_definition(self, engine: AWSEngine, service: Service) -> None:
        service.definitions.append(definition("align", 1, platformCapabilities=["FARGATE"]))
        with pytest.raises(InvalidJob, match=r"job 's2'.*8 vCPUs with 16384 MiB"):
            engine.check([job("s1", vcpus=1, memory=2048), job("s2", vcpus=7, memory=2048)])

    def test_an_image_takes_whole_vcpus(self, engine: AWSEngine) -> None:
        with pytest.raises(InvalidJob, match=r"vcpus=0\.5.*give 1"):
            engine.check([job(image="ubuntu", vcpus=0.5)])


def test_making_an_engine_needs_no_region_makes_no_call_and_loads_no_sdk() -> None:
    program = (
        "import sys; from batch_helpers.engines.aws import AWSEngine; AWSEngine();"
        "sys.exit(bool({'boto3', 'botocore'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], env={}, check=False).returncode == 0


def test_it_says_what_it_takes(engine: AWSEngine) -> None:
    assert (engine.name, engine.capabilities.max_dependencies) == ("aws", 20)
    assert not engine.capabilities.failure_dependencies


def test_waiting_is_the_callers(engine: AWSEngine, sleeps: list[float]) -> None:
    engine.wait(60)
    assert sleeps == [60]
