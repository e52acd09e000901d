"""The engine on a small service in process: what it asks, how often, and what it makes of the answers."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from batch_helpers.engines.aws import AWSEngine
from batch_helpers.engines.aws.images import name_of
from batch_helpers.errors import (
    AccessDenied,
    AmbiguousAnswer,
    CredentialsError,
    InvalidJob,
    NotFound,
    ServiceError,
)
from batch_helpers.job import Job, Status
from tests.engines.aws.service import Service, accepted_but, answers, says


def job(name: str = "s1", queue: str = "q", **fields: Any) -> Job:
    if "image" not in fields:
        fields.setdefault("job_definition", "align")
    return Job(name, command=["run", name], **fields).bound(queue, ())


def definition(name: str, revision: int, status: str = "ACTIVE", **members: Any) -> dict[str, Any]:
    return {"jobDefinitionName": name, "revision": revision, "status": status, "type": "container", **members}


class TestActive:
    def test_every_state_is_listed_in_the_order_in_which_a_job_moves(self, engine: AWSEngine, service: Service) -> None:
        for status in Status:
            service.add(f"id-{status}", f"job-{status}", status)
        found = [detail.job_id for detail in engine.active(["q"])]
        assert found == ["id-SUBMITTED", "id-PENDING", "id-RUNNABLE", "id-STARTING", "id-RUNNING"]
        asked = [body["jobStatus"] for body in service.bodies("listjobs")]
        assert asked == ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"]
        assert {body["maxResults"] for body in service.bodies("listjobs")} == {1000}
        assert service.count("describejobs") == 0

    def test_a_job_that_moves_on_between_two_calls_is_told_once_and_as_it_is_now(
        self, engine: AWSEngine, service: Service
    ) -> None:
        service.add("id", "moving", "RUNNABLE")

        def then_it_starts(service: Service, operation: str, body: dict[str, Any]) -> tuple[int, bytes]:
            answer = service.normal(operation, body)
            service.jobs["id"]["status"] = "RUNNING"
            return answer

        service.script["listjobs"].extend([Service.normal, Service.normal, then_it_starts])
        assert [(detail.job_id, detail.status) for detail in engine.active(["q"])] == [("id", Status.RUNNING)]

    def test_pages_are_followed_and_an_empty_one_is_not_the_end(self, engine: AWSEngine, service: Service) -> None:
        service.page = 10
        for number in range(25):
            service.add(f"id-{number}", f"job-{number}", "SUBMITTED")
        service.script["listjobs"].append(answers(jobSummaryList=[], nextToken="0"))
        assert len(list(engine.active(["q"]))) == 25
        assert service.count("listjobs") == 1 + 3 + 4

    def test_a_page_token_that_repeats_does_not_go_on_for_ever(self, engine: AWSEngine, service: Service) -> None:
        tokens = ["first", "second", "first", "second", "first"]
        service.script["listjobs"].extend(answers(jobSummaryList=[], nextToken=token) for token in tokens)
        with pytest.raises(ServiceError, match="same page token twice"):
            list(engine.active(["q"]))

    def test_a_page_that_was_cut_short_is_asked_again(self, engine: AWSEngine, service: Service) -> None:
        service.add("id", "there", "SUBMITTED")
        service.script["listjobs"].extend([accepted_but(200, b'{"jobSummaryLi'), answers(), says(500, "x")])
        assert [detail.job_id for detail in engine.active(["q"])] == ["id"]

    def test_a_page_that_always_comes_cut_short_is_an_error_and_never_nothing_there(
        self, engine: AWSEngine, service: Service
    ) -> None:
        service.script["listjobs"].extend([answers()] * 50)
        with pytest.raises(AmbiguousAnswer, match=r"list the SUBMITTED jobs of queue 'q'.*jobSummaryList"):
            list(engine.active(["q"]))
        assert service.count("listjobs") == 6

    @pytest.mark.parametrize("items", [[None], [{}], [{"jobName": "n", "status": "RUNNING"}]])
    def test_a_page_with_a_job_that_has_no_id_is_asked_again(
        self, items: list[Any], engine: AWSEngine, service: Service
    ) -> None:
        service.add("id", "there", "SUBMITTED")
        service.script["listjobs"].append(answers(jobSummaryList=items))
        service.script["describejobs"].append(answers(jobs=items))
        assert [detail.job_id for detail in engine.active(["q"])] == ["id"]
        assert set(engine.describe(["id"])) == {"id"}

    def test_queues_may_be_given_as_arns_and_are_told_by_name(self, engine: AWSEngine, service: Service) -> None:
        service.add("id", "there", "RUNNING")
        arn = "arn:aws:batch:us-east-1:123456789012:job-queue/q"
        assert [detail.queue for detail in engine.active([arn])] == ["q"]
        assert service.bodies("listjobs")[0]["jobQueue"] == arn

    def test_a_queue_that_is_named_twice_is_listed_once(self, engine: AWSEngine, service: Service) -> None:
        service.add("id", "there", "RUNNING")
        arn = "arn:aws:batch:us-east-1:123456789012:job-queue/q"
        assert len(list(engine.active(["q", "q", arn]))) == 1
        assert service.count("listjobs") == 5

    def test_a_queue_that_does_not_exist_is_an_error(self, engine: AWSEngine, service: Service) -> None:
        service.script["listjobs"].append(says(400, "ClientException", "JobQueue none not found."))
        with pytest.raises(NotFound, match="queue 'none'"):
            list(engine.active(["none"]))


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


class TestImages:
    def test_hundreds_of_jobs_of_one_image_share_one_definition(self, engine: AWSEngine, service: Service) -> None:
        engine.submit([job(f"s{number}", image="ubuntu:22.04") for number in range(300)])
        assert (service.count("registerjobdefinition"), service.count("describejobdefinitions")) == (1, 1)
        assert {body["jobDefinition"] for body in service.bodies("submitjob")} == {f"{name_of('ubuntu:22.04')}:1"}
        engine.submit([job("more", image="ubuntu:22.04")])
        assert service.count("describejobdefinitions") == 1

    def test_it_is_found_by_the_next_run(self, engine: AWSEngine, service: Service) -> None:
        service.definitions += [definition(name_of("ubuntu"), 1), definition(name_of("ubuntu"), 2)]
        service.definitions.append(definition(name_of("ubuntu"), 3, "INACTIVE"))
        engine.submit([job(image="ubuntu")])
        assert service.count("registerjobdefinition") == 0
        assert service.bodies("submitjob")[0]["jobDefinition"] == f"{name_of('ubuntu')}:2"

    def test_what_is_registered_holds_the_image_and_harmless_defaults(
        self, engine: AWSEngine, service: Service
    ) -> None:
        engine.submit([job(image="ubuntu")])
        needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}]
        assert service.bodies("registerjobdefinition") == [
            {
                "jobDefinitionName": name_of("ubuntu"),
                "type": "container",
                "platformCapabilities": ["EC2"],
                "containerProperties": {"image": "ubuntu", "resourceRequirements": needs},
            }
        ]

    def test_names_tell_images_apart_and_fit_the_service(self) -> None:
        names = {name_of(image) for image in ("a/b", "a:b", "a-b", "x" * 255, "x" * 254)}
        assert len(names) == 5
        assert max(map(len, names)) == 128
        assert name_of("a/b").startswith("bh-a-b-")

    def test_a_registration_whose_answer_is_lost_is_found_and_not_repeated(
        self, engine: AWSEngine, service: Service
    ) -> None:
        service.script["registerjobdefinition"].append(accepted_but(200, b""))
        engine.submit([job(image="ubuntu")])
        assert service.count("registerjobdefinition") == 1
        assert service.bodies("submitjob")[0]["jobDefinition"].endswith(":1")

    def test_a_registration_that_is_refused_submits_nothing(self, engine: AWSEngine, service: Service) -> None:
        service.script["registerjobdefinition"].append(says(403, "AccessDeniedException"))
        with pytest.raises(AccessDenied, match="image 'ubuntu'"):
            engine.submit([job(image="ubuntu")])
        assert service.count("submitjob") == 0


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
