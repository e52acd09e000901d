from __future__ import annotations

from typing import Any

import pytest

from batch_helpers.engines.aws import fargate
from batch_helpers.engines.aws.definition import FOR_IMAGES, Definition, check_fits, from_description
from batch_helpers.errors import AmbiguousAnswer, InvalidJob
from batch_helpers.job import Job

FARGATE = Definition("small:2", platforms=("FARGATE",), vcpus=0.25, memory=512)


def job(**fields: Any) -> Job:
    return Job("s1", job_definition="small:2", **fields)


def description(**members: Any) -> dict[str, Any]:
    return {"jobDefinitionName": "align", "revision": 3, "status": "ACTIVE", **members}


def test_a_definition_is_read_with_its_resources_whichever_way_they_are_written() -> None:
    new = {"resourceRequirements": [{"type": "VCPU", "value": "0.5"}, {"type": "MEMORY", "value": "1024"}]}
    read = from_description(description(containerProperties={**new, "command": ["run", "Ref::in"]}))
    assert read == Definition("align:3", command=("run", "Ref::in"), vcpus=0.5, memory=1024)
    old = from_description(description(containerProperties={"vcpus": 2, "memory": 4096}))
    assert (old.vcpus, old.memory, old.platforms) == (2.0, 4096, ("EC2",))


def test_a_definition_that_cannot_be_read_is_an_error_of_ours() -> None:
    with pytest.raises(AmbiguousAnswer, match="revision"):
        from_description({"jobDefinitionName": "align"})


@pytest.mark.parametrize(
    ("vcpus", "memory", "expected"),
    [
        (0.25, 512, (0.25, 512)),
        (0.25, 3000, (0.5, 3072)),
        (1, 1024, (1, 2048)),
        (3, 1, (4, 8192)),
        (4, 31000, (8, 32768)),
        (8, 17000, (8, 20480)),
        (16, 122880, (16, 122880)),
        (16, 122881, (32, 249856)),
        (33, 1, None),
        (1, 10**6, None),
    ],
)
def test_the_nearest_fargate_pair_is_never_smaller(
    vcpus: float, memory: int, expected: tuple[float, int] | None
) -> None:
    assert fargate.nearest(vcpus, memory) == expected
    assert expected is None or fargate.valid(*expected)


@pytest.mark.parametrize(
    ("fields", "field", "advice"),
    [
        ({"memory": 600}, "memory", "0.25 vCPUs with 1024 MiB"),
        ({"vcpus": 1}, "vcpus", "1 vCPUs with 2048 MiB"),
        ({"vcpus": 3, "memory": 100}, "memory", "4 vCPUs with 8192 MiB"),
        ({"vcpus": 64, "memory": 100}, "memory", "beyond the largest"),
        ({"gpus": 1}, "gpus", "no GPUs"),
    ],
)
def test_a_pair_that_fargate_does_not_have_is_refused_with_the_nearest(
    fields: dict[str, Any], field: str, advice: str
) -> None:
    with pytest.raises(InvalidJob, match=advice) as caught:
        check_fits(job(**fields), FARGATE)
    assert caught.value.field == field


def test_valid_pairs_pass_and_other_platforms_are_not_held_to_them() -> None:
    check_fits(job(), FARGATE)
    check_fits(job(vcpus=2, memory=5120), FARGATE)
    check_fits(job(vcpus=3, memory=600, gpus=1), Definition("big:1"))
    check_fits(job(vcpus=0.3, memory=600), Definition("either:1", platforms=("EC2", "FARGATE")))


def test_a_part_of_a_vcpu_is_refused_on_ec2() -> None:
    for definition in (Definition("big:1"), FOR_IMAGES):
        with pytest.raises(InvalidJob, match=r"vcpus=1\.5.*give 2"):
            check_fits(job(vcpus=1.5), definition)
    check_fits(job(vcpus=2.0), FOR_IMAGES)


@pytest.mark.parametrize("properties", ["ecsProperties", "eksProperties", "nodeProperties"])
def test_what_a_definition_with_several_containers_cannot_take_is_refused(properties: str) -> None:
    definition = from_description(description(**{properties: {"x": 1}}))
    check_fits(job(parameters={"in": "a"}), definition)
    for fields in ({"command": ["true"]}, {"environment": {"A": "b"}}, {"vcpus": 1}, {"memory": 64}, {"gpus": 1}):
        with pytest.raises(InvalidJob, match=properties) as caught:
            check_fits(job(**fields), definition)  # type: ignore[arg-type]
        assert caught.value.field in fields


def test_propagated_tags_count_with_the_jobs_and_ours() -> None:
    theirs = {f"tag{number}": "x" for number in range(47)}
    definition = from_description(description(tags=theirs, propagateTags=True))
    check_fits(job(tags={"tag0": "x", "one": "y"}), definition)
    with pytest.raises(InvalidJob, match="51"):
        check_fits(job(tags={"one": "y", "two": "z"}), definition)
    check_fits(job(tags={"one": "y", "two": "z"}), from_description(description(tags=theirs)))
