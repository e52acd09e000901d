"""What RegisterJobDefinition refuses."""

from __future__ import annotations

from typing import Any

import pytest

from batch_helpers.serve.limits.containers import FARGATE_MEMORY
from tests.serve.desk import Desk, Refused, definition, needs


def refusal(desk: Desk, **container: Any) -> str:
    """Why a definition with such a container is refused."""
    with pytest.raises(Refused) as caught:
        desk.define("refused", container=container)
    assert (caught.value.status, caught.value.code) == (400, "ClientException")
    assert desk("DescribeJobDefinitions", jobDefinitionName="refused")["jobDefinitions"] == []
    return caught.value.message


def fargate(desk: Desk, **container: Any) -> str:
    return desk.define("far", platformCapabilities=["FARGATE"], container={"executionRoleArn": "r", **container})


@pytest.mark.parametrize("name", ["-x", "x y", "x" * 129, ""])
def test_names_outside_of_the_pattern_are_refused(desk: Desk, name: str) -> None:
    with pytest.raises(Refused, match="Job definition name should match valid pattern"):
        desk.define(name)
    desk.define("x" * 128)


def test_twenty_four_kib_are_taken_and_one_byte_more_refused(desk: Desk) -> None:
    body = (
        '{"jobDefinitionName":"big","type":"container","containerProperties":{"image":"i","resourceRequirements":'
        '[{"type":"VCPU","value":"1"},{"type":"MEMORY","value":"64"}],"command":["%s"]}}'
    )
    room = 24 * 1024 - len(body % "")
    desk.post("registerjobdefinition", (body % ("x" * room)).encode())
    with pytest.raises(Refused, match="Job definition size must be less than 24 KiB, got 25 KiB"):
        desk.post("registerjobdefinition", (body % ("x" * (room + 1))).encode())


def test_an_image_is_required_and_has_at_most_255_characters(desk: Desk) -> None:
    assert "image is required" in refusal(desk, image="")
    assert "image length must be at most 255" in refusal(desk, image="i" * 256)
    desk.define("fits", container={"image": "i" * 255})


def test_vcpus_and_memory_are_both_required(desk: Desk) -> None:
    vcpus, memory = needs()
    assert "vcpus is required" in refusal(desk, resourceRequirements=[memory])
    assert "memory is required" in refusal(desk, resourceRequirements=[vcpus])
    desk.define("old", container={"resourceRequirements": [], "vcpus": 1, "memory": 64})


def test_the_deprecated_fields_do_not_stand_beside_requirements(desk: Desk) -> None:
    assert "vcpus is given twice" in refusal(desk, vcpus=1)
    assert "memory is given twice" in refusal(desk, memory=64)


def test_four_mib_are_the_least(desk: Desk) -> None:
    assert "at least 4 MiB" in refusal(desk, resourceRequirements=needs(memory="3"))
    desk.define("small", container={"resourceRequirements": needs(memory="4")})


def test_ec2_takes_whole_vcpus_only(desk: Desk) -> None:
    assert "whole number on EC2" in refusal(desk, resourceRequirements=needs("0.25", "512"))


def test_a_reserved_environment_and_an_empty_word_are_refused(desk: Desk) -> None:
    assert "AWS_BATCH" in refusal(desk, environment=[{"name": "AWS_BATCH_X", "value": "1"}])
    assert "empty string" in refusal(desk, command=["echo", ""])


@pytest.mark.parametrize("vcpus", sorted(FARGATE_MEMORY))
def test_fargate_takes_the_pairs_of_its_table_and_no_other(desk: Desk, vcpus: float) -> None:
    sizes = FARGATE_MEMORY[vcpus]
    for memory in (min(sizes), max(sizes)):
        fargate(desk, resourceRequirements=needs(f"{vcpus:g}", str(memory)))
    for memory in (min(sizes) - 1, max(sizes) + 1024):
        with pytest.raises(Refused, match="not valid"):
            fargate(desk, resourceRequirements=needs(f"{vcpus:g}", str(memory)))


@pytest.mark.parametrize(
    ("vcpus", "memories"),
    [
        ("0.25", [512, 1024, 2048]),
        ("1", list(range(2048, 8193, 1024))),
        ("8", list(range(16384, 61441, 4096))),
        ("32", [61440, 122880, 249856]),
    ],
)
def test_the_table_of_fargate_is_that_of_the_documentation(vcpus: str, memories: list[int]) -> None:
    assert sorted(FARGATE_MEMORY[float(vcpus)]) == memories


def test_fargate_knows_no_three_vcpus(desk: Desk) -> None:
    with pytest.raises(Refused, match=r"use one of 0\.25, 0\.5, 1, 2, 4, 8, 16, 32"):
        fargate(desk, resourceRequirements=needs("3", "8192"))


def test_an_override_cannot_leave_the_table_of_fargate(desk: Desk) -> None:
    label = fargate(desk, resourceRequirements=needs("0.25", "512"))
    with pytest.raises(Refused, match="MEMORY=4096"):
        desk.submit(
            jobDefinition=label, containerOverrides={"resourceRequirements": [{"type": "MEMORY", "value": "4096"}]}
        )


def test_fargate_needs_a_role_and_knows_no_privilege_and_no_gpu(desk: Desk) -> None:
    pair = needs("0.25", "512")
    for wrong, problem in (
        ({"executionRoleArn": ""}, "executionRoleArn is required"),
        ({"privileged": True}, "privileged not applicable"),
        ({"resourceRequirements": [*pair, {"type": "GPU", "value": "1"}]}, "GPU not applicable"),
    ):
        with pytest.raises(Refused, match=problem):
            fargate(desk, **{"resourceRequirements": pair, **wrong})


@pytest.mark.parametrize(("size", "good"), [(20, False), (21, True), (200, True), (201, False)])
def test_ephemeral_storage_is_21_to_200_gib(desk: Desk, size: int, good: bool) -> None:
    container = {"resourceRequirements": needs("0.25", "512"), "ephemeralStorage": {"sizeInGiB": size}}
    if good:
        fargate(desk, **container)
        return
    with pytest.raises(Refused, match=f"between 21 and 200 GiB, got {size}"):
        fargate(desk, **container)


def test_what_only_fargate_knows_is_refused_on_ec2(desk: Desk) -> None:
    assert "not applicable for EC2" in refusal(desk, networkConfiguration={"assignPublicIp": "ENABLED"})
    assert "not applicable for EC2" in refusal(desk, fargatePlatformConfiguration={"platformVersion": "1.4.0"})


@pytest.mark.parametrize("more", [{"retryStrategy": {"attempts": 11}}, {"timeout": {"attemptDurationSeconds": 59}}])
def test_the_limits_of_retries_and_timeouts_hold_here_too(desk: Desk, more: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        desk.define("refused", **more)


def test_fifty_one_tags_are_refused(desk: Desk) -> None:
    with pytest.raises(Refused, match="at most 50"):
        desk.define("refused", tags={f"t{n}": "" for n in range(51)})


def test_exactly_one_form_is_required(desk: Desk) -> None:
    with pytest.raises(Refused, match="exactly one of"):
        desk("RegisterJobDefinition", **definition("none"))


@pytest.mark.parametrize("more", [{"type": "multinode", "nodeProperties": {}}, {"eksProperties": {}}])
def test_forms_that_cannot_run_here_are_said_to_be_missing(desk: Desk, more: dict[str, Any]) -> None:
    if "nodeProperties" in more:
        more["nodeProperties"] = {"numNodes": 1, "mainNode": 0, "nodeRangeProperties": []}
    with pytest.raises(Refused) as caught:
        desk("RegisterJobDefinition", **{**definition("other"), **more})
    assert caught.value.code == "NotImplementedException"
