"""Job definitions: revisions, descriptions, deregistration, and what a submission makes of them."""

from __future__ import annotations

from typing import Any

import pytest

from batch_helpers.serve.jobs.merging import needs, overridden
from batch_helpers.serve.jobs.parameters import substituted
from tests.serve.desk import Desk, OpenDesk, Refused, definition
from tests.serve.desk import needs as requirements

ARN = "arn:aws:batch:us-east-1:123456789012:job-definition/"


def described(desk: Desk, **request: Any) -> list[tuple[str, str]]:
    """Labels and states of the definitions that are described."""
    found = desk("DescribeJobDefinitions", **request)["jobDefinitions"]
    return [(f"{item['jobDefinitionName']}:{item['revision']}", item["status"]) for item in found]


def test_revisions_count_up_and_the_latest_is_taken(desk: Desk) -> None:
    assert [desk.define("d") for _ in range(3)] == ["d:1", "d:2", "d:3"]
    assert desk.job(desk.submit(jobDefinition="d"))["jobDefinition"] == f"{ARN}d:3"
    assert desk.job(desk.submit(jobDefinition="d:2"))["jobDefinition"] == f"{ARN}d:2"


def test_a_deregistered_revision_is_inactive_and_takes_no_jobs(desk: Desk) -> None:
    desk.define("d")
    desk.define("d")
    desk("DeregisterJobDefinition", jobDefinition="d:2")
    assert described(desk, jobDefinitionName="d") == [("d:1", "ACTIVE"), ("d:2", "INACTIVE")]
    assert desk.job(desk.submit(jobDefinition="d"))["jobDefinition"] == f"{ARN}d:1"
    with pytest.raises(Refused, match="not in ACTIVE status"):
        desk.submit(jobDefinition="d:2")
    desk("DeregisterJobDefinition", jobDefinition=f"{ARN}d:1")
    with pytest.raises(Refused, match="not in ACTIVE status"):
        desk.submit(jobDefinition="d")


def test_an_inactive_revision_is_forgotten_after_180_days_and_its_number_is_not_given_again(desk: Desk) -> None:
    desk.define("d")
    desk("DeregisterJobDefinition", jobDefinition="d:1")
    desk.clock.advance(180 * 86_400)
    desk.settle()
    assert described(desk, jobDefinitionName="d") == [("d:1", "INACTIVE")]
    desk.clock.advance(2)
    desk.settle()
    assert described(desk, jobDefinitionName="d") == []
    assert desk.define("d") == "d:2"


@pytest.mark.parametrize("reference", ["d", "d:7", "other:1", f"{ARN}d"])
def test_only_a_revision_that_exists_can_be_deregistered(desk: Desk, reference: str) -> None:
    desk.define("d")
    with pytest.raises(Refused):
        desk("DeregisterJobDefinition", jobDefinition=reference)


def test_definitions_are_described_by_name_by_revision_and_by_state(desk: Desk) -> None:
    for name in ("a", "a", "b"):
        desk.define(name)
    desk("DeregisterJobDefinition", jobDefinition="a:1")
    assert described(desk, jobDefinitions=["b:1", f"{ARN}a:1", "c:1"]) == [("b:1", "ACTIVE"), ("a:1", "INACTIVE")]
    assert described(desk, status="ACTIVE") == [("a:2", "ACTIVE"), ("b:1", "ACTIVE"), ("work:1", "ACTIVE")]
    assert described(desk, status="INACTIVE") == [("a:1", "INACTIVE")]
    assert described(desk, jobDefinitionName="a", status="ACTIVE") == [("a:2", "ACTIVE")]
    assert described(desk, jobDefinitionName="nothing") == []


@pytest.mark.parametrize(
    "request_",
    [{"jobDefinitions": ["a"]}, {"jobDefinitions": ["a:1"], "status": "ACTIVE"}, {"status": "active"}],
)
def test_other_ways_of_asking_are_refused(desk: Desk, request_: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        desk("DescribeJobDefinitions", **request_)


def test_a_definition_is_shown_as_it_was_registered_with_empty_lists_filled_in(desk: Desk) -> None:
    timeout, retries = {"attemptDurationSeconds": 90}, {"attempts": 2}
    desk.define("d", parameters={"a": "b"}, tags={"k": "v"}, retryStrategy=retries, timeout=timeout)
    (shown,) = desk("DescribeJobDefinitions", jobDefinitionName="d")["jobDefinitions"]
    assert shown["containerProperties"]["command"] == ["true"]
    assert shown["containerProperties"]["volumes"] == shown["containerProperties"]["secrets"] == []
    assert (shown["parameters"], shown["tags"], shown["type"]) == ({"a": "b"}, {"k": "v"}, "container")
    assert (shown["retryStrategy"], shown["timeout"]) == (retries, timeout)
    assert shown["jobDefinitionArn"] == f"{ARN}d:1"


def test_what_a_definition_says_counts_unless_the_job_says_otherwise(desk: Desk) -> None:
    desk.define(
        "d",
        parameters={"a": "1", "b": "1"},
        timeout={"attemptDurationSeconds": 90},
        retryStrategy={"attempts": 2},
        propagateTags=True,
        schedulingPriority=3,
    )
    plain = desk.job(desk.submit(jobDefinition="d"))
    own = desk.job(
        desk.submit(
            jobDefinition="d",
            parameters={"b": "2"},
            timeout={"attemptDurationSeconds": 60},
            retryStrategy={"attempts": 4},
            propagateTags=False,
            schedulingPriorityOverride=5,
        )
    )
    names = ("parameters", "timeout", "propagateTags", "schedulingPriority")
    assert [plain[name] for name in names] == [{"a": "1", "b": "1"}, {"attemptDurationSeconds": 90}, True, 3]
    assert [own[name] for name in names] == [{"a": "1", "b": "2"}, {"attemptDurationSeconds": 60}, False, 5]
    assert (plain["retryStrategy"]["attempts"], own["retryStrategy"]["attempts"]) == (2, 4)


def test_a_revision_that_is_registered_later_does_not_change_what_was_submitted(desk: Desk) -> None:
    job_id = desk.submit()
    before = desk.job(job_id)
    desk.define("work", container={"command": ["other"]})
    assert desk.job(job_id) == before


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("Ref::in", "x.bam"),
        ("--in=Ref::in,Ref::out", "--in=x.bam,Ref::out"),
        ("Ref::in-2", "Ref::in-2"),
        ("Ref::", "Ref::"),
        ("ref::in", "ref::in"),
        ("Ref::a", "Ref::in"),
    ],
)
def test_parameters_are_put_where_the_command_refers_to_them(word: str, expected: str) -> None:
    assert substituted([word], {"in": "x.bam", "a": "Ref::in"}) == [expected]


def test_requirements_are_overridden_one_by_one() -> None:
    container = {"resourceRequirements": requirements("1", "64")}
    overrides = {"resourceRequirements": [{"type": "MEMORY", "value": "128"}, {"type": "GPU", "value": "1"}]}
    assert needs(overridden(container, overrides)) == {"VCPU": "1", "MEMORY": "128", "GPU": "1"}


def test_the_deprecated_fields_never_override_a_requirement() -> None:
    container = {"resourceRequirements": requirements("1", "64")}
    assert needs(overridden(container, {"vcpus": 8, "memory": 8000})) == {"VCPU": "1", "MEMORY": "64"}


def test_the_deprecated_fields_override_their_like_and_give_way_to_requirements() -> None:
    container = {"vcpus": 1, "memory": 64}
    assert needs(overridden(container, {"vcpus": 8})) == {"VCPU": "8", "MEMORY": "64"}
    merged = overridden(container, {"resourceRequirements": [{"type": "VCPU", "value": "2"}]})
    assert "vcpus" not in merged
    assert needs(merged) == {"VCPU": "2", "MEMORY": "64"}


def test_environments_are_merged_by_name() -> None:
    container = {"environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}]}
    merged = overridden(container, {"environment": [{"name": "B", "value": "2"}, {"name": "C", "value": "2"}]})
    assert merged["environment"] == [
        {"name": name, "value": value} for name, value in (("A", "1"), ("B", "2"), ("C", "2"))
    ]


def test_a_definition_with_ecs_properties_is_shown_with_them(desk: Desk) -> None:
    container = {"name": "main", "image": "busybox", "resourceRequirements": requirements()}
    desk("RegisterJobDefinition", **definition("ecs", ecsProperties={"taskProperties": [{"containers": [container]}]}))
    (shown,) = desk("DescribeJobDefinitions", jobDefinitionName="ecs")["jobDefinitions"]
    (task,) = shown["ecsProperties"]["taskProperties"]
    assert task["containers"][0]["name"] == "main"
    assert task["containers"][0]["environment"] == task["volumes"] == []


def test_definitions_come_back_with_the_endpoint(open_desk: OpenDesk) -> None:
    open_desk().define("d", tags={"k": "v"})
    desk = open_desk(define=False)
    (shown,) = desk("DescribeJobDefinitions", jobDefinitions=["d:1"])["jobDefinitions"]
    assert (shown["status"], shown["tags"]) == ("ACTIVE", {"k": "v"})
    assert desk.define("d") == "d:2"
