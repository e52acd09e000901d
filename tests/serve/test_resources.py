"""Compute environments, queues, scheduling policies and tags."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.serve.desk import Desk, OpenDesk, Refused

ARN = "arn:aws:batch:us-east-1:123456789012:"
ORDER = [{"order": 1, "computeEnvironment": "local"}]


def tags(desk: Desk, arn: str) -> dict[str, str]:
    found: dict[str, str] = desk.post(f"tags/{quote(arn, safe='')}", b"", "GET")["tags"]
    return found


def tag(desk: Desk, arn: str, body: bytes) -> None:
    desk.post(f"tags/{quote(arn, safe='')}", body)


def untag(desk: Desk, arn: str, query: str) -> None:
    desk.post(f"tags/{quote(arn, safe='')}", b"", "DELETE", query)


def test_a_new_endpoint_has_a_queue_and_an_environment(desk: Desk) -> None:
    (queue,) = desk("DescribeJobQueues")["jobQueues"]
    (environment,) = desk("DescribeComputeEnvironments")["computeEnvironments"]
    assert (queue["jobQueueName"], queue["state"], queue["status"]) == ("local", "ENABLED", "VALID")
    assert queue["computeEnvironmentOrder"] == [{"order": 1, "computeEnvironment": f"{ARN}compute-environment/local"}]
    assert (environment["computeEnvironmentName"], environment["status"]) == ("local", "VALID")


def test_what_was_deleted_does_not_come_back(open_desk: OpenDesk) -> None:
    desk = open_desk()
    desk("UpdateJobQueue", jobQueue="local", state="DISABLED")
    desk("DeleteJobQueue", jobQueue="local")
    assert open_desk()("DescribeJobQueues")["jobQueues"] == []


def test_queues_and_environments_come_back_with_the_endpoint(open_desk: OpenDesk) -> None:
    desk = open_desk()
    desk("CreateJobQueue", jobQueueName="q", priority=7, computeEnvironmentOrder=ORDER, tags={"k": "v"})
    desk("UpdateJobQueue", jobQueue="q", state="DISABLED")
    (queue,) = open_desk()("DescribeJobQueues", jobQueues=[f"{ARN}job-queue/q"])["jobQueues"]
    assert (queue["priority"], queue["state"], queue["tags"]) == (7, "DISABLED", {"k": "v"})


def test_resources_are_described_by_name_or_arn_and_unknown_ones_left_out(desk: Desk) -> None:
    for name in ("a", "b"):
        desk("CreateJobQueue", jobQueueName=name, priority=1, computeEnvironmentOrder=ORDER)
    wanted = ["b", f"{ARN}job-queue/a", "c", f"{ARN}compute-environment/local"]
    found = desk("DescribeJobQueues", jobQueues=wanted)["jobQueues"]
    assert [item["jobQueueName"] for item in found] == ["a", "b"]


def test_resources_come_in_pages(desk: Desk) -> None:
    for name in ("a", "b"):
        desk("CreateJobQueue", jobQueueName=name, priority=1, computeEnvironmentOrder=ORDER)
    first = desk("DescribeJobQueues", maxResults=2)
    second = desk("DescribeJobQueues", maxResults=2, nextToken=first["nextToken"])
    assert [item["jobQueueName"] for item in first["jobQueues"] + second["jobQueues"]] == ["a", "b", "local"]
    assert "nextToken" not in second


def test_an_update_changes_what_it_names_and_nothing_else(desk: Desk) -> None:
    before = desk("DescribeJobQueues", jobQueues=["local"])["jobQueues"][0]
    desk("UpdateJobQueue", jobQueue="local", priority=9)
    assert desk("DescribeJobQueues", jobQueues=["local"])["jobQueues"][0] == {**before, "priority": 9}
    with pytest.raises(Refused, match="not found"):
        desk("UpdateJobQueue", jobQueue="nowhere", priority=1)


def test_an_environment_is_updated_in_place(desk: Desk) -> None:
    before = desk("DescribeComputeEnvironments")["computeEnvironments"][0]
    desk("UpdateComputeEnvironment", computeEnvironment="local", computeResources={"maxvCpus": 3})
    after = desk("DescribeComputeEnvironments")["computeEnvironments"][0]
    assert after == {**before, "computeResources": {**before["computeResources"], "maxvCpus": 3}}
    with pytest.raises(Refused, match="not found"):
        desk("UpdateComputeEnvironment", computeEnvironment="nowhere")


@pytest.mark.parametrize(
    ("operation", "request_"),
    [("DeleteJobQueue", {"jobQueue": "x"}), ("DeleteComputeEnvironment", {"computeEnvironment": "x"})],
)
def test_deleting_what_is_not_there_is_no_error(desk: Desk, operation: str, request_: dict[str, str]) -> None:
    assert desk(operation, **request_) == {}


def test_scheduling_policies_are_kept_listed_changed_and_deleted(desk: Desk) -> None:
    arn = desk("CreateSchedulingPolicy", name="p", fairsharePolicy={"shareDecaySeconds": 600}, tags={"k": "v"})["arn"]
    (shown,) = desk("DescribeSchedulingPolicies", arns=[arn, f"{ARN}scheduling-policy/x"])["schedulingPolicies"]
    assert (shown["fairsharePolicy"], shown["tags"]) == ({"shareDecaySeconds": 600}, {"k": "v"})
    assert desk("ListSchedulingPolicies") == {"schedulingPolicies": [{"arn": arn}]}
    desk("UpdateSchedulingPolicy", arn=arn, fairsharePolicy={"shareDecaySeconds": 700})
    (shown,) = desk("DescribeSchedulingPolicies", arns=[arn])["schedulingPolicies"]
    assert shown["fairsharePolicy"] == {"shareDecaySeconds": 700}
    desk("CreateJobQueue", jobQueueName="q", priority=1, computeEnvironmentOrder=ORDER, schedulingPolicyArn=arn)
    with pytest.raises(Refused, match="found existing JobQueue relationship"):
        desk("DeleteSchedulingPolicy", arn=arn)
    desk("UpdateJobQueue", jobQueue="q", state="DISABLED")
    desk("DeleteJobQueue", jobQueue="q")
    desk("DeleteSchedulingPolicy", arn=arn)
    assert desk("ListSchedulingPolicies") == {"schedulingPolicies": []}
    with pytest.raises(Refused, match="not found"):
        desk("DeleteSchedulingPolicy", arn=arn)


def test_a_policy_has_one_kind_and_keeps_it(desk: Desk) -> None:
    quota = {"idleResourceAssignmentStrategy": "FIFO"}
    with pytest.raises(Refused, match="only one of"):
        desk("CreateSchedulingPolicy", name="p", fairsharePolicy={}, quotaSharePolicy=quota)
    arn = desk("CreateSchedulingPolicy", name="p", fairsharePolicy={})["arn"]
    with pytest.raises(Refused, match="cannot be changed"):
        desk("UpdateSchedulingPolicy", arn=arn, quotaSharePolicy=quota)


def test_a_queue_needs_a_policy_that_exists(desk: Desk) -> None:
    with pytest.raises(Refused, match=r"SchedulingPolicy \S+ not found"):
        desk("UpdateJobQueue", jobQueue="local", schedulingPolicyArn=f"{ARN}scheduling-policy/x")


def test_tags_of_everything_are_added_listed_and_removed(desk: Desk) -> None:
    policy = desk("CreateSchedulingPolicy", name="p")["arn"]
    job = desk.job(desk.submit(tags={"own": "1"}))["jobArn"]
    for arn, before in (
        (f"{ARN}job-queue/local", {}),
        (f"{ARN}compute-environment/local", {}),
        (f"{ARN}job-definition/work:1", {}),
        (policy, {}),
        (job, {"own": "1"}),
    ):
        assert tags(desk, arn) == before
        tag(desk, arn, b'{"tags": {"a": "1", "b": "2"}}')
        tag(desk, arn, b'{"tags": {"a": "3"}}')
        assert tags(desk, arn) == {**before, "a": "3", "b": "2"}
        untag(desk, arn, "tagKeys=a&tagKeys=unknown")
        assert tags(desk, arn) == {**before, "b": "2"}
    assert desk.job(job.rpartition("/")[2])["tags"] == {"own": "1", "b": "2"}
    assert desk("DescribeJobQueues")["jobQueues"][0]["tags"] == {"b": "2"}


def test_a_resource_never_has_more_than_fifty_tags(desk: Desk) -> None:
    arn = f"{ARN}job-queue/local"
    first, second = ({f"{kind}{n}": "" for n in range(26)} for kind in "ab")
    tag(desk, arn, _body(first))
    with pytest.raises(Refused, match="at most 50, got 52"):
        tag(desk, arn, _body(second))
    assert tags(desk, arn) == first
    with pytest.raises(Refused, match="must not begin with aws:"):
        tag(desk, arn, _body({"aws:x": ""}))


@pytest.mark.parametrize("kind", ["job/x", "job-queue/x", "job-definition/x:1", "scheduling-policy/x", "dragon/x"])
def test_tags_of_what_does_not_exist_are_refused(desk: Desk, kind: str) -> None:
    with pytest.raises(Refused, match="does not exist"):
        tags(desk, ARN + kind)
    with pytest.raises(Refused, match="not the ARN"):
        tags(desk, "rubbish")


def test_children_of_arrays_have_no_tags_of_their_own(desk: Desk) -> None:
    array = desk.submit(arrayProperties={"size": 2})
    desk.settle()
    with pytest.raises(Refused, match="cannot have tags"):
        tags(desk, f"{ARN}job/{array}:0")


def _body(value: dict[str, Any]) -> bytes:
    import json

    return json.dumps({"tags": value}).encode()
