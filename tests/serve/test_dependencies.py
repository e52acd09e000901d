"""Jobs that wait for others, and arrays."""

from __future__ import annotations

import pytest

from batch_helpers.serve.outcomes import Outcome
from tests.serve.desk import Desk, OpenDesk

SUMMARY = dict.fromkeys(["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED"], 0)


def on(*job_ids: str, kind: str | None = None) -> list[dict[str, str]]:
    return [{"jobId": job_id, **({"type": kind} if kind else {})} for job_id in job_ids]


def children(desk: Desk, array: str) -> list[str]:
    """The states of an array's children, by index."""
    size = desk.job(array)["arrayProperties"]["size"]
    return desk.status(*(f"{array}:{index}" for index in range(size)))


def test_a_job_waits_for_all_that_it_depends_on(open_desk: OpenDesk) -> None:
    desk = open_desk(Outcome("up*", hold="RUNNING"))
    first, second = desk.submit("up-1"), desk.submit("up-2")
    job_id = desk.submit(dependsOn=on(first, second))
    desk.settle()
    desk.runner.release("up-1")
    desk.settle()
    assert desk.status(first, second, job_id) == ["SUCCEEDED", "RUNNING", "PENDING"]
    desk.runner.release("up-2")
    desk.settle()
    assert desk.status(job_id) == ["SUCCEEDED"]
    assert desk.job(job_id)["dependsOn"] == on(first, second)


def test_a_failure_fails_all_that_depends_on_it(open_desk: OpenDesk) -> None:
    desk = open_desk(Outcome("bad", exit_code=1))
    chain = [desk.submit("bad")]
    for _ in range(3):
        chain.append(desk.submit(dependsOn=on(chain[-1])))
    desk.settle()
    assert desk.status(*chain) == ["FAILED"] * 4
    assert desk.job(chain[-1])["statusReason"] == "Dependent Job failed"
    assert desk.job(chain[-1])["attempts"] == []


def test_what_has_ended_already_decides_at_once(open_desk: OpenDesk) -> None:
    desk = open_desk(Outcome("bad", exit_code=1))
    good, bad = desk.submit("good"), desk.submit("bad")
    desk.settle()
    after_good, after_bad = desk.submit(dependsOn=on(good)), desk.submit(dependsOn=on(good, bad))
    assert desk.status(after_good, after_bad) == ["SUBMITTED", "SUBMITTED"]
    desk.settle()
    assert desk.status(after_good, after_bad) == ["SUCCEEDED", "FAILED"]


def test_one_job_named_twice_is_waited_for_once(desk: Desk) -> None:
    first = desk.submit()
    second = desk.submit(dependsOn=on(first, first))
    desk.settle()
    assert desk.status(second) == ["SUCCEEDED"]


def test_an_upstream_job_that_ends_before_its_dependent_is_looked_at_is_not_waited_for(desk: Desk) -> None:
    first = desk.submit()
    desk.turn(3)
    second = desk.submit(dependsOn=on(first))
    desk.settle()
    assert desk.status(first, second) == ["SUCCEEDED", "SUCCEEDED"]


def test_an_array_is_pending_while_its_children_run_and_counts_them(open_desk: OpenDesk) -> None:
    desk = open_desk(Outcome(array_index=1, hold="RUNNING"), Outcome(array_index=2, hold="STARTING"))
    array = desk.submit(arrayProperties={"size": 4})
    new = desk.job(array)
    assert (new["status"], new["arrayProperties"]) == ("SUBMITTED", {"size": 4, "statusSummary": SUMMARY})
    desk.settle()
    counted = {**SUMMARY, "RUNNING": 1, "STARTING": 1, "SUCCEEDED": 2}
    assert desk.job(array)["status"] == "PENDING"
    assert desk.job(array)["arrayProperties"]["statusSummary"] == counted
    (summary,) = desk("ListJobs", jobQueue="local", jobStatus="PENDING")["jobSummaryList"]
    assert summary["arrayProperties"] == {"size": 4, "statusSummary": counted}
    desk.runner.release()
    desk.settle()
    assert desk.job(array)["status"] == "SUCCEEDED"


def test_an_array_fails_when_all_have_ended_and_one_has_failed(open_desk: OpenDesk) -> None:
    desk = open_desk(Outcome(array_index=0, exit_code=1), Outcome(array_index=1, hold="RUNNING"))
    array = desk.submit(arrayProperties={"size": 3})
    desk.settle()
    assert desk.status(array) == ["PENDING"]
    desk.runner.release()
    desk.settle()
    assert (desk.status(array), children(desk, array)) == (["FAILED"], ["FAILED", "SUCCEEDED", "SUCCEEDED"])
    assert desk.job(array)["statusReason"] == "Array Child Job failed"


def test_a_child_is_a_job_of_its_own(desk: Desk) -> None:
    array = desk.submit("many", arrayProperties={"size": 2}, tags={"a": "b"})
    desk.clock.advance(1)
    desk.settle()
    child = desk.job(f"{array}:1")
    assert (child["jobName"], child["arrayProperties"]) == ("many", {"index": 1})
    assert child["jobArn"].endswith(f"job/{array}:1")
    assert child["createdAt"] == desk.job(array)["createdAt"] + 1000
    assert child["container"]["logStreamName"] != desk.job(f"{array}:0")["container"]["logStreamName"]


def test_a_plain_dependency_on_an_array_waits_for_the_whole_array(open_desk: OpenDesk) -> None:
    desk = open_desk(Outcome("array", array_index=1, hold="RUNNING"))
    array = desk.submit("array", arrayProperties={"size": 2})
    after = desk.submit(dependsOn=on(array))
    desk.settle()
    assert desk.status(after) == ["PENDING"]
    desk.runner.release()
    desk.settle()
    assert desk.status(after) == ["SUCCEEDED"]


def test_children_wait_for_what_their_array_depends_on(open_desk: OpenDesk) -> None:
    desk = open_desk(Outcome("first", hold="RUNNING"))
    first = desk.submit("first")
    array = desk.submit(arrayProperties={"size": 2}, dependsOn=on(first))
    desk.settle()
    assert children(desk, array) == ["PENDING", "PENDING"]
    desk.runner.release()
    desk.settle()
    assert desk.status(array, f"{array}:0") == ["SUCCEEDED", "SUCCEEDED"]


def test_children_fail_with_what_their_array_depends_on(open_desk: OpenDesk) -> None:
    desk = open_desk(Outcome("first", hold="RUNNING", exit_code=1))
    first = desk.submit("first")
    array = desk.submit(arrayProperties={"size": 2}, dependsOn=on(first))
    after = desk.submit(dependsOn=on(array))
    desk.settle()
    desk.runner.release()
    desk.settle()
    assert (desk.status(array, after), children(desk, array)) == (["FAILED", "FAILED"], ["FAILED", "FAILED"])


def test_n_to_n_pairs_children_by_index(open_desk: OpenDesk) -> None:
    outcomes = [Outcome("up", array_index=0, exit_code=1), Outcome("up", array_index=2, hold="RUNNING")]
    desk = open_desk(*outcomes)
    up = desk.submit("up", arrayProperties={"size": 3})
    down = desk.submit("down", arrayProperties={"size": 3}, dependsOn=on(up, kind="N_TO_N"))
    desk.settle()
    assert children(desk, down) == ["FAILED", "SUCCEEDED", "PENDING"]
    assert desk.job(f"{down}:0")["statusReason"] == "Dependent Job failed"
    desk.runner.release()
    desk.settle()
    assert (children(desk, down), desk.status(down)) == (["FAILED", "SUCCEEDED", "SUCCEEDED"], ["FAILED"])


def test_n_to_n_on_an_array_that_has_ended_looks_at_each_child(open_desk: OpenDesk) -> None:
    desk = open_desk(Outcome("up", array_index=1, exit_code=1))
    up = desk.submit("up", arrayProperties={"size": 2})
    desk.settle()
    down = desk.submit("down", arrayProperties={"size": 2}, dependsOn=on(up, kind="N_TO_N"))
    desk.settle()
    assert children(desk, down) == ["SUCCEEDED", "FAILED"]


def test_n_to_n_on_an_array_that_never_had_children_fails_all(open_desk: OpenDesk) -> None:
    desk = open_desk(Outcome("bad", exit_code=1))
    bad = desk.submit("bad")
    desk.settle()
    up = desk.submit("up", arrayProperties={"size": 2}, dependsOn=on(bad))
    down = desk.submit("down", arrayProperties={"size": 2}, dependsOn=on(up, kind="N_TO_N"))
    desk.settle()
    assert desk.status(up, down) == ["FAILED", "FAILED"]


def test_sequential_children_run_one_after_the_other(open_desk: OpenDesk) -> None:
    desk = open_desk(Outcome("row", seconds=10))
    array = desk.submit("row", arrayProperties={"size": 3}, dependsOn=[{"type": "SEQUENTIAL"}])
    seen = []
    for _ in range(3):
        desk.settle()
        seen.append(children(desk, array))
        desk.clock.advance(10)
    desk.settle()
    assert seen == [
        ["RUNNING", "PENDING", "PENDING"],
        ["SUCCEEDED", "RUNNING", "PENDING"],
        ["SUCCEEDED", "SUCCEEDED", "RUNNING"],
    ]
    assert desk.status(array) == ["SUCCEEDED"]


def test_a_sequential_array_ends_with_its_first_failure(open_desk: OpenDesk) -> None:
    desk = open_desk(Outcome("row", array_index=1, exit_code=1))
    array = desk.submit("row", arrayProperties={"size": 4}, dependsOn=[{"type": "SEQUENTIAL"}])
    desk.settle()
    assert (children(desk, array), desk.status(array)) == (["SUCCEEDED", "FAILED", "FAILED", "FAILED"], ["FAILED"])


def test_a_long_sequential_array_fails_as_quickly_as_any(open_desk: OpenDesk) -> None:
    desk = open_desk(Outcome("row", array_index=0, exit_code=1))
    array = desk.submit("row", arrayProperties={"size": 2000}, dependsOn=[{"type": "SEQUENTIAL"}])
    desk.settle()
    assert desk.job(array)["arrayProperties"]["statusSummary"]["FAILED"] == 2000


@pytest.mark.parametrize("operation", ["CancelJob", "TerminateJob"])
def test_ending_an_array_ends_those_of_its_children_that_the_operation_can(open_desk: OpenDesk, operation: str) -> None:
    desk = open_desk(Outcome(array_index=0, hold="RUNNING"), Outcome(array_index=1, hold="RUNNABLE"))
    array = desk.submit(arrayProperties={"size": 3})
    desk.settle()
    desk(operation, jobId=array, reason="enough")
    desk.settle()
    ended = "RUNNING" if operation == "CancelJob" else "FAILED"
    assert children(desk, array) == [ended, "FAILED", "SUCCEEDED"]
    desk.runner.release()
    desk.settle()
    assert (desk.status(array), desk.job(array)["statusReason"]) == (["FAILED"], "enough")


def test_an_array_that_is_cancelled_before_it_has_children_gets_none(desk: Desk) -> None:
    array = desk.submit(arrayProperties={"size": 3})
    desk("CancelJob", jobId=array, reason="enough")
    desk.settle()
    assert desk.status(array) == ["FAILED"]
    assert desk.listed("FAILED", arrayJobId=array) == []


@pytest.mark.slow
def test_ten_thousand_children_run_to_their_end(desk: Desk) -> None:
    array = desk.submit(arrayProperties={"size": 10_000})
    desk.settle()
    assert desk.job(array)["arrayProperties"]["statusSummary"] == {**SUMMARY, "SUCCEEDED": 10_000}
