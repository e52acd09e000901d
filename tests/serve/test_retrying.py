"""Whether an attempt that failed is followed by another: docs.aws.amazon.com/batch/latest/userguide/job_retries.html"""

from __future__ import annotations

from typing import Any

import pytest

from batch_helpers.serve.jobs.retrying import Failure, is_retried

FAILURE = Failure(137, "OutOfMemoryError: Container killed due to memory usage", "Essential container in task exited")


def retried(*rules: dict[str, str], failure: Failure = FAILURE) -> bool:
    return is_retried({"attempts": 3, "evaluateOnExit": list(rules)}, 1, failure)


@pytest.mark.parametrize(("attempt", "again"), [(1, True), (2, True), (3, False), (4, False)])
def test_attempts_are_counted(attempt: int, again: bool) -> None:
    assert is_retried({"attempts": 3}, attempt, FAILURE) is again
    assert is_retried({"attempts": 3, "evaluateOnExit": [{"action": "RETRY"}]}, attempt, FAILURE) is again


def test_a_timeout_is_never_retried() -> None:
    assert not retried({"action": "RETRY"}, failure=FAILURE._replace(timed_out=True))


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ({"onExitCode": "137"}, True),
        ({"onExitCode": "13*"}, True),
        ({"onExitCode": "13"}, False),
        ({"onExitCode": "37"}, False),
        ({"onExitCode": "*"}, True),
        ({"onReason": "OutOfMemoryError:*"}, True),
        ({"onReason": "OutOfMemoryError:"}, False),
        ({"onReason": "outofmemory*"}, False),
        ({"onStatusReason": "Essential*"}, True),
        ({"onStatusReason": "Host EC2*"}, False),
        ({"onReason": "OutOf*", "onExitCode": "1"}, False),
        ({"onReason": "OutOf*", "onExitCode": "137", "onStatusReason": "Ess*"}, True),
        ({}, True),
    ],
)
def test_all_the_conditions_of_a_rule_must_hold(rule: dict[str, str], holds: bool) -> None:
    assert retried({**rule, "action": "EXIT"}) is not holds


def test_the_first_rule_that_holds_decides() -> None:
    exit_, retry = {"onExitCode": "137", "action": "EXIT"}, {"onReason": "OutOf*", "action": "RETRY"}
    assert (retried(exit_, retry), retried(retry, exit_)) == (False, True)


def test_without_a_rule_that_holds_there_is_another_attempt() -> None:
    assert retried({"onExitCode": "1", "action": "EXIT"})


@pytest.mark.parametrize(("action", "again"), [("retry", True), ("Retry", True), ("exit", False)])
def test_actions_are_known_in_any_case(action: str, again: bool) -> None:
    assert retried({"action": action}) is again


@pytest.mark.parametrize("rule", [{"onExitCode": "1*"}, {"onExitCode": "*"}])
def test_an_attempt_without_an_exit_code_matches_no_digits(rule: dict[str, Any]) -> None:
    lost = Failure(None, "", "Host EC2 (instance i-1) terminated.")
    assert retried({**rule, "action": "EXIT"}, failure=lost) is (rule["onExitCode"] != "*")
