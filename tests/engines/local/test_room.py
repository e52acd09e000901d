"""How jobs share the machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from batch_helpers.engines.local.database import Database
from batch_helpers.engines.local.room import Need, Room, machine_memory, machine_vcpus
from batch_helpers.engines.local.rows import Capacity, Context, NewJob, Spec
from batch_helpers.engines.local.scheduler import Scheduler


def test_what_fits_fits_to_the_last_crumb() -> None:
    room = Room(Capacity(1, 100))
    for _ in range(10):
        assert room.fits(Need(0.1, 10))
        room.take(Need(0.1, 10))
    assert not room.fits(Need(0.001, 0))
    room.give_back(Need(0.1, 10))
    assert room.fits(Need(0.1, 10))
    assert not room.fits(Need(0.2, 10))
    assert not room.fits(Need(0.1, 11))


def test_memory_that_nobody_asked_for_is_not_counted() -> None:
    room = Room(Capacity(4, 100))
    room.take(Need(1, 100))
    assert room.fits(Need(1, 0))
    assert not room.fits(Need(1, 1))


@pytest.mark.parametrize(("vcpus", "memory"), [(5, 0), (1, 101), (5, 101)])
def test_a_job_that_asks_for_more_than_there_is_gets_everything(vcpus: float, memory: int) -> None:
    room = Room(Capacity(4, 100))
    assert room.exceeded(vcpus, memory)
    assert room.need(vcpus, memory) == Need(4, 100)


def test_a_job_that_asks_for_all_there_is_does_not_ask_for_more() -> None:
    room = Room(Capacity(4, 100))
    assert not room.exceeded(4, 100)
    assert room.need(4, 100) == Need(4, 100)


def test_without_a_limit_it_is_the_machine() -> None:
    room = Room(Capacity())
    assert room.vcpus == machine_vcpus() >= 1
    assert room.memory == machine_memory() > 100


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(str(tmp_path))
    yield made
    made.close()


def queue(database: Database, *vcpus: float) -> None:
    jobs = [NewJob(str(place), "n", "q", Spec(), vcpus=size) for place, size in enumerate(vcpus)]
    with database.changes(1.0) as changes:
        changes.limit(Capacity(4, 100))
        changes.insert(jobs, Context("/", {}))


def start(database: Database, scheduler: Scheduler) -> list[str]:
    admitted = scheduler.admit()
    with database.changes(1.0) as changes:
        changes.start(ready.seq for ready, _ in admitted)
    return [ready.id for ready, _ in admitted]


def test_a_big_job_at_the_head_is_not_overtaken(database: Database) -> None:
    queue(database, 2, 1, 3, 1)
    scheduler = Scheduler(database)
    assert start(database, scheduler) == ["0", "1"]
    assert not scheduler.can_admit()
    assert start(database, scheduler) == []
    scheduler.room.give_back(Need(2, 0))
    assert scheduler.can_admit()
    assert start(database, scheduler) == ["2"]
    scheduler.room.give_back(Need(1, 0))
    assert start(database, scheduler) == ["3"]
    assert scheduler.empty


def test_no_job_is_admitted_twice_however_long_the_queue(database: Database) -> None:
    queue(database, *[0.025] * 450)
    scheduler = Scheduler(database)
    seen: list[str] = []
    while scheduler.can_admit():
        started = start(database, scheduler)
        seen += started
        for _ in started:
            scheduler.room.give_back(Need(0.025, 0))
    assert seen == [str(place) for place in range(450)]


def test_a_change_of_the_capacity_is_heeded(database: Database) -> None:
    queue(database, 4, 4)
    scheduler = Scheduler(database)
    assert start(database, scheduler) == ["0"]
    with database.changes(1.0) as changes:
        changes.limit(Capacity(8, 100))
    scheduler.refresh()
    assert start(database, scheduler) == ["1"]
