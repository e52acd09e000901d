"""The line of threads before the bucket."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from batch_helpers.budget import Budget, Priority, shared_budget
from batch_helpers.budget.bucket import BURST
from batch_helpers.budget.budget import HEAD_START
from batch_helpers.errors import InvalidInput, ServiceError, Throttled
from tests.budget.sleepers import Sleepers


class Office:
    """A budget of one request per second whose first one is spent; `served` tells who got a turn, in order."""

    def __init__(self, rate: float = 1.0) -> None:
        self.time = Sleepers()
        self.budget = Budget(rate, clock=self.time.clock, sleep=self.time.sleep)
        self.served: list[str] = []
        self.request("first", Priority.SUBMIT)

    def request(self, name: str, priority: Priority) -> None:
        def work() -> None:
            with self.budget.turn(priority):
                self.served.append(name)

        self.time.start(work)


@pytest.fixture
def office() -> Iterator[Office]:
    office = Office()
    yield office
    office.time.close()


def test_cancels_go_before_submissions_and_those_before_polls(office: Office) -> None:
    for name in ("poll", "submit", "cancel", "poll 2", "submit 2", "cancel 2"):
        office.request(name, Priority[name.split()[0].upper()])
    office.time.advance(7)
    assert office.served == ["first", "cancel", "cancel 2", "submit", "submit 2", "poll", "poll 2"]


def test_one_turn_is_given_each_second(office: Office) -> None:
    for number in range(5):
        office.request(f"s{number}", Priority.SUBMIT)
    office.time.advance(0.5)
    for seconds in range(1, 5):
        office.time.advance(1)
        assert len(office.served) == 1 + seconds


def test_a_cancel_that_comes_last_does_not_wait_behind_the_others(office: Office) -> None:
    for number in range(5):
        office.request(f"s{number}", Priority.SUBMIT)
    office.time.advance(2.5)
    office.request("cancel", Priority.CANCEL)
    office.time.advance(1)
    assert office.served == ["first", "s0", "s1", "cancel"]


def test_a_poll_is_not_starved_by_submissions_that_keep_coming(office: Office) -> None:
    office.request("poll", Priority.POLL)
    for number in range(12):
        office.request(f"s{number}", Priority.SUBMIT)
        office.time.advance(1)
    place = office.served.index("poll")
    assert HEAD_START <= place <= HEAD_START + 2


def test_everybody_is_slowed_by_a_throttle_and_by_nothing_else() -> None:
    budget = Budget(40)
    for error in (ServiceError("x"), KeyError("x"), KeyboardInterrupt()):
        with pytest.raises(type(error)), budget.turn():
            raise error
    assert budget.rate == 40
    with pytest.raises(Throttled), budget.turn():
        raise Throttled("slow down")
    assert budget.rate < 20


def test_who_is_interrupted_while_he_waits_leaves_the_line() -> None:
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 1:
            raise KeyboardInterrupt
        clock[0] += seconds

    clock = [0.0]
    budget = Budget(1, clock=lambda: clock[0], sleep=nap)
    with budget.turn():
        pass
    with pytest.raises(KeyboardInterrupt), budget.turn(Priority.CANCEL):
        pass
    with budget.turn(Priority.POLL):
        pass
    assert sum(naps[1:]) == pytest.approx(1), "the one who left is waited for"


def test_a_long_wait_is_looked_at_again_each_second_because_the_rate_may_have_grown() -> None:
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        clock[0] += seconds

    clock = [0.0]
    budget = Budget(0.1, clock=lambda: clock[0], sleep=nap)
    for _ in range(2):
        with budget.turn():
            pass
    assert max(naps) <= 1
    assert sum(naps) == pytest.approx(10)


@pytest.mark.parametrize("rate", [0, -1, float("inf"), float("nan"), "40", None, True])
def test_a_rate_that_is_no_positive_number_is_refused(rate: object) -> None:
    with pytest.raises(InvalidInput, match="rate="):
        Budget(rate)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="rate="):
        Budget(40).limit(rate)  # type: ignore[arg-type]


@pytest.mark.slow
def test_many_real_threads_keep_to_the_rate_and_use_it_up() -> None:
    budget, done = Budget(200), []

    def work() -> None:
        while time.monotonic() < end:
            with budget.turn():
                done.append(time.monotonic())

    start = time.monotonic()
    end = start + 1.5
    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent = max(done) - start
    assert 0.85 * 200 * spent <= len(done) <= 200 * (spent + BURST) + 1


class TestShared:
    def test_whoever_gives_the_same_key_shares_one_budget(self) -> None:
        assert shared_budget(("a", 1), None, 40) is shared_budget(("a", 1), None, 10)
        assert shared_budget(("a", 1), None, 40) is not shared_budget(("a", 2), None, 40)

    def test_a_rate_that_is_given_holds_for_all_of_them(self) -> None:
        first = shared_budget("b", None, 40)
        assert first.rate == 40
        shared_budget("b", 12, 40)
        assert first.rate == 12
        shared_budget("b", None, 40)
        assert first.rate == 12
        assert shared_budget("c", 3, 40).rate == 3
