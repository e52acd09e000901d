"""The state machine, over any history of requests, pauses and throttles."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_helpers.budget.bucket import BURST, RECOVERY, SLOWEST, TokenBucket

UNHURRIED = settings(deadline=None, max_examples=60)
START = 5000.0
RATES = st.floats(0.2, 5000)
PAUSES = st.one_of(st.just(0.0), st.floats(0, 0.5), st.floats(0, 100))


@dataclass
class History:
    """What became of a bucket: when it admitted a request, and how fast it was."""

    bucket: TokenBucket
    now: float = START
    admitted: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)

    def live(self, steps: list[tuple[str, float]]) -> None:
        for what, pause in steps:
            self.now += pause
            if what == "throttle":
                self.bucket.throttle(self.admitted[-1] if self.admitted else self.now, self.now)
            elif self.bucket.take(self.now) == 0:
                self.admitted.append(self.now)
            self.rates.append(self.bucket.rate(self.now))


def steps(*what: str) -> st.SearchStrategy[list[tuple[str, float]]]:
    return st.lists(st.tuples(st.sampled_from(what), PAUSES), max_size=40)


@UNHURRIED
@given(RATES, steps("take", "take", "take", "throttle"))
def test_no_stretch_of_time_sees_more_than_the_rate_and_one_burst(rate: float, lived: list[tuple[str, float]]) -> None:
    history = History(TokenBucket(rate, START))
    history.live(lived)
    burst = max(1.0, rate * BURST)
    for (first, begin), (last, end) in combinations(enumerate(history.admitted), 2):
        assert last - first + 1 <= rate * (end - begin) + burst + 1e-3


@UNHURRIED
@given(RATES, steps("take", "throttle"))
def test_the_rate_stays_between_the_slowest_and_the_given_one(rate: float, lived: list[tuple[str, float]]) -> None:
    history = History(TokenBucket(rate, START))
    history.live(lived)
    assert all(min(rate, SLOWEST) <= seen <= rate for seen in history.rates)


@UNHURRIED
@given(RATES, steps("take", "throttle"))
def test_who_waits_as_long_as_he_is_told_is_admitted(rate: float, lived: list[tuple[str, float]]) -> None:
    history = History(TokenBucket(rate, START))
    history.live(lived)
    delay = history.bucket.take(history.now)
    assert 0 <= delay <= 1 / min(rate, SLOWEST) + 1e-6
    assert delay == 0 or history.bucket.take(history.now + delay) == 0


@UNHURRIED
@given(st.floats(4, 5000), steps("take"))
def test_a_throttle_at_least_halves_the_rate_and_stops_the_burst(rate: float, lived: list[tuple[str, float]]) -> None:
    history = History(TokenBucket(rate, START))
    history.live(lived)
    before = history.bucket.rate(history.now)
    history.bucket.throttle(history.now, history.now)
    assert history.bucket.rate(history.now) <= max(SLOWEST, before / 2)
    assert history.bucket.take(history.now) > 0


@UNHURRIED
@given(RATES, steps("take", "throttle"))
def test_without_throttles_it_comes_back_to_its_full_rate(rate: float, lived: list[tuple[str, float]]) -> None:
    history = History(TokenBucket(rate, START))
    history.live(lived)
    climb = [history.bucket.rate(history.now + second) for second in range(int(RECOVERY) + 1)]
    assert climb == sorted(climb)
    assert climb[-1] == pytest.approx(rate)


def test_the_rate_grows_by_the_same_amount_each_second() -> None:
    bucket = TokenBucket(2 * RECOVERY, START)
    bucket.throttle(START, START)
    climb = [bucket.rate(START + second) for second in range(5)]
    assert climb == pytest.approx([1, 3, 5, 7, 9])


def test_a_request_at_full_pace_that_is_throttled_halves_that_pace() -> None:
    bucket, now = TokenBucket(40, START), START
    for _ in range(400):
        now += bucket.take(now)
        bucket.take(now)
    bucket.throttle(now, now)
    assert bucket.rate(now) == pytest.approx(20, abs=1)


def test_all_that_was_in_flight_when_it_was_throttled_halves_the_rate_once() -> None:
    bucket = TokenBucket(40, START)
    for number in range(200):
        bucket.take(START + number / 40)
    sent, now = START + 4.9, START + 5
    bucket.throttle(sent, now)
    lowered = bucket.rate(now)
    for _ in range(10):
        bucket.throttle(sent, now)
    assert bucket.rate(now) == lowered > 15
    bucket.throttle(now + 0.1, now + 0.2)
    assert bucket.rate(now + 0.2) < lowered


def test_a_slow_sender_is_slowed_from_its_own_pace_and_not_from_what_it_was_allowed() -> None:
    bucket = TokenBucket(1000, START)
    for number in range(100):
        bucket.take(START + number / 10)
    bucket.throttle(START + 9.9, START + 10)
    assert 4 < bucket.rate(START + 10) < 6


def test_tokens_are_left_for_those_who_go_first() -> None:
    bucket = TokenBucket(40, START)
    burst = int(40 * BURST)
    assert bucket.take(START, before=burst) > 0
    assert bucket.take(START, before=burst - 1) == 0
    assert bucket.take(START, before=burst - 1) > 0


def test_another_limit_holds_at_once_and_ends_no_recovery() -> None:
    bucket = TokenBucket(40, START)
    bucket.limit(50, START)
    assert bucket.rate(START) == 50
    bucket.throttle(START, START)
    bucket.limit(60, START)
    assert bucket.rate(START) == SLOWEST
    assert bucket.rate(START + RECOVERY) == 60
    bucket.limit(2, START + RECOVERY)
    assert bucket.rate(START + 10 * RECOVERY) == 2


def test_a_clock_that_steps_back_takes_nothing_away_and_gives_nothing_twice() -> None:
    bucket = TokenBucket(1, START)
    assert bucket.take(START) == 0
    assert bucket.take(START - 100) > 0
    assert bucket.take(START + 0.5) > 0
    assert bucket.take(START + 1) == 0


def test_after_a_throttle_no_more_are_admitted_than_the_lowered_rate_allows() -> None:
    bucket, now = TokenBucket(40, START), START
    for _ in range(400):
        now += bucket.take(now)
    bucket.throttle(now, now)
    lowered, grows = bucket.rate(now), 40 / RECOVERY
    for seconds in (1, 2, 3):
        admitted = sum(bucket.take(now + tick / 1000) == 0 for tick in range(1000))
        now += 1
        assert admitted == pytest.approx(lowered + grows * (seconds - 0.5), abs=1.5)
