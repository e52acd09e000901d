"""EZBatchJob: what it holds, what it becomes, and what is refused before any call."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from batch_helpers import preloader
from batch_helpers.errors import InvalidInput, InvalidJob
from batch_helpers.s3 import S3Mounts
from batch_helpers.workflow import EZBatchJob

UBUNTU = "public.ecr.aws/ubuntu/ubuntu:22.04"
MOUNTS = S3Mounts(
    read=[{"source": "s3://my-bucket/in", "destination": "/mnt/data", "recursive": True}],
    write=[{"source": "/mnt/output", "destination": "s3://my-bucket/output", "recursive": True}],
)


def test_the_documented_defaults() -> None:
    job = EZBatchJob(image=UBUNTU, command="echo 1")
    assert (job.environment, job.mounts, job.vcpus, job.memory, job.storage_size) == ({}, S3Mounts(), 1, 2048, None)
    assert (job.platform, job.tags, job.queue, job.preloader) == ("FARGATE", {}, None, False)


def test_making_one_makes_no_call_and_needs_no_region(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr(socket, "socket", None)
    EZBatchJob(image=UBUNTU, command="x", mounts=MOUNTS, preloader=True, platform="EC2").to_definition()


def test_the_definition_has_the_documented_members() -> None:
    job = EZBatchJob(UBUNTU, "echo a; echo 'b c'", {"A": "1"}, MOUNTS, 2, 4096, 50, "FARGATE", {"t": "v"}, "q")
    assert job.to_definition() == {
        "job_name": "ubuntu-22-04-job",
        "container_name": "ubuntu_22_04",
        "image": UBUNTU,
        "command": ["/bin/sh", "-c", "echo a; echo 'b c'"],
        "environment": {"A": "1"},
        "vcpus": 2,
        "memory": 4096,
        "storage_size": 50,
        "platform": "FARGATE",
        "tags": {"t": "v"},
    }


def test_with_the_preloader_the_definition_holds_all_that_it_needs() -> None:
    job = EZBatchJob(UBUNTU, "echo hi", {"A": "1"}, MOUNTS, preloader=True, keep_failed="s3://my-bucket/failed")
    made = job.to_definition()
    assert made["command"] == ["/bin/sh", "-c", preloader.script()]
    assert made["environment"]["EZBATCH_COMMAND"] == "echo hi"
    assert made["environment"]["EZBATCH_KEEP"] == "s3://my-bucket/failed"
    assert made["environment"]["A"] == "1"
    lines = made["environment"]["EZBATCH_S3_MOUNTS"].splitlines()
    assert [line.split()[:4] for line in lines] == [
        ["get", "tree", "s3://my-bucket/in", "/mnt/data"],
        ["put", "tree", "/mnt/output", "s3://my-bucket/output"],
        ["done_at", "s3://my-bucket/output/_SUCCESS", "--only-show-errors"],
    ]


def test_making_a_definition_changes_nothing_in_the_job() -> None:
    job = EZBatchJob(UBUNTU, "echo hi", {"A": "1"}, MOUNTS, tags={"t": "v"}, preloader=True)
    before = replace(job)
    made = job.to_definition()
    made["environment"]["B"] = made["tags"]["B"] = "2"
    assert job == before
    assert job.environment == {"A": "1"}


def test_what_was_given_may_change_afterwards() -> None:
    environment, outputs = {"A": "1"}, ["s3://b-1/x"]
    job = EZBatchJob(UBUNTU, ["a"], environment, outputs=outputs)
    environment["A"] = "2"
    outputs.append("s3://b-1/y")
    assert (job.environment, list(job.outputs)) == ({"A": "1"}, ["s3://b-1/x"])


def test_a_job_is_a_value() -> None:
    job: Any = EZBatchJob(UBUNTU, "a")
    assert job == EZBatchJob(UBUNTU, "a") != EZBatchJob(UBUNTU, "b")
    with pytest.raises(FrozenInstanceError):
        job.command = "b"


def test_outputs_default_to_what_the_write_mounts_leave() -> None:
    files = S3Mounts(
        write=[
            {"source": "/o/a.txt", "destination": "s3://my-bucket/a.txt"},
            {"source": "/o", "destination": "s3://my-bucket/o", "recursive": True},
        ]
    )
    assert EZBatchJob(UBUNTU, "x", mounts=files).expected == ("s3://my-bucket/a.txt",)
    both = ("s3://my-bucket/a.txt", "s3://my-bucket/o/_SUCCESS")
    assert EZBatchJob(UBUNTU, "x", mounts=files, preloader=True).expected == both
    assert EZBatchJob(UBUNTU, "x", mounts=files, stager="aws-cli").expected == both
    own = EZBatchJob(UBUNTU, "x", mounts=files, preloader=True, outputs=["s3://my-bucket/o/model.bin"])
    assert own.expected == ("s3://my-bucket/o/model.bin",)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"image": ""}, "image='': a job needs a container image"),
        ({"image": None}, "image=None: a job needs a container image"),
        ({"image": "two words"}, "write it as repository/name:tag"),
        ({"command": ""}, "the command is empty"),
        ({"command": []}, "the command is empty"),
        ({"command": ["a", 3]}, "3 is int"),
        ({"command": {"a": 1}}, "give a list of strings"),
        ({"environment": ["A=1"]}, "environment"),
        ({"environment": {"AWS_BATCH_JOB_ID": "x"}}, "names that begin with AWS_BATCH are AWS's own"),
        ({"environment": {"EZBATCH_COMMAND": "x"}}, "names that begin with EZBATCH_ are ours"),
        ({"environment": {"A=B": "x"}}, "that is no name of a variable"),
        ({"environment": {"A": None}}, "A=None must be a string"),
        ({"command": "a\0b"}, "it has a NUL character"),
        ({"command": ["a\0b"]}, "has a NUL character"),
        ({"tags": {f"t{number}": "" for number in range(51)}}, "51 tags; a job takes 50"),
        ({"vcpus": 0}, "vcpus=0: give a positive number of vCPUs"),
        ({"vcpus": None}, "vcpus=None: give a number of vCPUs"),
        ({"vcpus": "1"}, "vcpus='1': give a positive number"),
        ({"memory": "2048"}, "memory='2048': give a positive whole number of MiB"),
        ({"memory": None}, "memory=None: give a number of MiB"),
        ({"memory": 1024}, "does not pair 1 vCPUs with 1024 MiB: the nearest is 1 vCPUs with 2048 MiB"),
        ({"memory": 9000}, "the nearest is 2 vCPUs with 9216 MiB"),
        ({"vcpus": 3, "memory": 8192}, "the nearest is 4 vCPUs with 8192 MiB"),
        ({"vcpus": 64, "memory": 999999}, "use platform='EC2'"),
        ({"storage_size": 20}, "storage_size=20: give 21 to 200 GiB"),
        ({"storage_size": 201}, "give 21 to 200 GiB"),
        ({"storage_size": "50"}, "give 21 to 200 GiB"),
        ({"storage_size": True}, "give 21 to 200 GiB"),
        ({"storage_size": 50, "platform": "EC2"}, "on EC2 the machine's own disk is used"),
        ({"gpus": 1}, "gpus=1: Fargate has no GPUs: use platform='EC2'"),
        ({"gpus": -1, "platform": "EC2"}, "give a whole number of GPUs"),
        ({"vcpus": 0.5, "platform": "EC2"}, "EC2 takes whole vCPUs: give 1"),
        ({"platform": "fargate"}, "platform='fargate': give one of FARGATE, EC2"),
        ({"platform": "EC2", "assign_public_ip": True}, "that is for FARGATE"),
        ({"arch": "arm"}, "give one of X86_64, ARM64"),
        ({"retry": "always"}, "give one of any, spot"),
        ({"preloader": "yes"}, "preloader='yes': give true or false"),
        ({"attempts": 11}, "give a whole number from 1 to 10"),
        ({"timeout": 0}, "give a positive whole number of seconds"),
        ({"queue": ""}, "give a non-empty string"),
        ({"outputs": "s3://b-1/x"}, "give a list of strings"),
        ({"outputs": ["s3://b-1/x/"]}, "is a folder"),
        ({"stager": ""}, "name an image with the AWS CLI"),
        ({"stager": "x", "preloader": True}, "give either a stager or preloader=True"),
        ({"keep_failed": "/tmp", "preloader": True}, "give an s3:// prefix"),
        ({"keep_failed": "s3://b-1/x"}, "only the preloader keeps"),
        ({"mounts": "s3://b-1"}, "give S3Mounts"),
        ({"mounts": {"reed": []}}, "mounts: unknown key 'reed'; did you mean 'read'"),
        ({"mounts": {"read": [{"source": "x", "destination": "/y"}]}}, r"mounts: read\[0\]\.source='x'"),
    ],
)
def test_what_cannot_work_is_refused_with_field_and_value(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        EZBatchJob(**{"image": UBUNTU, "command": "x", **fields})


def test_the_error_carries_the_field() -> None:
    with pytest.raises(InvalidJob) as caught:
        EZBatchJob(UBUNTU, "x", memory=1000)
    assert (caught.value.field, caught.value.value) == ("memory", 1000)


def test_as_many_tags_as_fit_are_taken() -> None:
    assert len(EZBatchJob(UBUNTU, "x", tags={f"t{number}": "" for number in range(47)}).tags) == 47


def test_json_and_back() -> None:
    job = EZBatchJob(UBUNTU, ["a", "b c"], {"A": "1"}, MOUNTS, tags={"t": "v"}, preloader=True, retry="spot")
    assert EZBatchJob.from_dict(job.to_dict()) == job
    assert EZBatchJob.from_json(job.to_json(indent=2)) == job
    with pytest.raises(InvalidInput, match="line 1, column 2: not JSON"):
        EZBatchJob.from_json("{")
    assert EZBatchJob(UBUNTU, "x").to_dict() == {"image": UBUNTU, "command": "x"}
