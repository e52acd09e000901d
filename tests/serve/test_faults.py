"""Faults, rates and outcomes as rules, without a server."""

from __future__ import annotations

from typing import Any

import pytest

from batch_helpers.errors import InvalidInput
from batch_helpers.serve.faults import Fault, Faults, fault_from
from batch_helpers.serve.hiding import Hiding
from batch_helpers.serve.outcomes import Outcome, Place, first_fitting, outcome_from
from batch_helpers.serve.rate import RateLimit
from batch_helpers.serve.settings import Settings


def kinds(faults: Faults, operation: str, times: int) -> list[str | None]:
    """What hits so many requests, one after the other."""
    return [next((fault.kind for fault in faults.draw(operation)), None) for _ in range(times)]


def armed(*rules: Fault, seed: int = 0) -> Faults:
    faults = Faults(seed)
    for rule in rules:
        faults.add(rule)
    return faults


def test_a_fault_hits_its_own_operation_once_unless_told() -> None:
    faults = armed(Fault("error", "SubmitJob"))
    assert kinds(faults, "ListJobs", 2) == [None, None]
    assert kinds(faults, "SubmitJob", 2) == ["error", None]


def test_a_fault_may_let_some_pass_and_hit_several() -> None:
    assert kinds(armed(Fault("drop", "*", skip=2, times=2)), "X", 6) == [None, None, "drop", "drop", None, None]
    assert kinds(armed(Fault("drop", "X", times=None)), "X", 50) == ["drop"] * 50


def test_faults_are_a_script_one_after_the_other() -> None:
    faults = armed(Fault("drop", "X"), Fault("throttle", "X", times=2), Fault("cut-body", "X"))
    assert kinds(faults, "X", 5) == ["drop", "throttle", "throttle", "cut-body", None]


def test_a_delay_and_a_hiding_come_on_top_of_another_fault() -> None:
    faults = armed(Fault("delay", "X", seconds=1), Fault("hide", "X"), Fault("drop", "X"), Fault("error", "X"))
    assert [fault.kind for fault in faults.draw("X")] == ["delay", "hide", "drop"]
    assert [fault.kind for fault in faults.draw("X")] == ["error"]


def test_chance_is_repeatable_by_its_seed_and_about_as_likely_as_was_said() -> None:
    def drawn(seed: int) -> list[str | None]:
        return kinds(armed(Fault("error", times=None, probability=0.3), seed=seed), "X", 1000)

    assert drawn(1) == drawn(1) != drawn(2)
    assert 240 < drawn(1).count("error") < 360


def test_cleared_faults_hit_nothing() -> None:
    faults = armed(Fault("error", times=None))
    faults.clear()
    assert kinds(faults, "X", 3) == [None] * 3


@pytest.mark.parametrize(
    ("fault", "after"),
    [
        (Fault("drop"), False),
        (Fault("drop", after_work=True), True),
        (Fault("cut-body"), True),
        (Fault("cut-headers"), True),
        (Fault("throttle"), False),
        (Fault("error", after_work=True), True),
    ],
)
def test_a_fault_says_whether_the_work_is_done_all_the_same(fault: Fault, after: bool) -> None:
    assert fault.is_after_work is after


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "explode"},
        {"kind": "throttle", "after_work": True},
        {"kind": "error", "probability": 2},
        {"knd": "x"},
        {},
    ],
)
def test_faults_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        fault_from(wrong)


def test_a_fault_and_an_outcome_survive_the_way_over_the_wire() -> None:
    fault = Fault("hide", "SubmitJob", times=None, listings=3, probability=0.5)
    outcome = Outcome("a*", array_index=1, attempts=2, exit_code=None, reason="r", seconds=3, hold="RUNNING")
    assert fault_from(fault.to_json()) == fault
    assert outcome_from(outcome.to_json()) == outcome


@pytest.mark.parametrize("wrong", [{"hold": "PENDING"}, {"hold": "SUCCEEDED"}, {"exitcode": 1}])
def test_outcomes_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        outcome_from(wrong)


def test_the_first_outcome_that_fits_counts() -> None:
    outcomes = [Outcome("a", array_index=1), Outcome("a", attempts=1), Outcome("?"), Outcome("long-*")]
    for wanted, found in (
        (("a", 1, 5), 0),
        (("a", None, 1), 1),
        (("a", 0, 2), 2),
        (("long-name", None, 1), 3),
    ):
        assert first_fitting(outcomes, *wanted) is outcomes[found]
    assert first_fitting(outcomes, "none", None, 1) == Outcome()
    assert first_fitting(outcomes, "A-long", None, 1) == Outcome()


def test_an_outcome_may_be_for_a_queue_or_for_jobs_with_too_little_memory() -> None:
    container = '{"resourceRequirements": [{"type": "MEMORY", "value": "2048"}]}'
    place = Place("spot", container)
    assert Outcome(queue="spot", below=2049).fits("a", None, 1, place)
    assert not Outcome(queue="spot", below=2048).fits("a", None, 1, place)
    assert not Outcome(queue="on-demand").fits("a", None, 1, place)


def test_a_rate_admits_a_burst_and_then_as_many_as_it_says() -> None:
    now = [0.0]
    limit = RateLimit(10, lambda: now[0])
    assert sum(limit.admits() for _ in range(30)) == 10
    now[0] = 0.35
    assert sum(limit.admits() for _ in range(30)) == 3
    now[0] = 100
    assert sum(limit.admits() for _ in range(30)) == 10


def test_a_rate_below_one_admits_one_request_at_a_time() -> None:
    now = [0.0]
    limit = RateLimit(0.5, lambda: now[0])
    assert [limit.admits(), limit.admits()] == [True, False]
    now[0] = 2
    assert [limit.admits(), limit.admits()] == [True, False]


def test_only_what_would_be_seen_counts_as_a_listing() -> None:
    hiding = Hiding()
    hiding.hide("a", None, 1)
    assert hiding.listed(["b"], 0) == frozenset()
    assert hiding.hidden("a", 0)
    assert hiding.listed(["a", "b"], 0) == {"a"}
    assert (hiding.listed(["a"], 0), hiding.hidden("a", 0), bool(hiding)) == (frozenset(), False, False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"vcpus": 0},
        {"memory": -1},
        {"rate": 0},
        {"retention": -1},
        {"latency": -1},
        {"port": 65536},
        {"containers": "lxc"},
        {"outcomes": [Outcome()]},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        Settings("directory", **wrong)
