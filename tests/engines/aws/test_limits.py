from __future__ import annotations

from typing import Any

import pytest

from batch_helpers.engines.aws import limits
from batch_helpers.errors import InvalidJob
from batch_helpers.job import Job


def job(**fields: Any) -> Job:
    if "image" not in fields:
        fields.setdefault("job_definition", "align:3")
    fields.setdefault("job_queue", "spot")
    return Job("s1", **fields)


def check(candidate: Job) -> None:
    limits.check_job(candidate)
    limits.check_size(candidate)


def many(number: int) -> dict[str, str]:
    return {f"name{index}": "value" for index in range(number)}


@pytest.mark.parametrize(
    ("fields", "field", "advice"),
    [
        ({"job_queue": None}, "job_queue", "give job_queue"),
        ({"job_queue": "no queue"}, "job_queue", "name or its ARN"),
        ({"job_queue": "q" * 129}, "job_queue", "name or its ARN"),
        ({"job_definition": None}, "job_definition", "needs a job_definition or an image"),
        ({"job_definition": "align:latest"}, "job_definition", "name:revision"),
        ({"job_definition": "align:0"}, "job_definition", "name:revision"),
        ({"image": "ubuntu 22"}, "image", "repository/name:tag"),
        ({"image": "u" * 256}, "image", "at most 255"),
        ({"command": ["echo", ""]}, "command", "leave it out"),
        ({"environment": {"AWS_BATCH_JOB_ID": "1"}}, "environment", "rename it"),
        ({"timeout": 59}, "timeout", "60 seconds"),
        ({"memory": 3}, "memory", "least is 4"),
        ({"tags": many(49)}, "tags", "takes 50"),
        ({"tags": {"k" * 129: "v"}}, "tags", "128"),
        ({"tags": {"k": "v" * 257}}, "tags", "256"),
        ({"tags": {"a;b": "v"}}, "tags", "take letters"),
        ({"tags": {"a": "v\u2713"}}, "tags", "take letters"),
        ({"tags": {"AWS:mine": "v"}}, "tags", "rename it"),
        ({"tags": {"batch_helpers:fingerprint": "v"}}, "tags", "rename it"),
        ({"command": ["x" * 8192]}, "command", "8192"),
        ({"environment": {"LIST": "x" * 8192}, "command": ["true"]}, "environment", "8192"),
        ({"parameters": {"list": "x" * 8192}, "command": ["cat", "Ref::list"]}, "parameters", "8192"),
        ({"parameters": {"list": "x" * 31000}}, "parameters", "30720"),
    ],
)
def test_what_the_service_would_refuse_is_refused_here(fields: dict[str, Any], field: str, advice: str) -> None:
    with pytest.raises(InvalidJob) as caught:
        check(job(**fields))
    assert (caught.value.job, caught.value.field) == ("s1", field)
    assert advice in str(caught.value)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"job_queue": "arn:aws:batch:eu-west-1:123456789012:job-queue/spot"},
        {"job_definition": "arn:aws-cn:batch:cn-north-1:123456789012:job-definition/align"},
        {"job_definition": "arn:aws:batch:eu-west-1:123456789012:job-definition/align:17"},
        {"image": "public.ecr.aws/docker/library/busybox:1.36@sha256:00ff"},
        {"timeout": 60, "memory": 4, "tags": many(48), "attempts": 10},
        {"command": ["x" * 7000]},
        {"parameters": {"unused": "x" * 20000}, "command": ["true"]},
        {"tags": {"k" * 128: "v" * 256}},
        {"tags": {"Größe _.:/=+-@9": "s3://bucket/a b"}},
    ],
)
def test_what_the_service_takes_is_taken(fields: dict[str, Any]) -> None:
    check(job(**fields))


def test_the_longest_command_that_is_taken_leaves_room_for_what_the_service_adds() -> None:
    longest = max(size for size in range(7000, 8192) if not refused(job(command=["x" * size])))
    assert 300 < 8192 - longest < 500


def refused(candidate: Job) -> bool:
    try:
        check(candidate)
    except InvalidJob:
        return True
    return False


def test_twenty_dependencies_are_taken_and_twenty_one_are_not() -> None:
    limits.check_dependencies(job().bound("spot", [f"id-{number}" for number in range(20)]))
    with pytest.raises(InvalidJob, match=r"depends_on=.*21 jobs"):
        limits.check_dependencies(job().bound("spot", [f"id-{number}" for number in range(21)]))


def test_a_gathering_job_with_many_dependencies_can_be_held_so_it_is_no_error_before_it_is_submitted() -> None:
    check(job(depends_on=[job(command=[str(number)]) for number in range(1000)]))


def test_the_payload_counts_the_dependencies_that_the_job_will_have() -> None:
    parameters = {"unused": "x" * 29800}
    check(job(parameters=parameters, command=["true"]))
    with pytest.raises(InvalidJob, match="30720"):
        check(job(parameters=parameters, command=["true"], depends_on=[f"id-{n}" for n in range(20)]))


def test_parameters_count_where_the_definition_refers_to_them() -> None:
    long = job(parameters={"list": "x" * 8000})
    limits.check_size(long, ("cat", "Ref::other"))
    with pytest.raises(InvalidJob, match="parameters"):
        limits.check_size(long, ("cat", "--in=Ref::list"))
