"""What went wrong in cfa-cloudops, each of which must never happen here."""

from __future__ import annotations

import threading
import time

import pytest

from batch_helpers.cloudops import CloudClient
from batch_helpers.cloudops.monitor import MonitorTimedOut
from batch_helpers.errors import BatchHelpersError
from batch_helpers.job import Status
from tests.azure.fake_batch import FakeBatch
from tests.azure.fixtures import refused
from tests.cloudops.conftest import Make

pytestmark = pytest.mark.slow

FAST = 0.05


def test_bug_9_monitoring_ends_at_its_timeout(make: Make) -> None:
    client = make()
    client.create_job("job", "pool")
    client.add_task("job", "sleep 60")
    began = time.monotonic()
    with pytest.raises(MonitorTimedOut):
        client.monitor_job("job", timeout=0.01, interval=30)
    assert 0.5 <= time.monotonic() - began < 10


def test_bug_9_children_of_a_failed_task_do_not_wait_for_ever(make: Make) -> None:
    client = make()
    client.create_job("job", "pool")
    parent = client.add_task("job", "false")
    child = client.add_task("job", "true", depends_on=[parent])
    client.add_task("job", "true", depends_on=[child])
    summary = client.monitor_job("job", timeout=1, interval=FAST)
    assert (summary.active, len(summary.failed), summary.exit_code) == (0, 3, 1)


@pytest.mark.parametrize("ints", [True, False])
def test_bug_9_ids_go_on_where_other_processes_have_stopped(make: Make, ints: bool) -> None:
    make().create_job("job", "pool", task_id_ints=ints)
    first = make().add_tasks("job", ["true"] * 3)
    second = make().add_tasks("job", ["true"] * 3)
    ids = [str(task).removeprefix("task-") for task in first + second]
    assert ids == ["1", "2", "3", "4", "5", "6"]


@pytest.mark.parametrize("ints", [True, False])
def test_bug_9_processes_that_add_at_the_same_time_get_ids_of_their_own(make: Make, ints: bool) -> None:
    make().create_job("job", "pool", task_id_ints=ints)
    ids: list[str | None] = []

    def script() -> None:
        client = make()
        for _ in range(5):
            ids.extend(client.add_tasks("job", ["true"] * 3))

    scripts = [threading.Thread(target=script) for _ in range(4)]
    for thread in scripts:
        thread.start()
    for thread in scripts:
        thread.join()
    assert len(set(ids)) == len(ids) == 60
    assert sorted(map(str, ids)) == sorted(make()._cloud.task_ids("job"))
    assert make().monitor_job("job", interval=FAST).counts[Status.SUCCEEDED] == 60


def test_bug_9_containers_of_one_collection_do_not_share_a_name(azure: FakeBatch) -> None:
    azure.service.add_pool("boxes", images=["python:3.12"])
    client = CloudClient()
    client.create_job("job", "boxes")
    client.add_tasks("job", ["true"] * 5)
    settings = [task["containerSettings"] for task in azure.service.tasks["job"].values()]
    assert all("--name" not in item.get("containerRunOptions", "") for item in settings)
    assert {item["imageName"] for item in settings} == {"python:3.12"}


def test_bug_9_more_than_a_hundred_tasks_are_added_at_once(make: Make) -> None:
    client = make()
    client.create_job("job", "pool")
    ids = client.add_tasks("job", ["true"] * 101)
    assert ids == [f"task-{number}" for number in range(1, 102)]


ERRORS = [
    ("POST /jobs$", lambda client: client.create_job("other", "pool")),
    ("GET /pools/", lambda client: client.create_job("other", "empty")),
    ("POST /jobs/job/addtaskcollection", lambda client: client.add_task("job", "true")),
    ("GET /jobs/job/tasks", lambda client: client.monitor_job("job", interval=FAST)),
    ("GET /jobs/job$", lambda client: client.check_job_status("job")),
    ("DELETE /jobs/job$", lambda client: client.delete_job("job")),
    ("GET /jobs/job/tasks", lambda client: client.download_job_stats("job")),
    ("GET /jobs/job/tasks", lambda client: client.get_task_status("job", "task-1")),
    ("PUT /subscriptions/.*/pools/", lambda client: client.create_pool("other")),
    ("GET /subscriptions/.*/pools/", lambda client: client.delete_pool("pool")),
]


@pytest.mark.parametrize(("call", "act"), ERRORS, ids=[str(number) for number in range(len(ERRORS))])
def test_bug_9_what_the_service_refuses_is_an_error_with_its_code(
    azure: FakeBatch, monkeypatch: pytest.MonkeyPatch, call: str, act: object
) -> None:
    client = CloudClient()
    client.create_job("job", "pool")
    client.add_task("job", "true")
    azure.fail(call, refused(403, "InsufficientAccountPermissions"))
    with pytest.raises(BatchHelpersError, match="InsufficientAccountPermissions") as caught:
        act(client)  # type: ignore[operator]
    assert caught.value.__cause__ is not None
    client._finish.detach()
