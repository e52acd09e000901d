"""ListJobs, with the page sizes, defaults and filters of the service."""

from __future__ import annotations

from typing import Any

import pytest

from batch_helpers.serve.outcomes import Outcome
from tests.serve.desk import START, Desk, OpenDesk, Refused


def many(desk: Desk, number: int) -> list[str]:
    """Jobs that stand as SUBMITTED."""
    return [desk.submit(f"job-{place}") for place in range(number)]


def pages(desk: Desk, **request: Any) -> list[list[dict[str, Any]]]:
    """All pages of a list."""
    found = [desk("ListJobs", **request)]
    while "nextToken" in found[-1]:
        found.append(desk("ListJobs", **request, nextToken=found[-1]["nextToken"]))
    return [page["jobSummaryList"] for page in found]


def named(value: str, name: str = "JOB_NAME") -> list[dict[str, Any]]:
    return [{"name": name, "values": [value]}]


def test_a_page_holds_a_thousand_jobs_of_one_status_whatever_was_asked(desk: Desk) -> None:
    ids = many(desk, 1001)
    for more in ({}, {"maxResults": 5000}):
        first, second = pages(desk, jobQueue="local", jobStatus="SUBMITTED", **more)
        assert (len(first), len(second)) == (1000, 1)
    assert [item["jobId"] for item in first + second] == ids[::-1]


def test_a_page_holds_a_hundred_jobs_with_a_filter_whatever_was_asked(desk: Desk) -> None:
    many(desk, 101)
    for more in ({}, {"maxResults": 1000}):
        assert [len(page) for page in pages(desk, jobQueue="local", filters=named("job*"), **more)] == [100, 1]


def test_smaller_pages_are_as_small_as_was_asked(desk: Desk) -> None:
    ids = many(desk, 5)
    found = pages(desk, jobQueue="local", jobStatus="SUBMITTED", maxResults=2)
    assert [[item["jobId"] for item in page] for page in found] == [ids[4:2:-1], ids[2:0:-1], ids[:1]]
    with pytest.raises(Refused, match="at least 1"):
        desk("ListJobs", jobQueue="local", maxResults=0)


def test_without_a_status_only_running_jobs_are_listed(open_desk: OpenDesk) -> None:
    desk = open_desk(Outcome("stuck", hold="RUNNING"))
    running, _ = desk.submit("stuck"), desk.submit("done")
    desk.settle()
    desk.submit("new")
    assert [item["jobId"] for item in desk("ListJobs", jobQueue="local")["jobSummaryList"]] == [running]


@pytest.mark.parametrize(
    "scope",
    [
        {},
        {"jobQueue": "local", "arrayJobId": "x"},
        {"arrayJobId": "x", "multiNodeJobId": "x"},
        {"jobQueue": "local", "multiNodeJobId": "x"},
    ],
)
def test_exactly_one_scope_must_be_given(desk: Desk, scope: dict[str, str]) -> None:
    with pytest.raises(Refused, match="exactly one of"):
        desk("ListJobs", **scope)


def test_only_one_filter_with_one_value_is_taken(desk: Desk) -> None:
    with pytest.raises(Refused, match="only one filter"):
        desk("ListJobs", jobQueue="local", filters=named("a") * 2)
    with pytest.raises(Refused, match="exactly one value"):
        desk("ListJobs", jobQueue="local", filters=[{"name": "JOB_NAME", "values": ["a", "b"]}])
    with pytest.raises(Refused, match="not a valid filter name"):
        desk("ListJobs", jobQueue="local", filters=named("a", "job_name"))


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("align", ["align"]),
        ("ALIGN", ["align"]),
        ("Align*", ["align", "align-1", "ALIGN-2"]),
        ("*", ["align", "align-1", "ALIGN-2", "alig_", "call"]),
        ("alig", []),
        ("alig_*", ["alig_"]),
        ("*align", []),
        ("a*n", []),
        ("call", ["call"]),
    ],
)
def test_names_match_in_any_case_and_a_star_counts_at_the_end_only(desk: Desk, value: str, found: list[str]) -> None:
    for name in ("align", "align-1", "ALIGN-2", "alig_", "call"):
        desk.submit(name)
    listed = pages(desk, jobQueue="local", filters=named(value))[0]
    assert sorted(item["jobName"] for item in listed) == sorted(found)


def test_names_are_grouped_and_the_newest_comes_first(desk: Desk) -> None:
    first, other, second = desk.submit("a"), desk.submit("b"), desk.submit("A")
    found = pages(desk, jobQueue="local", filters=named("*"), maxResults=1)
    assert [page[0]["jobId"] for page in found] == [second, first, other]


def test_with_a_filter_every_status_comes_back(desk: Desk) -> None:
    done = desk.submit("x")
    desk.settle()
    new = desk.submit("x")
    found = desk("ListJobs", jobQueue="local", jobStatus="FAILED", filters=named("x"))["jobSummaryList"]
    assert [(item["jobId"], item["status"]) for item in found] == [(new, "SUBMITTED"), (done, "SUCCEEDED")]


def test_with_a_filter_the_time_of_the_start_is_missing(desk: Desk) -> None:
    """The service leaves it out: github.com/boto/boto3/issues/3315."""
    job_id = desk.submit("x")
    desk.settle()
    (filtered,) = desk("ListJobs", jobQueue="local", filters=named("x"))["jobSummaryList"]
    (plain,) = desk("ListJobs", jobQueue="local", jobStatus="SUCCEEDED")["jobSummaryList"]
    assert plain.pop("startedAt") == desk.job(job_id)["startedAt"]
    assert plain == filtered


def test_a_summary_has_what_the_service_sends_and_no_more(desk: Desk) -> None:
    job_id = desk.submit("x", tags={"a": "b"})
    desk.settle()
    (summary,) = desk("ListJobs", jobQueue="local", jobStatus="SUCCEEDED")["jobSummaryList"]
    arn = "arn:aws:batch:us-east-1:123456789012:"
    assert summary == {
        "jobArn": f"{arn}job/{job_id}",
        "jobId": job_id,
        "jobName": "x",
        "createdAt": int(START * 1000),
        "startedAt": int(START * 1000),
        "stoppedAt": int(START * 1000),
        "status": "SUCCEEDED",
        "statusReason": "Essential container in task exited",
        "jobDefinition": f"{arn}job-definition/work:1",
        "container": {"exitCode": 0},
    }


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("work", ["a", "b"]),
        ("WORK", []),
        ("wor", []),
        ("wor*", ["a", "b", "c"]),
        ("work-2", ["c"]),
        ("arn:aws:batch:us-east-1:123456789012:job-definition/work:2", ["b"]),
    ],
)
def test_definitions_match_by_name_prefix_or_revision(desk: Desk, value: str, found: list[str]) -> None:
    desk.define("work")
    desk.define("work-2")
    for name, label in (("a", "work:1"), ("b", "work:2"), ("c", "work-2")):
        desk.submit(name, jobDefinition=label)
    listed = desk("ListJobs", jobQueue="local", filters=named(value, "JOB_DEFINITION"))["jobSummaryList"]
    assert sorted(item["jobName"] for item in listed) == found


def test_jobs_are_found_by_the_time_of_their_creation(desk: Desk) -> None:
    names = ["early", "middle", "late"]
    for name in names:
        desk.submit(name)
        desk.clock.advance(10)
    middle = str(int((START + 10) * 1000))

    def found(name: str) -> list[str]:
        listed = desk("ListJobs", jobQueue="local", filters=named(middle, name))["jobSummaryList"]
        return [item["jobName"] for item in listed]

    assert (found("BEFORE_CREATED_AT"), found("AFTER_CREATED_AT")) == (["early"], ["late"])
    with pytest.raises(Refused, match="number of milliseconds"):
        desk("ListJobs", jobQueue="local", filters=named("yesterday", "AFTER_CREATED_AT"))


def test_a_share_is_the_one_filter_that_goes_with_a_status(desk: Desk) -> None:
    policy = desk("CreateSchedulingPolicy", name="fair", fairsharePolicy={})["arn"]
    order = [{"order": 1, "computeEnvironment": "local"}]
    desk("CreateJobQueue", jobQueueName="fair", priority=1, computeEnvironmentOrder=order, schedulingPolicyArn=policy)
    done = desk.submit("done", jobQueue="fair", shareIdentifier="a")
    desk.settle()
    new = desk.submit("new", jobQueue="fair", shareIdentifier="a")
    desk.submit("other", jobQueue="fair", shareIdentifier="b")

    def found(**more: str) -> list[str]:
        listed = desk("ListJobs", jobQueue="fair", filters=named("a", "SHARE_IDENTIFIER"), **more)["jobSummaryList"]
        return [item["jobId"] for item in listed]

    assert (found(), found(jobStatus="SUBMITTED")) == ([new, done], [new])


def test_children_stand_in_their_array_and_not_in_the_queue(desk: Desk) -> None:
    array = desk.submit(arrayProperties={"size": 3})
    desk.settle()
    assert desk.listed("SUCCEEDED") == [array]
    assert desk.listed("SUCCEEDED", arrayJobId=array) == [f"{array}:{index}" for index in range(3)]
    assert desk.listed("SUCCEEDED", jobQueue="local", filters=named("*")) == [array]
    children = desk("ListJobs", arrayJobId=array, jobStatus="SUCCEEDED")["jobSummaryList"]
    assert [item["arrayProperties"] for item in children] == [{"index": index} for index in range(3)]


def test_unknown_arrays_and_nodes_have_nothing_to_list(desk: Desk) -> None:
    assert desk("ListJobs", arrayJobId="x")["jobSummaryList"] == []
    assert desk("ListJobs", multiNodeJobId="x")["jobSummaryList"] == []
    with pytest.raises(Refused, match="JobQueue nowhere not found"):
        desk("ListJobs", jobQueue="nowhere")


def test_queues_do_not_share_their_jobs(desk: Desk) -> None:
    order = [{"order": 1, "computeEnvironment": "local"}]
    arn = desk("CreateJobQueue", jobQueueName="other", priority=1, computeEnvironmentOrder=order)["jobQueueArn"]
    here, there = desk.submit(), desk.submit(jobQueue=arn)
    assert desk.listed("SUBMITTED") == [here]
    assert desk.listed("SUBMITTED", jobQueue=arn) == [there]


def test_a_token_is_good_for_its_own_list_only(desk: Desk) -> None:
    many(desk, 3)
    token = desk("ListJobs", jobQueue="local", jobStatus="SUBMITTED", maxResults=1)["nextToken"]
    for request in (
        {"jobQueue": "local", "jobStatus": "FAILED", "nextToken": token},
        {"jobQueue": "local", "jobStatus": "SUBMITTED", "nextToken": "rubbish"},
        {"jobQueue": "local", "jobStatus": "SUBMITTED", "nextToken": ""},
    ):
        with pytest.raises(Refused, match="nextToken is not valid"):
            desk("ListJobs", **request)


def test_jobs_that_come_while_pages_are_turned_neither_repeat_nor_hide_others(desk: Desk) -> None:
    ids = many(desk, 4)
    first = desk("ListJobs", jobQueue="local", jobStatus="SUBMITTED", maxResults=2)
    many(desk, 2)
    rest = desk("ListJobs", jobQueue="local", jobStatus="SUBMITTED", maxResults=2, nextToken=first["nextToken"])
    assert [item["jobId"] for item in first["jobSummaryList"] + rest["jobSummaryList"]] == ids[::-1]


def test_a_hidden_job_is_left_out_until_it_was_looked_for_often_enough(desk: Desk) -> None:
    hidden, shown = desk.submit("hidden"), desk.submit("shown")
    desk.service.hiding.hide(hidden, None, 2)
    assert [desk.listed("SUBMITTED") for _ in range(3)] == [[shown], [shown], [shown, hidden]]


def test_a_hidden_job_is_not_described_either_until_its_time_has_come(desk: Desk) -> None:
    job_id = desk.submit()
    desk.service.hiding.hide(job_id, START + 5, None)
    assert (desk.listed("SUBMITTED"), desk("DescribeJobs", jobs=[job_id])["jobs"]) == ([], [])
    desk.clock.advance(5)
    assert (desk.listed("SUBMITTED"), desk.status(job_id)) == ([job_id], ["SUBMITTED"])
