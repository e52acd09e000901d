"""Definitions that are named by what they hold: each registered once, whoever comes at the same time."""

from __future__ import annotations

import json
import re
import threading
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from batch_helpers.engines.aws import AWSEngine, definition_name, images
from batch_helpers.engines.aws.contents import MAX_CONTENT, REGISTERED_TAG
from batch_helpers.errors import AccessDenied, AmbiguousAnswer, InvalidInput, NotFound, ServiceError, SubmitFailed
from batch_helpers.job import Job
from tests.engines.aws.conftest import Sleeps, made
from tests.engines.aws.service import Answer, Service, accepted_but, answers, says

CONTENT = {"type": "container", "containerProperties": {"image": "tool", "command": ["run"]}, "tags": {"team": "x"}}
NAME = definition_name("tool", CONTENT)


def job(name: str = "s1", **fields: Any) -> Job:
    return Job(name, command=["run", name], **fields).bound("q", ())


def name_of_image(image: str) -> str:
    return definition_name(image, images.content(image))


def registered(name: str, revision: int = 1, age: float = 0.0, **members: Any) -> dict[str, Any]:
    """A definition of ours that is so many days old."""
    moment = datetime.fromtimestamp(time.time() - age * 86400, UTC).isoformat(timespec="seconds")
    known = {"jobDefinitionName": name, "revision": revision, "status": "ACTIVE", "tags": {REGISTERED_TAG: moment}}
    return {**known, **members}


class TestNames:
    def test_they_tell_contents_apart_and_fit_the_service(self) -> None:
        names = {name_of_image(image) for image in ("a/b", "a:b", "a-b", "x" * 255, "x" * 254)}
        assert len(names) == 5
        assert max(map(len, names)) == 128
        assert all(re.fullmatch(r"bh-[A-Za-z0-9_-]+-[0-9a-f]{16}", name) for name in names)
        assert name_of_image("a/b").startswith("bh-a-b-")

    def test_they_are_the_same_in_every_process_and_for_every_order_of_members(self) -> None:
        assert definition_name("a", {"x": 1, "y": {"b": 1, "a": 2}}) == definition_name(
            "a", {"y": {"a": 2, "b": 1}, "x": 1}
        )
        assert NAME == "bh-tool-fcb97eb40584b204"


class TestDefine:
    def test_a_content_is_looked_up_once_and_registered_once(self, engine: AWSEngine, service: Service) -> None:
        assert [engine.define("tool", CONTENT) for _ in range(3)] == [NAME] * 3
        assert [operation for operation, _ in service.posts] == ["describejobdefinitions", "registerjobdefinition"]
        assert service.bodies("describejobdefinitions") == [{"jobDefinitionName": NAME, "status": "ACTIVE"}]
        assert engine.registered == (f"{NAME}:1",)

    def test_what_is_registered_is_the_content_and_when(self, engine: AWSEngine, service: Service) -> None:
        engine.define("tool", CONTENT)
        [body] = service.bodies("registerjobdefinition")
        assert abs(datetime.fromisoformat(body["tags"].pop(REGISTERED_TAG)).timestamp() - time.time()) < 60
        assert body == {"jobDefinitionName": NAME, **CONTENT}

    def test_one_that_is_active_already_is_used_and_is_not_ours_to_deregister(
        self, engine: AWSEngine, service: Service
    ) -> None:
        service.definitions += [registered(NAME, 1), registered(NAME, 2)]
        assert engine.define("tool", CONTENT) == NAME
        assert service.count("registerjobdefinition") == 0
        assert engine.registered == ()

    def test_one_that_was_deregistered_is_registered_anew(self, engine: AWSEngine, service: Service) -> None:
        service.definitions.append(registered(NAME, 1, status="INACTIVE"))
        engine.define("tool", CONTENT)
        assert engine.registered == (f"{NAME}:2",)

    def test_a_content_that_is_too_long_is_refused_before_anything_is_sent(
        self, engine: AWSEngine, service: Service
    ) -> None:
        def content(size: int) -> dict[str, Any]:
            return {"type": "container", "containerProperties": {"command": ["x" * size]}}

        frame = {**registered(definition_name("tool", content(0))), **content(0)}
        del frame["revision"], frame["status"]
        room = MAX_CONTENT - len(json.dumps(frame, separators=(",", ":")))
        engine.define("tool", content(room))
        posts = len(service.posts)
        with pytest.raises(InvalidInput, match=r"'bh-tool-\w+' comes to 24577 bytes, and the service takes 24576"):
            engine.define("tool", content(room + 1))
        assert len(service.posts) == posts

    @pytest.mark.parametrize("content", [b"", b'{"jobDefin', b'{"jobDefinitionName": "n"}'])
    def test_a_registration_whose_answer_is_lost_is_found_and_not_repeated(
        self, content: bytes, engine: AWSEngine, service: Service
    ) -> None:
        service.script["registerjobdefinition"].append(accepted_but(200, content))
        service.script["describejobdefinitions"].extend([Service.normal, answers(jobDefinitions=[]), answers()])
        assert engine.define("tool", CONTENT) == NAME
        assert (service.count("registerjobdefinition"), engine.registered) == (1, ())

    def test_a_registration_that_left_no_trace_is_repeated(self, engine: AWSEngine, service: Service) -> None:
        service.script["registerjobdefinition"].append(says(500, "ServerException"))
        engine.define("tool", CONTENT)
        assert (service.count("registerjobdefinition"), len(service.definitions)) == (2, 1)

    def test_a_registration_that_is_refused_is_an_error_and_is_tried_again_by_the_next_call(
        self, engine: AWSEngine, service: Service
    ) -> None:
        service.script["registerjobdefinition"].append(says(403, "AccessDeniedException"))
        with pytest.raises(AccessDenied, match=f"register job definition '{NAME}'"):
            engine.define("tool", CONTENT)
        assert engine.define("tool", CONTENT) == NAME

    def test_a_lookup_that_was_cut_short_is_never_read_as_not_there(self, engine: AWSEngine, service: Service) -> None:
        service.definitions.append(registered(NAME))
        service.script["describejobdefinitions"].extend([answers(), accepted_but(200, b'{"jobDef'), says(500, "x")])
        engine.define("tool", CONTENT)
        assert service.count("registerjobdefinition") == 0


class TestRaces:
    def test_two_scripts_that_register_at_once_end_with_one_content(self, service: Service) -> None:
        both_have_looked = threading.Barrier(2, timeout=10)
        service.on_arrival["registerjobdefinition"] = lambda body: both_have_looked.wait()
        engines = [made(service, Sleeps()) for _ in range(2)]
        threads = [threading.Thread(target=engine.submit, args=([job(image="ubuntu")],)) for engine in engines]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        contents = [{**item, "revision": 0, "tags": {}} for item in service.definitions]
        assert contents == [contents[0]] * 2
        assert {body["jobDefinition"] for body in service.bodies("submitjob")} == {contents[0]["jobDefinitionName"]}
        assert {name for engine in engines for name in engine.registered} == {
            f"{name_of_image('ubuntu')}:1",
            f"{name_of_image('ubuntu')}:2",
        }

    def test_a_conflict_with_another_script_is_settled_by_using_its_definition(
        self, engine: AWSEngine, service: Service
    ) -> None:
        def another_is_quicker(service: Service, operation: str, body: dict[str, Any]) -> Answer:
            service.normal(operation, body)
            return says(409, "ConflictException", "being registered")(service, operation, body)

        service.script["registerjobdefinition"].append(another_is_quicker)
        assert engine.define("tool", CONTENT) == NAME
        assert (service.count("registerjobdefinition"), engine.registered) == (1, ())

    def test_a_conflict_that_leaves_nothing_behind_is_tried_again(self, engine: AWSEngine, service: Service) -> None:
        service.script["registerjobdefinition"].append(says(409, "ConflictException"))
        assert engine.define("tool", CONTENT) == NAME
        assert engine.registered == (f"{NAME}:1",)
        service.script["registerjobdefinition"].extend([says(409, "ConflictException")] * 9)
        with pytest.raises(AmbiguousAnswer, match="somebody else is registering it"):
            engine.define("other", CONTENT)

    def test_a_definition_that_another_script_deregisters_meanwhile_is_registered_again(
        self, engine: AWSEngine, service: Service
    ) -> None:
        def has_none(service: Service, operation: str, body: dict[str, Any]) -> Answer:
            if not any(item["status"] == "ACTIVE" for item in service.definitions):
                message = f"JobDefinition name {body['jobDefinition']} does not exist or is not in ACTIVE status"
                return says(400, "ClientException", message)(service, operation, body)
            return service.normal(operation, body)

        engine.submit([job("s0", image="ubuntu")])
        engine.deregister(engine.registered)
        service.script["submitjob"].extend([has_none] * 30)
        ids = engine.submit([job(f"s{number}", image="ubuntu") for number in range(1, 9)])
        assert len(set(ids)) == 8
        assert [item["status"] for item in service.definitions] == ["INACTIVE", "ACTIVE"]

    def test_a_definition_of_the_users_own_that_is_gone_is_an_error(self, engine: AWSEngine, service: Service) -> None:
        service.script["submitjob"].append(says(400, "ClientException", "JobDefinition name mine does not exist"))
        with pytest.raises(SubmitFailed, match="does not exist") as caught:
            engine.submit([job(job_definition="mine")])
        assert isinstance(caught.value.__cause__, NotFound)
        assert (service.count("registerjobdefinition"), service.count("submitjob")) == (0, 1)

    def test_a_queue_that_is_gone_is_an_error_for_images_too(self, engine: AWSEngine, service: Service) -> None:
        service.script["submitjob"].extend([says(400, "ClientException", "JobQueue q not found")] * 5)
        with pytest.raises(SubmitFailed, match="JobQueue q not found"):
            engine.submit([job(image="ubuntu")])
        assert (service.count("registerjobdefinition"), service.count("submitjob")) == (1, 2)


class TestDeregister:
    def test_those_that_are_gone_are_no_error_and_do_not_spare_the_others(
        self, engine: AWSEngine, service: Service
    ) -> None:
        service.definitions += [registered(NAME, 1), registered(NAME, 2)]
        service.script["deregisterjobdefinition"].append(says(404, "ClientException", "not there"))
        engine.deregister(["gone:1", f"{NAME}:2"])
        assert [item["status"] for item in service.definitions] == ["ACTIVE", "INACTIVE"]

    def test_what_may_not_be_deregistered_is_an_error(self, engine: AWSEngine, service: Service) -> None:
        service.script["deregisterjobdefinition"].append(says(403, "AccessDeniedException"))
        with pytest.raises(AccessDenied, match=f"deregister job definition '{NAME}:1'"):
            engine.deregister([f"{NAME}:1"])


class TestImages:
    def test_hundreds_of_jobs_of_one_image_share_one_definition(self, engine: AWSEngine, service: Service) -> None:
        engine.submit([job(f"s{number}", image="ubuntu:22.04") for number in range(300)])
        assert (service.count("registerjobdefinition"), service.count("describejobdefinitions")) == (1, 1)
        assert {body["jobDefinition"] for body in service.bodies("submitjob")} == {name_of_image("ubuntu:22.04")}
        engine.submit([job("more", image="ubuntu:22.04")])
        assert service.count("describejobdefinitions") == 1

    def test_what_is_registered_holds_the_image_and_harmless_defaults(self) -> None:
        needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}]
        assert images.content("ubuntu") == {
            "type": "container",
            "platformCapabilities": ["EC2"],
            "containerProperties": {"image": "ubuntu", "resourceRequirements": needs},
        }

    def test_a_registration_that_is_refused_submits_nothing(self, engine: AWSEngine, service: Service) -> None:
        service.script["registerjobdefinition"].append(says(403, "AccessDeniedException"))
        with pytest.raises(AccessDenied):
            engine.submit([job(image="ubuntu")])
        assert service.count("submitjob") == 0


DAYS = 86400.0


class TestPrune:
    def test_old_ones_of_ours_that_no_active_job_came_from_are_deregistered(
        self, engine: AWSEngine, service: Service
    ) -> None:
        names = [definition_name(stem, CONTENT) for stem in ("old", "young", "used", "waiting")]
        old, young, used, waiting = names
        service.definitions += [registered(name, age=1 if name == young else 40) for name in names]
        service.definitions.append(registered(used, 2, age=40))
        service.queues.append({"jobQueueName": "p", "state": "DISABLED"})
        arn = "arn:aws:batch:us-east-1:123456789012:job-definition/"
        service.add("a", "n", "RUNNING", jobDefinition=f"{arn}{used}:1", jobQueue="p")
        service.add("b", "n", "PENDING", jobDefinition=f"{arn}{waiting}:1")
        service.add("c", "n", "FAILED", jobDefinition=f"{arn}{old}:1")
        assert engine.prune(30 * DAYS, dry_run=True) == [f"{old}:1", f"{used}:2"]
        assert service.count("deregisterjobdefinition") == 0
        assert engine.prune(30 * DAYS) == [f"{old}:1", f"{used}:2"]
        left = [
            f"{item['jobDefinitionName']}:{item['revision']}"
            for item in service.definitions
            if item["status"] == "ACTIVE"
        ]
        assert left == [f"{young}:1", f"{used}:1", f"{waiting}:1"]

    @pytest.mark.parametrize(
        "theirs",
        [
            {"jobDefinitionName": "align"},
            {"jobDefinitionName": "bh-align"},
            {"jobDefinitionName": "my-bh-align-0123456789abcdef"},
            {"tags": {}},
            {"tags": None},
            {"tags": {REGISTERED_TAG: "long ago"}},
            {"status": "INACTIVE"},
        ],
    )
    def test_whatever_is_not_certainly_ours_and_old_is_left_alone(
        self, theirs: dict[str, Any], engine: AWSEngine, service: Service
    ) -> None:
        service.definitions.append(registered(NAME, age=400, **theirs))
        assert engine.prune(0) == []
        assert service.count("deregisterjobdefinition") == 0

    def test_what_this_engine_has_looked_up_is_kept(self, engine: AWSEngine, service: Service) -> None:
        service.definitions.append(registered(NAME, age=40))
        engine.define("tool", CONTENT)
        assert engine.prune(0) == []

    def test_jobs_whose_listing_does_not_tell_their_definition_are_asked(
        self, engine: AWSEngine, service: Service
    ) -> None:
        service.definitions.append(registered(NAME, age=40))
        service.add("a", "n", "RUNNING")
        service.script["describejobs"].append(
            answers(jobs=[{"jobId": "a", "jobName": "n", "status": "RUNNING", "jobDefinition": f"{NAME}:1"}])
        )
        assert engine.prune(0) == []

    def test_nothing_is_deregistered_when_it_cannot_be_told_what_is_used(
        self, engine: AWSEngine, service: Service
    ) -> None:
        service.definitions.append(registered(NAME, age=40))
        service.script["listjobs"].append(says(403, "AccessDeniedException"))
        with pytest.raises(ServiceError):
            engine.prune(0)
        assert service.count("deregisterjobdefinition") == 0

    @pytest.mark.parametrize("age", [-1, float("nan")])
    def test_an_age_that_is_none_is_refused(self, age: float, engine: AWSEngine, service: Service) -> None:
        with pytest.raises(InvalidInput, match="older_than"):
            engine.prune(age)
        assert service.posts == []
