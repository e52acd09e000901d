"""Every limit of the service: what is at it is sent; what is beyond is refused with its value, and nothing is sent."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from batch_helpers.engines.aws import AWSEngine
from batch_helpers.errors import BatchHelpersError, InvalidJob
from batch_helpers.job import Job
from tests.engines.aws.service import Service

MANY = {f"tag{number}": "x" for number in range(60)}


def tags(number: int) -> dict[str, str]:
    return dict(list(MANY.items())[:number])


@dataclass(frozen=True)
class Limit:
    """`field` may be `at`, and not `beyond`; `given` are the other fields, `named` is what the message must say."""

    field: str
    at: Any
    beyond: Any
    named: str
    given: dict[str, Any] = field(default_factory=dict)
    definition: dict[str, Any] = field(default_factory=dict)


FARGATE = {"platformCapabilities": ["FARGATE"]}
OLD_TAGS = {"propagateTags": True, "tags": tags(40)}

LIMITS = {
    "payload of 30 KiB": Limit("parameters", {"p": "x" * 29900}, {"p": "x" * 30720}, "30720", {"command": ["true"]}),
    "overrides of 8,192 characters": Limit("command", ["x" * 7700], ["x" * 7800], "8192"),
    "overrides with parameters": Limit(
        "parameters", {"p": "x" * 7700}, {"p": "x" * 7800}, "8192", {"command": ["cat", "Ref::p"]}
    ),
    "overrides with the definition's command": Limit(
        "parameters",
        {"p": "x" * 7700},
        {"p": "x" * 7800},
        "8192",
        definition={"containerProperties": {"command": ["cat", "Ref::p"]}},
    ),
    "queue name of 128": Limit("job_queue", "q" * 128, "q" * 129, "q" * 50),
    "queue name's letters": Limit("job_queue", "q_-9", "q!", "'q!'"),
    "queue name's first letter": Limit("job_queue", "9q", "-q", "'-q'"),
    "definition name of 128": Limit("job_definition", "d" * 128, "d" * 129, "d" * 50),
    "definition name's letters": Limit("job_definition", "d_-9", "d.e", "'d.e'"),
    "tags, 50 with ours": Limit("tags", tags(48), tags(49), "49 tags"),
    "tags, 50 with the definition's": Limit(
        "tags", {"a": "", **tags(40)}, {f"n{n}": "" for n in range(9)}, "51", definition=OLD_TAGS
    ),
    "tag key of 128": Limit("tags", {"k" * 128: ""}, {"k" * 129: ""}, "k" * 50),
    "tag value of 256": Limit("tags", {"k": "v" * 256}, {"k": "v" * 257}, "v" * 50),
    "tag letters": Limit("tags", {"k": "a+b"}, {"k": "a*b"}, "a*b"),
    "tags of AWS": Limit("tags", {"a-ws:x": ""}, {"aws:x": ""}, "aws:x"),
    "timeout of 60 s": Limit("timeout", 60, 59, "59"),
    "environment of the service": Limit("environment", {"AWS_BATC": "x"}, {"AWS_BATCH_X": "x"}, "AWS_BATCH_X"),
    "environment names": Limit("environment", {"a.b": "="}, {"a=b": "x"}, "a=b"),
    "environment values": Limit("environment", {"A": ""}, {"A": "x\0"}, "NUL"),
    "no empty word": Limit("command", ["a", " "], ["a", ""], "''"),
    "image name of 255": Limit("image", "i" * 255, "i" * 256, "i" * 50, {"job_definition": None}),
    "image name's letters": Limit("image", "i/j:1@sha256:0", "i j", "'i j'", {"job_definition": None}),
    "memory of 4 MiB": Limit("memory", 4, 3, "3"),
    "Fargate pairs": Limit(
        "memory", 2048, 2049, "2049 MiB: the nearest is 1 vCPUs with 3072 MiB", {"vcpus": 1}, FARGATE
    ),
    "Fargate without GPUs": Limit("gpus", 0, 1, "gpus=1", {"vcpus": 1, "memory": 2048}, FARGATE),
    "whole vCPUs on EC2": Limit("vcpus", 2.0, 1.5, "1.5"),
    "no overrides of several containers": Limit(
        "command", [], ["true"], "true", definition={"ecsProperties": {"taskProperties": []}, "eksProperties": {"x": 1}}
    ),
}


def made(limit: Limit, value: Any) -> Job:
    fields = {"job_definition": "align", "job_queue": "q", **limit.given, limit.field: value}
    return Job("over", **fields)


def furnish(service: Service, limit: Limit, value: Any) -> None:
    job = made(limit, value)
    service.queues.append({"jobQueueName": job.job_queue, "state": "ENABLED", "status": "VALID"})
    for name in ("align", job.job_definition):
        members = {"jobDefinitionName": name, "revision": 1, "status": "ACTIVE", **limit.definition}
        service.definitions.append(members)


@pytest.mark.parametrize("name", LIMITS)
def test_what_is_at_the_limit_is_sent(name: str, engine: AWSEngine, service: Service) -> None:
    limit = LIMITS[name]
    furnish(service, limit, limit.at)
    job = made(limit, limit.at)
    engine.check([job])
    assert engine.submit([job]) == ["job-1"]


@pytest.mark.parametrize("name", LIMITS)
def test_what_is_beyond_is_refused_with_its_value_and_nothing_is_sent(
    name: str, engine: AWSEngine, service: Service
) -> None:
    limit = LIMITS[name]
    furnish(service, limit, limit.beyond)
    fine = Job("fine", job_definition="align", job_queue="q")
    with pytest.raises(InvalidJob) as caught:
        engine.check([fine, made(limit, limit.beyond)])
    assert (caught.value.job, caught.value.field) == ("over", limit.field)
    assert limit.named in str(caught.value)
    assert service.count("submitjob") == service.count("registerjobdefinition") == 0


def test_twenty_dependencies_are_sent_and_twenty_one_are_not(engine: AWSEngine, service: Service) -> None:
    upstream = [f"id-{number}" for number in range(21)]
    job = Job("over", job_definition="align")
    with pytest.raises(InvalidJob, match=r"depends_on=\['id-0', .*21 jobs"):
        engine.submit([Job("fine", job_definition="align").bound("q", ()), job.bound("q", upstream)])
    assert service.posts == []
    engine.submit([job.bound("q", upstream[:20])])
    assert len(service.bodies("submitjob")[0]["dependsOn"]) == 20


@pytest.mark.parametrize("attempts", [0, 11, 1.5, True])
def test_attempts_are_one_to_ten(attempts: Any) -> None:
    with pytest.raises(InvalidJob, match=f"attempts={attempts}"):
        Job("over", job_definition="align", attempts=attempts)


def test_names_are_cut_and_cleaned_to_what_the_service_takes(engine: AWSEngine, service: Service) -> None:
    names = ["n" * 500, "-äöü/π sample.1", "___", "9"]
    engine.submit([Job(name, job_definition="align").bound("q", ()) for name in names])
    sent = [body["jobName"] for body in service.bodies("submitjob")]
    assert len(set(sent)) == 4
    for name in sent:
        assert len(name) <= 128
        assert name[0].isalnum()
        assert all(letter.isascii() and (letter.isalnum() or letter in "_-") for letter in name)


def test_requests_name_no_more_than_the_service_takes_in_one(engine: AWSEngine, service: Service) -> None:
    ids = [f"id-{number}" for number in range(1050)]
    for job_id in ids:
        service.add(job_id, "n", "RUNNABLE")
    assert len(engine.describe(ids)) == len(list(engine.active(["q"]))) == 1050
    engine.cancel(ids, "x" * 2000)
    engine.terminate(ids, "x" * 2000)
    longest = {"describejobs": 100, "canceljobs": 50, "terminatejobs": 50}
    for operation, most in longest.items():
        assert max(len(body["jobs"]) for body in service.bodies(operation)) == most
    assert {body["maxResults"] for body in service.bodies("listjobs")} == {1000}
    assert {len(body["reason"]) for body in service.bodies("canceljobs")} == {1024}


def test_a_description_of_many_queues_and_definitions_goes_in_hundreds(engine: AWSEngine, service: Service) -> None:
    for number in range(150):
        service.queues.append({"jobQueueName": f"q{number}", "state": "ENABLED"})
        service.definitions.append({"jobDefinitionName": f"d{number}", "revision": 1, "status": "ACTIVE"})
    engine.check([Job("s", job_queue=f"q{n}", job_definition=f"d{n}:1", command=[str(n)]) for n in range(150)])
    assert [len(body["jobQueues"]) for body in service.bodies("describejobqueues")] == [100, 50]
    assert [len(body["jobDefinitions"]) for body in service.bodies("describejobdefinitions")] == [100, 50]


def test_the_overrides_at_the_limit_leave_the_service_its_own_room(engine: AWSEngine, service: Service) -> None:
    job = Job("s", job_definition="align", command=["ü" * 1270, '"' * 40]).bound("q", ())
    try:
        engine.submit([job])
    except BatchHelpersError as exc:
        pytest.fail(str(exc))
    overrides = service.bodies("submitjob")[0]["containerOverrides"]
    assert 7500 < len(json.dumps(overrides, separators=(",", ":"))) <= 8192 - 400
