from __future__ import annotations

import threading

import pytest

from batch_helpers.engines.aws.crew import chunks, each, spread


def test_results_stand_by_their_items_however_the_work_ends() -> None:
    turns = [threading.Event() for _ in range(4)]
    turns[3].set()

    def backwards(place: int) -> str:
        assert turns[place].wait(5)
        if place:
            turns[place - 1].set()
        return f"r{place}"

    assert each(backwards, range(4), 4) == ["r0", "r1", "r2", "r3"]


def test_no_more_than_the_width_is_in_flight() -> None:
    lock, flying, most = threading.Lock(), [0], [0]
    both = threading.Barrier(2)

    def work(_: int) -> None:
        with lock:
            flying[0] += 1
            most[0] = max(most[0], flying[0])
        both.wait(5)
        with lock:
            flying[0] -= 1

    each(work, range(8), 2)
    assert most == [2]


def test_after_a_failure_nothing_is_begun_and_what_is_in_flight_is_kept() -> None:
    failed, begun = threading.Event(), []

    def work(place: int) -> int:
        begun.append(place)
        if place == 1:
            failed.set()
            raise ValueError("no")
        assert failed.wait(5)
        return place

    done, failure = spread(work, range(100), 2)
    assert isinstance(failure, ValueError)
    assert done[0] == 0
    assert len(begun) <= 3
    with pytest.raises(ValueError, match="no"):
        each(work, [1], 1)


def test_ctrl_c_stops_the_crew_as_a_failure_does(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, interrupted = [], threading.Event()

    def work(place: int) -> None:
        begun.append(place)
        assert interrupted.wait(5)

    def interrupt(_: object) -> None:
        threading.Timer(0.05, interrupted.set).start()
        raise KeyboardInterrupt

    monkeypatch.setattr("batch_helpers.engines.aws.crew.wait", interrupt)
    with pytest.raises(KeyboardInterrupt):
        spread(work, range(1000), 2)
    assert len(begun) <= 2


def test_nothing_to_do_is_done() -> None:
    assert each(str, [], 4) == []


def test_chunks_cover_everything_once() -> None:
    assert chunks("abcdefg", 3) == ["abc", "def", "g"]
    assert chunks([], 3) == []
