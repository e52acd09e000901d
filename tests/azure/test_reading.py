"""What is seen of tasks, and what seeing costs."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from batch_helpers.azure_client import AzureAccess
from batch_helpers.engines.azure import AzureEngine
from batch_helpers.errors import AmbiguousAnswer, CredentialsError, Unreachable
from batch_helpers.job import Status
from tests.azure.fake_batch import FakeBatch
from tests.azure.fixtures import Sleeps, cut, ended, job, lost, refused, submit


@pytest.mark.slow
def test_ten_thousand_tasks_take_no_more_than_110_calls_to_add_and_15_to_poll(
    fake: FakeBatch, idle: AzureEngine
) -> None:
    jobs = [job(f"a-{number}") for number in range(10_000)]
    idle.check([item.bound("run", ()) for item in jobs])
    ids = submit(idle, *jobs)
    assert len(fake.calls) <= 110
    fake.calls.clear()
    assert {detail.job_id for detail in idle.active(["run"])} == set(ids)
    assert len(fake.calls) <= 15
    fake.calls.clear()
    assert len(idle.describe(ids)) == 10_000
    assert len(fake.calls) <= 30


def test_a_few_tasks_are_asked_for_by_their_ids(fake: FakeBatch, idle: AzureEngine) -> None:
    ids = submit(idle, *(job(f"a-{number}") for number in range(30)))
    for task in fake.service.tasks["run"].values():
        task.update(state="completed", executionInfo={"result": "success", "exitCode": 0, "retryCount": 0})
    fake.calls.clear()
    assert len(idle.describe(ids[:5])) == 5
    assert fake.calls == ["GET /jobs/run/tasks", "GET /jobs/run"]


def test_states_are_the_houses(fake: FakeBatch, idle: AzureEngine) -> None:
    first = submit(idle, job("first"))
    second = submit(idle, job("second"), needs=first)
    states = {"active": Status.RUNNABLE, "preparing": Status.STARTING, "running": Status.RUNNING}
    for state, status in states.items():
        fake.service.task("run", first[0].removeprefix("run/"))["state"] = state
        seen = {detail.job_id: detail.status for detail in idle.active(["run"])}
        assert seen == {first[0]: status, second[0]: Status.PENDING}


def test_what_waits_for_a_failed_task_has_failed_however_far_away(engine: AzureEngine) -> None:
    bad = submit(engine, job("bad", ["false"]))
    waits = submit(engine, job("waits"), needs=bad)
    waits += submit(engine, job("waits-longer"), needs=waits)
    found = ended(engine, bad + waits)
    for job_id in waits:
        assert found[job_id].status is Status.FAILED
        assert found[job_id].reason.startswith("Dependent Job failed: ")
        assert (found[job_id].started_at, found[job_id].attempts) == (None, ())
    assert bad[0].removeprefix("run/") in found[waits[0]].reason
    assert list(engine.active(["run"])) == []


def test_a_blocked_task_is_tried_again_as_a_new_attempt(engine: AzureEngine) -> None:
    bad, after = job("bad", ["false"]), job("after")
    first = submit(engine, bad)
    blocked = submit(engine, after, needs=first)
    ended(engine, first + blocked)
    good = submit(engine, job("good"))
    again = submit(engine, after, needs=good)
    assert again[0] == f"{blocked[0]}-2"
    assert ended(engine, again)[again[0]].status is Status.SUCCEEDED


def test_dependants_of_a_job_that_lets_them_run_do_so_when_it_fails(engine: AzureEngine) -> None:
    bad = submit(engine, job("bad", ["false"], run_dependents_on_fail=True))
    after = submit(engine, job("after"), needs=bad)
    found = ended(engine, bad + after)
    assert [found[job_id].status for job_id in bad + after] == [Status.FAILED, Status.SUCCEEDED]


def test_a_command_that_does_not_exist_fails_and_blocks_too(engine: AzureEngine) -> None:
    bad = submit(engine, job("bad", ["no-such-program"]))
    after = submit(engine, job("after"), needs=bad)
    found = ended(engine, bad + after)
    assert found[bad[0]].reason.startswith("Task failed to start: ")
    assert found[bad[0]].exit_code is None
    assert found[after[0]].status is Status.FAILED


def test_tasks_of_an_ended_azure_job_that_never_started_have_failed(fake: FakeBatch, idle: AzureEngine) -> None:
    ids = submit(idle, job("a"))
    fake.service.end_job("run", "MaxWallClockTimeExpiry")
    assert list(idle.active(["run"])) == []
    detail = idle.describe(ids)[ids[0]]
    assert detail.status is Status.FAILED
    assert detail.reason == "Azure job run is completed (MaxWallClockTimeExpiry): this task was not started"


def test_an_azure_job_that_is_gone_has_forgotten_its_tasks(fake: FakeBatch, idle: AzureEngine) -> None:
    ids = submit(idle, job("a"))
    del fake.service.jobs["run"], fake.service.tasks["run"]
    assert idle.describe([*ids, "elsewhere/x", "nonsense", "a/b/c"]) == {}
    assert list(idle.active(["run", "elsewhere"])) == []


def test_tasks_of_other_programs_are_seen_without_a_key(fake: FakeBatch, idle: AzureEngine) -> None:
    submit(idle, job("a"))
    fake.service.add_task("run", {"id": "theirs", "commandLine": "true"})
    theirs = [detail for detail in idle.active(["run"]) if detail.key is None]
    assert [(detail.job_id, detail.name) for detail in theirs] == [("run/theirs", "theirs")]


def test_ids_are_the_same_whatever_their_case(fake: FakeBatch, idle: AzureEngine) -> None:
    ids = submit(idle, job("Align"))
    assert list(idle.describe([ids[0].upper()])) == [ids[0].upper()]
    assert submit(idle, job("ALIGN")) == ids


def test_every_attempt_has_its_number_and_the_last_one_its_story(engine: AzureEngine) -> None:
    ids = submit(engine, job("flaky", "test -e again && exit 3; touch again; exit 2", attempts=3))
    detail = ended(engine, ids)[ids[0]]
    assert [attempt.number for attempt in detail.attempts] == [1, 2, 3]
    assert (detail.exit_code, detail.attempts[-1].exit_code, detail.attempts[0].exit_code) == (3, 3, None)
    assert detail.reason == "Essential container in task exited"


def test_a_task_that_takes_longer_than_its_timeout_has_timed_out(engine: AzureEngine) -> None:
    ids = submit(engine, job("slow", ["sleep", "60"], timeout=1))
    detail = ended(engine, ids)[ids[0]]
    assert (detail.status, detail.reason) == (Status.FAILED, "Job attempt duration exceeded timeout")
    assert detail.started_at is not None
    assert detail.stopped_at is not None
    assert 1 <= detail.stopped_at - detail.started_at < 20


def test_logs_are_stdout_and_then_stderr_of_the_last_attempt(engine: AzureEngine) -> None:
    script = "echo out; echo err >&2; printf '\\303\\251\\n\\377 no newline'; exit 1"
    ids = submit(engine, job("noisy", script, attempts=2))
    ended(engine, ids)
    lines = ["out", "é", "\ufffd no newline", "err"]
    assert list(engine.logs(ids[0])) == lines
    assert list(engine.logs(ids[0], attempt=2)) == lines
    assert list(engine.logs(ids[0], attempt=1)) == []


def test_no_log_is_no_error(fake: FakeBatch, engine: AzureEngine, idle: AzureEngine) -> None:
    waiting = submit(idle, job("waiting"), queue="idle")
    assert list(idle.logs(waiting[0])) == []
    assert list(engine.logs("nonsense")) == []
    assert list(engine.logs("nobody/nothing", attempt=1)) == []
    ids = submit(engine, job("gone", "echo hello"))
    ended(engine, ids)
    fake.service.lost_nodes = True
    assert list(engine.logs(ids[0])) == []


def test_a_log_that_cannot_be_read_is_an_error_of_ours(fake: FakeBatch, engine: AzureEngine) -> None:
    ids = submit(engine, job("a", "echo hello"))
    ended(engine, ids)
    fake.fail("GET /jobs/run/tasks/.*/files", refused(403, "AuthenticationFailed"))
    with pytest.raises(CredentialsError, match="list the files of task"):
        list(engine.logs(ids[0]))
    for _ in range(10):
        fake.fail("GET /jobs/run/tasks/.*/files/", cut)
    with pytest.raises(AmbiguousAnswer, match=r"read stdout\.txt"):
        list(engine.logs(ids[0]))


def test_terminating_ends_what_runs_what_waits_and_what_has_not_begun(fake: FakeBatch, engine: AzureEngine) -> None:
    running = submit(engine, *(job(f"r-{number}", ["sleep", "60"]) for number in range(4)))
    waiting = submit(engine, job("later", ["sleep", "61"]))
    waiting += submit(engine, job("after"), needs=running[:1])
    engine.terminate([*running, *waiting, "run/nobody", "nonsense", "nobody/at-all"], "enough")
    found = ended(engine, running + waiting)
    assert {(detail.status, detail.reason) for detail in found.values()} == {(Status.FAILED, "enough")}


def test_a_task_that_cannot_be_ended_is_an_error_and_the_others_end(fake: FakeBatch, idle: AzureEngine) -> None:
    ids = submit(idle, job("a"), job("b"))
    fake.fail(f"POST /jobs/run/tasks/{ids[0].removeprefix('run/')}/terminate", refused(400, "InvalidInput"))
    with pytest.raises(Exception, match=r"1 tasks could not be ended; the first: .*said InvalidInput"):
        idle.terminate(ids, "enough")
    assert [detail.status for detail in idle.describe(ids).values()] == [Status.RUNNABLE, Status.FAILED]


def test_a_page_that_was_cut_short_is_no_empty_page(fake: FakeBatch, idle: AzureEngine) -> None:
    submit(idle, job("a"))

    def empty(fake: FakeBatch, carry_out: Any) -> Any:
        answer = carry_out()
        answer.content = json.dumps({}).encode()
        return answer

    for fault in (cut, lost, empty):
        fake.fail("GET /jobs/run/tasks$", fault)
        assert len(list(idle.active(["run"]))) == 1
    for _ in range(10):
        fake.fail("GET /jobs/run/tasks$", empty)
    with pytest.raises(AmbiguousAnswer, match="without its items"):
        list(idle.active(["run"]))


def test_a_service_that_cannot_be_reached_is_said_so(sleeps: Sleeps) -> None:
    access = AzureAccess({"batch_account": "a", "batch_key": "d3Jvbmc=", "batch_endpoint": "http://127.0.0.1:9"})
    with pytest.raises(Unreachable, match=r"could not .*127\.0\.0\.1"):
        list(AzureEngine(access, pool="pool", sleep=sleeps).active(["run"]))
    assert len(sleeps) == 3


def test_azure_jobs_complete_when_they_are_settled_and_their_tasks_have_ended(
    fake: FakeBatch, engine: AzureEngine
) -> None:
    ids = submit(engine, job("a", ["sleep", "0.3"]))
    engine.settle(["run"])
    assert fake.service.jobs["run"]["state"] == "active"
    ended(engine, ids)
    assert fake.service.jobs["run"]["executionInfo"]["terminateReason"] == "AllTasksComplete"
    engine.settle(["run", "nobody"])


def test_an_azure_job_in_which_only_blocked_tasks_are_left_is_ended(fake: FakeBatch, engine: AzureEngine) -> None:
    bad = submit(engine, job("bad", ["false"]))
    ended(engine, bad + submit(engine, job("after"), needs=bad))
    engine.settle(["run"])
    deadline = time.monotonic() + 5
    while fake.service.jobs["run"]["state"] != "completed":
        assert time.monotonic() < deadline
    assert "waits for one that failed" in fake.service.jobs["run"]["executionInfo"]["terminateReason"]


def test_cancelling_ends_what_has_not_started_and_leaves_the_rest(fake: FakeBatch, engine: AzureEngine) -> None:
    running = submit(engine, *(job(f"r-{number}", ["sleep", "60"]) for number in range(4)))
    waiting = submit(engine, job("later", ["sleep", "61"]))
    engine.cancel([*running, *waiting, "run/nobody", "nonsense"], "not needed")
    found = engine.describe(running + waiting)
    assert (found[waiting[0]].status, found[waiting[0]].reason) == (Status.FAILED, "not needed")
    assert {found[job_id].status for job_id in running} == {Status.RUNNING}


def test_failed_tasks_are_told_with_the_newest_first(fake: FakeBatch, engine: AzureEngine) -> None:
    first = submit(engine, job("first", ["false"]), job("good"))
    ended(engine, first)
    fake.service.end_job("run", "by hand")
    second = submit(engine, job("second", ["sh", "-c", "exit 7"]))
    ended(engine, second)
    failed = list(engine.failed(["run", "elsewhere"]))
    assert [detail.short_name for detail in failed] == ["second", "first"]
    assert [(detail.exit_code, detail.status) for detail in failed] == [(7, Status.FAILED), (1, Status.FAILED)]
