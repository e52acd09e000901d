"""What jobs ask for, read from jobs and definitions; and what images' names say."""

from __future__ import annotations

from typing import Any

import pytest

from batch_helpers.doctor.images import ECRImage, ecr_image, pinned, registry_of, well_formed
from batch_helpers.doctor.needs import Need, asked_by, distinct, from_description
from batch_helpers.job import Job


def needing(**amounts: str) -> list[dict[str, str]]:
    return [{"type": name, "value": value} for name, value in amounts.items()]


CONTAINER = {
    "image": "bwa:1",
    "resourceRequirements": needing(VCPU="0.5", MEMORY="1024", GPU="2"),
    "executionRoleArn": "execution",
    "jobRoleArn": "task",
    "runtimePlatform": {"cpuArchitecture": "ARM64"},
    "networkConfiguration": {"assignPublicIp": "ENABLED"},
}
WHOLE = Need("j", "q", 0.5, 1024, 2, ("FARGATE",), "ARM64", ("bwa:1",), "execution", "task", True)


@pytest.mark.parametrize("member", ["container", "containerProperties"])
def test_a_container_says_what_it_needs(member: str) -> None:
    assert from_description({member: CONTAINER, "platformCapabilities": ["FARGATE"]}, "j", "q") == WHOLE


def test_the_containers_of_a_task_need_their_sum() -> None:
    two: list[dict[str, Any]] = [
        {"image": "bwa:1", "resourceRequirements": needing(VCPU="1", MEMORY="1000")},
        {"image": "stager", "resourceRequirements": needing(VCPU="2", MEMORY="24")},
    ]
    tasks = {"taskProperties": [{"containers": two, "taskRoleArn": "t", "executionRoleArn": "e"}]}
    need = from_description({"ecsProperties": tasks, "container": {}}, "j")
    assert (need.vcpus, need.memory, need.images) == (3, 1024, ("bwa:1", "stager"))
    assert (need.task_role, need.execution_role, need.platforms) == ("t", "e", ("EC2",))


def test_old_definitions_spell_it_otherwise() -> None:
    need = from_description({"containerProperties": {"vcpus": 3, "memory": 512, "image": "x"}}, "j")
    assert (need.vcpus, need.memory) == (3, 512)


def test_what_a_job_says_goes_before_its_definition() -> None:
    raw = {"containerProperties": CONTAINER, "platformCapabilities": ["FARGATE"]}
    need = asked_by(Job("j", "d", vcpus=4, memory=8192), raw, "q")
    assert (need.vcpus, need.memory, need.gpus, need.images) == (4, 8192, 2, ("bwa:1",))


def test_an_image_alone_runs_on_ec2() -> None:
    need = asked_by(Job("j", image="bwa:1"), None, "q")
    assert (need.platforms, need.images, need.vcpus, need.memory) == (("EC2",), ("bwa:1",), 1, 2048)


def test_of_a_definition_that_is_not_known_no_platform_is_claimed() -> None:
    assert asked_by(Job("j", "d"), None, "q").platforms is None


def test_a_cohort_of_a_kind_has_one_need() -> None:
    needs = [Need(f"job-{number}", "q", vcpus=number % 2 + 1) for number in range(1000)]
    assert [need.job for need in distinct(needs)] == ["job-0", "job-1"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/a/b:1",
            ECRImage("123456789012", "us-east-1", "a/b", "1"),
        ),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/a", ECRImage("123456789012", "us-east-1", "a", "latest")),
        (
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/a@sha256:" + "0" * 64,
            ECRImage("123456789012", "cn-north-1", "a", digest="sha256:" + "0" * 64),
        ),
        ("public.ecr.aws/ubuntu/ubuntu:22.04", None),
        ("busybox", None),
    ],
)
def test_private_images_of_ecr_are_known_by_their_names(name: str, expected: ECRImage | None) -> None:
    assert ecr_image(name) == expected
    assert well_formed(name)


def test_a_digest_is_asked_for_as_one() -> None:
    image = ECRImage("1", "r", "a", digest="sha256:0")
    assert image.identifier == {"imageDigest": "sha256:0"}
    assert ECRImage("1", "r", "a", "2").identifier == {"imageTag": "2"}


@pytest.mark.parametrize("name", ["", "UPPER", "a b", "a:", "a/", "/a", "a@sha256:12", "http://x/a", "a:-1"])
def test_names_that_no_registry_takes(name: str) -> None:
    assert not well_formed(name)


def test_where_an_image_comes_from() -> None:
    assert registry_of("library/ubuntu:1") == "docker.io"
    assert registry_of("localhost:5000/x") == "localhost:5000"
    assert registry_of("ghcr.io/a/b") == "ghcr.io"
    assert pinned("localhost:5000/x") is False
    assert pinned("x@sha256:1")
    assert pinned("a/x:1")
