"""Each job becomes one task, whatever happens on the way."""

from __future__ import annotations

import json
import threading
import time

import pytest

from batch_helpers.azure_client import AzureAccess
from batch_helpers.engines.azure import AzureEngine
from batch_helpers.engines.azure.collection import MOST_BYTES, split
from batch_helpers.errors import CredentialsError, InvalidJob, NotFound, ServiceError, SubmitFailed, UnknownDependency
from batch_helpers.job import Status
from tests.azure.fake_batch import FakeBatch
from tests.azure.fixtures import Sleeps, cut, ended, job, lost, refused, submit

ADD = "POST /jobs/[^/]+/addtaskcollection"


def tasks(fake: FakeBatch, azure_job: str = "run") -> list[str]:
    return sorted(task["id"] for task in fake.service.tasks[azure_job].values())


def test_a_task_is_named_by_its_work(fake: FakeBatch, idle: AzureEngine) -> None:
    work = job("align sample/1", ["bwa", "mem"])
    [job_id] = submit(idle, work)
    assert job_id == f"run/align-sample-1-{work.key}"
    task = fake.service.tasks["run"][f"align-sample-1-{work.key}"]
    assert task["displayName"] == work.full_name
    assert {"name": "BATCH_HELPERS_FINGERPRINT", "value": work.fingerprint} in task["environmentSettings"]


def test_a_long_name_is_cut_so_that_its_id_fits_and_stays_its_own(fake: FakeBatch, idle: AzureEngine) -> None:
    jobs = [job("x" * 300, ["a"]), job("x" * 300, ["b"])]
    ids = submit(idle, *jobs)
    assert len(set(ids)) == 2
    assert max(map(len, tasks(fake))) <= 60
    assert [detail.name for detail in idle.describe(ids).values()] == [item.full_name for item in jobs]


def test_dependencies_are_switched_on_when_an_azure_job_is_made(fake: FakeBatch, idle: AzureEngine) -> None:
    submit(idle, job("a"))
    assert fake.service.jobs["run"]["usesTaskDependencies"] is True
    assert fake.service.jobs["run"]["onAllTasksComplete"] == "noaction"


def test_collections_hold_a_hundred_tasks(fake: FakeBatch, idle: AzureEngine) -> None:
    ids = submit(idle, *(job(f"a-{number}") for number in range(250)))
    assert (len(set(ids)), fake.count(ADD)) == (250, 3)


def test_collections_hold_a_megabyte() -> None:
    requests = [{"id": str(number), "commandLine": "x" * 90_000} for number in range(30)]
    runs = list(split(requests))
    assert [task for run in runs for task in run] == requests
    assert max(len(json.dumps({"value": run})) for run in runs) <= MOST_BYTES
    assert len(runs) == 3


def test_big_tasks_are_split_before_the_service_has_to_refuse_them(fake: FakeBatch, idle: AzureEngine) -> None:
    big = {"DATA": "x" * 90_000}
    assert len(submit(idle, *(job(f"a-{number}", environment=big) for number in range(30)))) == 30
    assert not any(call.startswith("POST /jobs/run/tasks") for call in fake.calls)


def test_a_task_that_no_request_can_carry_is_refused_before_anything_is_sent(
    fake: FakeBatch, idle: AzureEngine
) -> None:
    big = {f"DATA{number}": "x" * 95_000 for number in range(11)}
    with pytest.raises(InvalidJob, match=r"'b'.*bytes"):
        submit(idle, job("a"), job("b", environment=big))
    assert fake.count(ADD) == 0


def test_a_live_task_of_the_same_work_is_adopted(fake: FakeBatch, idle: AzureEngine) -> None:
    first = submit(idle, job("a", memory=1))
    assert submit(idle, job("a", memory=2)) == first
    assert len(tasks(fake)) == 1


@pytest.mark.slow
def test_two_scripts_at_the_same_time_make_one_task_of_each_job(fake: FakeBatch, access: AzureAccess) -> None:
    ids: list[list[str]] = []

    def script() -> None:
        ids.append(submit(AzureEngine(access, pool="empty"), *(job(f"a-{number}") for number in range(150))))

    scripts = [threading.Thread(target=script) for _ in range(4)]
    for thread in scripts:
        thread.start()
    for thread in scripts:
        thread.join()
    assert ids[0] == ids[1] == ids[2] == ids[3]
    assert len(tasks(fake)) == 150
    assert list(fake.service.jobs) == ["run"]


def test_an_ended_task_is_followed_by_a_new_attempt_with_an_id_of_its_own(fake: FakeBatch, engine: AzureEngine) -> None:
    work = job("a", ["false"])
    for number in range(1, 4):
        ids = submit(engine, work)
        assert ids[0].removeprefix(f"run/a-{work.key}") == ("" if number == 1 else f"-{number}")
        detail = ended(engine, ids)[ids[0]]
        assert (detail.key, detail.status) == (work.key, Status.FAILED)
    assert len(tasks(fake)) == 3


def test_more_ended_tasks_than_are_asked_for_by_id_get_new_attempts(fake: FakeBatch, engine: AzureEngine) -> None:
    jobs = [job(f"a-{number}", ["false"]) for number in range(60)]
    ended(engine, submit(engine, *jobs))
    assert all(job_id.endswith("-2") for job_id in submit(engine, *jobs))


@pytest.mark.parametrize("fault", [lost, cut])
def test_a_lost_answer_makes_no_second_task(fake: FakeBatch, idle: AzureEngine, fault: object) -> None:
    fake.fail(ADD, fault)  # type: ignore[arg-type]
    ids = submit(idle, *(job(f"a-{number}") for number in range(7)))
    assert len(set(ids)) == len(tasks(fake)) == 7
    assert fake.count(ADD) == 2


def test_a_task_that_ends_before_its_lost_answer_is_settled_is_still_the_one(
    fake: FakeBatch, engine: AzureEngine
) -> None:
    fake.fail("GET /jobs/run/tasks/", lambda fake, carry_out: carry_out())
    fake.fail(ADD, lost)

    def late(fake: FakeBatch, carry_out: object) -> object:
        deadline = time.monotonic() + 10
        while any(task["state"] != "completed" for task in fake.service.tasks["run"].values()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return carry_out()  # type: ignore[operator]

    fake.fail(ADD, late)  # type: ignore[arg-type]
    assert len(submit(engine, job("quick"))) == len(tasks(fake)) == 1


def test_yesterdays_task_is_not_taken_for_the_one_of_a_lost_answer(fake: FakeBatch, engine: AzureEngine) -> None:
    ended(engine, submit(engine, job("a")))
    fake.fail(ADD, lost)
    assert submit(engine, job("a"))[0].endswith("-2")


def test_a_task_that_the_service_could_not_take_is_sent_again_alone(fake: FakeBatch, idle: AzureEngine) -> None:
    def half(fake: FakeBatch, carry_out: object) -> object:
        answer = carry_out()  # type: ignore[operator]
        body = json.loads(answer.content)
        name = body["value"][0]["taskId"]
        del fake.service.tasks["run"][name.lower()]
        body["value"][0] = {"status": "servererror", "taskId": name, "error": {"code": "InternalError"}}
        answer.content = json.dumps(body).encode()
        return answer

    fake.fail(ADD, half)  # type: ignore[arg-type]
    assert len(submit(idle, *(job(f"a-{number}") for number in range(5)))) == len(tasks(fake)) == 5
    assert fake.count(ADD) == 2


def test_one_refused_task_is_an_error_that_tells_what_was_added(fake: FakeBatch, idle: AzureEngine) -> None:
    def one_bad(fake: FakeBatch, carry_out: object) -> object:
        answer = carry_out()  # type: ignore[operator]
        body = json.loads(answer.content)
        bad = next(item for item in body["value"] if item["taskId"].startswith("bad"))
        bad.update(status="clienterror", error={"code": "InvalidPropertyValue", "message": {"value": "not so"}})
        answer.content = json.dumps(body).encode()
        return answer

    fake.fail(ADD, one_bad)  # type: ignore[arg-type]
    with pytest.raises(SubmitFailed, match=r"'bad-.*not so \(InvalidPropertyValue\)") as caught:
        submit(idle, job("good"), job("bad"), job("fine"))
    assert sorted(caught.value.submitted) == [0, 2]


def test_a_throttled_request_waits_as_long_as_the_service_says(
    fake: FakeBatch, idle: AzureEngine, sleeps: Sleeps
) -> None:
    fake.fail(ADD, refused(429, "TooManyRequests", **{"Retry-After": "7"}))
    assert len(submit(idle, job("a"))) == 1
    assert max(sleeps) >= 7


def test_a_service_that_stays_down_is_an_error_and_not_a_loop(fake: FakeBatch, idle: AzureEngine) -> None:
    for _ in range(30):
        fake.fail(ADD, refused(500, "InternalError"))
    with pytest.raises(SubmitFailed, match="said InternalError"):
        submit(idle, job("a"))
    assert fake.count(ADD) <= 6


def test_an_azure_job_that_was_completed_is_followed_by_the_next_one(fake: FakeBatch, idle: AzureEngine) -> None:
    first = submit(idle, job("a"))
    fake.service.end_job("run", "by hand")
    assert submit(idle, job("b"))[0].startswith("run-2/")
    assert submit(idle, job("c"))[0].startswith("run-2/")
    assert idle.describe(first)[first[0]].status is Status.FAILED


def test_an_azure_job_of_somebody_else_with_such_a_name_is_left_alone(fake: FakeBatch, idle: AzureEngine) -> None:
    for name in ("run", "run-2"):
        fake.service.create_job({"id": name, "poolInfo": {"poolId": "pool"}})
    assert submit(idle, job("a"))[0].startswith("run-3/")
    assert submit(idle, job("a"), queue="run-2")[0].startswith("run-2-2/")


def test_queues_whose_names_look_like_a_later_azure_job_of_each_other_stay_apart(
    fake: FakeBatch, idle: AzureEngine
) -> None:
    ids = submit(idle, job("a"), queue="run-2") + submit(idle, job("b"), queue="run")
    assert [detail.job_id for detail in idle.active(["run"])] == ids[1:]
    assert [detail.job_id for detail in idle.active(["run-2"])] == ids[:1]


def test_a_dependency_that_nobody_knows_is_refused_before_anything_is_sent(fake: FakeBatch, idle: AzureEngine) -> None:
    for stranger in ("run/nobody", "nobody", "no such/thing at all"):
        with pytest.raises(UnknownDependency, match=r"nobody|no such"):
            submit(idle, job("a"), needs=[stranger])
    assert fake.count(ADD) == 0


def test_a_dependency_of_another_process_is_looked_up(fake: FakeBatch, access: AzureAccess) -> None:
    first = submit(AzureEngine(access, pool="empty"), job("a"))
    submit(AzureEngine(access, pool="empty"), job("b"), needs=first)
    waiting = next(task for task in fake.service.tasks["run"].values() if task["id"].startswith("b"))
    assert waiting["dependsOn"]["taskIds"] == [first[0].removeprefix("run/")]


def test_what_succeeded_in_an_earlier_azure_job_need_not_be_waited_for(fake: FakeBatch, engine: AzureEngine) -> None:
    good, bad = submit(engine, job("good"), job("bad", ["false"]))
    ended(engine, [good, bad])
    fake.service.end_job("run", "by hand")
    after = submit(engine, job("after"), needs=[good])
    assert ended(engine, after)[after[0]].status is Status.SUCCEEDED
    with pytest.raises(SubmitFailed, match="which has failed"):
        submit(engine, job("never"), needs=[bad])


def test_a_live_task_of_another_azure_job_cannot_be_waited_for(idle: AzureEngine) -> None:
    first = submit(idle, job("a"), queue="one")
    with pytest.raises(SubmitFailed, match="use one queue for both"):
        submit(idle, job("b"), needs=first, queue="two")


def test_the_quota_of_active_jobs_is_waited_for(fake: FakeBatch, idle: AzureEngine, sleeps: Sleeps) -> None:
    fake.service.quota = 1
    submit(idle, job("a"), queue="other")
    done = threading.Event()

    def soon(seconds: float) -> None:
        sleeps.append(seconds)
        if len(sleeps) == 3:
            fake.service.end_job("other", "by hand")
            done.set()

    idle.api.sleep = soon
    submit(idle, job("b"))
    assert done.is_set()
    assert sleeps == [30.0, 30.0, 30.0]


def test_the_wait_for_the_quota_is_bounded(
    fake: FakeBatch, idle: AzureEngine, sleeps: Sleeps, caplog: pytest.LogCaptureFixture
) -> None:
    fake.service.quota = 0
    with pytest.raises(SubmitFailed, match="ActiveJobAndScheduleQuotaReached"):
        submit(idle, job("a"))
    assert sum(sleeps) == 600
    assert "as many active Azure jobs as it may" in caplog.text


def test_without_a_pool_only_azure_jobs_that_exist_are_used(fake: FakeBatch, access: AzureAccess) -> None:
    fake.service.create_job({"id": "mine", "poolInfo": {"poolId": "empty"}, "usesTaskDependencies": True})
    strict = AzureEngine(access)
    assert submit(strict, job("a"), queue="mine")[0].startswith("mine/")
    with pytest.raises(NotFound, match="'mime' does not exist; did you mean 'mine'"):
        submit(strict, job("a"), queue="mime")
    fake.service.end_job("mine", "by hand")
    with pytest.raises(ServiceError, match=r"'mine' is completed \(by hand\) and takes no tasks"):
        submit(AzureEngine(access), job("b"), queue="mine")
    with pytest.raises(SubmitFailed, match="JobCompleted"):
        submit(strict, job("b"), queue="mine")


def test_a_pool_that_does_not_exist_is_named_with_the_nearest(access: AzureAccess) -> None:
    with pytest.raises(NotFound, match="'pol' does not exist; did you mean 'pool'"):
        AzureEngine(access, pool="pol").check([job("a").bound("run", ())])


def test_a_refused_key_is_an_error_at_once(fake: FakeBatch, sleeps: Sleeps) -> None:
    given = {"batch_account": "fakeaccount", "batch_key": "d3Jvbmc=", "batch_endpoint": fake.url}
    with pytest.raises(CredentialsError, match=r"could not look up pool 'pool'.*AZURE_BATCH_ACCESS_KEY"):
        AzureEngine(AzureAccess(given), pool="pool", sleep=sleeps).check([job("a").bound("run", ())])
    assert sleeps == []
