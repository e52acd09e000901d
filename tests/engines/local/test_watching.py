"""Waiting for changes: soon, and cheaply."""

from __future__ import annotations

import time

from batch_helpers.engines.local.watching import Waiter


class Time:
    """A clock that sleeping moves on."""

    def __init__(self) -> None:
        self.now = 0.0
        self.naps: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds

    def waiter(self) -> Waiter:
        return Waiter(self.sleep, lambda: self.now)


def look(waiter: Waiter, seconds: float) -> None:
    with waiter.looking():
        until = time.thread_time() + seconds
        while time.thread_time() < until:
            pass


def test_a_change_ends_the_wait_at_once() -> None:
    clock = Time()
    clock.waiter().wait(60, lambda: True)
    assert clock.naps == []


def test_without_a_change_it_takes_as_long_as_was_asked_in_naps_that_grow() -> None:
    clock = Time()
    clock.waiter().wait(3600, lambda: False)
    assert abs(clock.now - 3600) < 1e-6
    assert clock.naps[0] == 0.01
    assert clock.naps[:10] == sorted(clock.naps[:10])
    assert max(clock.naps) == 0.1


def test_looking_is_paid_for_with_sleep_once() -> None:
    clock = Time()
    waiter = clock.waiter()
    look(waiter, 0.01)
    waiter.wait(60, lambda: True)
    assert 0.18 <= clock.now < 0.5
    waiter.wait(60, lambda: True)
    assert len(clock.naps) == 1


def test_nobody_pays_more_than_a_second_or_than_the_wait() -> None:
    clock = Time()
    waiter = clock.waiter()
    look(waiter, 0.1)
    waiter.wait(60, lambda: True)
    assert clock.naps == [1.0]
    look(waiter, 0.01)
    waiter.wait(0.05, lambda: True)
    assert clock.naps[1:] == [0.05]
