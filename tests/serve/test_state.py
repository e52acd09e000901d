"""What is remembered, and what happens when it cannot be written."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from batch_helpers.errors import ServiceError
from batch_helpers.serve import serve
from batch_helpers.serve.claim import Claim
from batch_helpers.serve.endpoint import Endpoint
from batch_helpers.serve.runners.folders import Folders
from batch_helpers.serve.scheduling import scheduler
from tests.serve.desk import Desk, OpenDesk, Refused
from tests.serve.waiting import until

QUEUE = {"jobQueueName": "q", "priority": 1, "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": "local"}]}


def fill_the_disk(desk: Desk, *, full: bool) -> None:
    """Let the database grow no further, or again."""
    sqlite = desk.database._sqlite
    pages = sqlite.execute("PRAGMA page_count").fetchone()[0] if full else 1 << 30
    sqlite.execute(f"PRAGMA max_page_count = {pages}")


def test_a_full_disk_is_an_error_of_the_service_and_nothing_is_lost(desk: Desk) -> None:
    accepted = [desk.submit()]

    def submit_many() -> None:
        for _ in range(1000):
            accepted.append(desk.submit())

    fill_the_disk(desk, full=True)
    with pytest.raises(Refused) as caught:
        submit_many()
    assert (caught.value.status, caught.value.code) == (500, "ServerException")
    fill_the_disk(desk, full=False)
    accepted.append(desk.submit())
    desk.settle()
    assert desk.status(*accepted) == ["SUCCEEDED"] * len(accepted)
    assert sorted(desk.listed("SUCCEEDED")) == sorted(accepted)


def test_a_queue_that_could_not_be_stored_is_not_there(desk: Desk) -> None:
    def store() -> None:
        with desk.database.transaction():
            desk.database.resources.put("job-queue", "q", {"jobQueueName": "q"}, {})
            desk.database._sqlite.execute("INSERT INTO nowhere VALUES (1)")

    with pytest.raises(ServiceError, match="see that its disk has room"):
        store()
    assert desk.database.resources.find("job-queue", "q") is None
    desk("CreateJobQueue", **QUEUE)


def test_a_definition_that_could_not_be_stored_is_not_there(desk: Desk) -> None:
    def store() -> None:
        with desk.database.transaction():
            desk.database.definitions.register("d", {}, {})
            assert desk.database.definitions.find("d", 1) is not None
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        store()
    assert desk.database.definitions.find("d", 1) is None
    assert desk.define("d") == "d:1"


def test_jobs_move_on_when_what_was_broken_works_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(scheduler, "_PATIENCE", 0.0)
    job_id, turn, failures = desk.submit(), desk.runner.turn, [1, 1]

    async def broken(*words: Any) -> Any:
        if failures:
            failures.pop()
            raise ServiceError("the engine's disk is full")
        return await turn(*words)

    monkeypatch.setattr(desk.runner, "turn", broken)

    async def watch() -> None:
        running = asyncio.create_task(desk.scheduler.run())
        while desk.status(job_id) != ["SUCCEEDED"]:
            await asyncio.sleep(0)
        running.cancel()

    asyncio.run(watch())
    assert caplog.text.count("the engine's disk is full") == 2


def test_ids_of_jobs_beyond_a_thousand_are_looked_up_in_one_go(desk: Desk) -> None:
    ids = [desk.submit() for _ in range(3)]
    unknown = [f"00000000-0000-4000-8000-{number:012}" for number in range(40_000)]
    assert set(desk.database.jobs.known([*unknown, *ids])) == set(ids)


def test_forgetting_leaves_nothing_behind(open_desk: OpenDesk) -> None:
    desk = open_desk(retention=0)
    desk.submit()
    array = desk.submit(arrayProperties={"size": 3}, dependsOn=[{"type": "SEQUENTIAL"}])
    desk.submit(dependsOn=[{"jobId": array}])
    desk.settle()
    desk.clock.advance(2)
    desk.settle()
    for table in ("jobs", "specs", "edges", "streams"):
        (count,) = desk.database._sqlite.execute(f"SELECT count(*) FROM {table}").fetchone()
        assert (table, count) == (table, 0)


def test_a_claim_ends_with_its_holder(tmp_path: Path) -> None:
    claim = Claim(str(tmp_path))
    with pytest.raises(ServiceError, match="is served already by another process"):
        Claim(str(tmp_path))
    claim.sign("http://127.0.0.1:1")
    with pytest.raises(ServiceError, match=r"by process \d+ at http://127\.0\.0\.1:1"):
        Claim(str(tmp_path))
    claim.release()
    Claim(str(tmp_path)).release()


def test_folders_of_jobs_are_made_empty_and_forgotten_with_their_logs(tmp_path: Path) -> None:
    folders = Folders(str(tmp_path))
    place = Path(folders.path("a:1"))
    folders.make("a:1")
    (place / "left").write_text("over")
    folders.make("a:1")
    assert list(place.iterdir()) == []
    for name in ("a:1", "a:10"):
        Path(folders.log(name, 1)).write_text("x")
    folders.forget("a:1")
    assert not place.exists()
    assert [path.name for path in (tmp_path / "logs").iterdir()] == ["a:10-1.log"]


@pytest.mark.slow
def test_an_endpoint_whose_scheduler_has_failed_does_not_pretend_to_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def turn(self: object) -> bool:
        raise sqlite3.ProgrammingError("a mistake of ours")

    def closed(endpoint: Endpoint) -> bool:
        host, _, port = urlsplit(endpoint.url).netloc.partition(":")
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            return True
        return False

    def use() -> None:
        with serve(tmp_path, instant=True) as endpoint:
            until(lambda: closed(endpoint))

    monkeypatch.setattr(scheduler.Scheduler, "turn", turn)
    with pytest.raises(sqlite3.ProgrammingError):
        use()
    assert "the scheduler failed; the endpoint stops" in caplog.text
