"""Which tasks never will start."""

from __future__ import annotations

from typing import Any

import pytest

from batch_helpers.engines.azure.blocked import blocked, satisfies


def waiting(
    name: str, *upstream: str, ranges: tuple[tuple[int, int], ...] = (), state: str = "active"
) -> dict[str, Any]:
    spans = [{"start": start, "end": end} for start, end in ranges]
    return {"id": name, "state": state, "dependsOn": {"taskIds": list(upstream), "taskIdRanges": spans}}


def failed(name: str, code: int | None = 1, **conditions: Any) -> dict[str, Any]:
    return {"id": name, "exitConditions": conditions, "executionInfo": {"exitCode": code}}


def test_nothing_is_blocked_when_nothing_has_failed() -> None:
    assert blocked([waiting("b", "a")], []) == {}


def test_what_waits_for_a_failed_task_is_blocked_and_what_waits_for_that_too() -> None:
    tasks = [waiting("c", "b"), waiting("b", "A"), waiting("d", "x"), {"id": "e", "state": "active"}]
    assert blocked(tasks, [failed("a")]) == {"b": "a", "c": "a"}


def test_a_task_that_runs_already_is_not_blocked() -> None:
    assert blocked([waiting("b", "a", state="running")], [failed("a")]) == {}


def test_ranges_block_as_ids_do() -> None:
    tasks = [waiting("11", ranges=((1, 10),)), waiting("12", ranges=((2, 3), (5, 10))), waiting("13", ranges=((1, 3),))]
    assert blocked(tasks, [failed("4")]) == {"11": "4"}
    assert blocked([waiting("11", "x", ranges=((1, 10),))], [failed("x")]) == {"11": "x"}
    assert blocked([waiting("11", ranges=((1, 10),))], [failed("not-a-number"), failed("²")]) == {}


SATISFY, BLOCK = {"dependencyAction": "satisfy"}, {"dependencyAction": "block"}


@pytest.mark.parametrize(
    ("code", "conditions", "expected"),
    [
        (1, {}, False),
        (1, {"default": SATISFY}, True),
        (1, {"default": BLOCK}, False),
        (3, {"exitCodes": [{"code": 3, "exitOptions": SATISFY}]}, True),
        (4, {"exitCodes": [{"code": 3, "exitOptions": SATISFY}]}, False),
        (4, {"exitCodes": [{"code": 3, "exitOptions": BLOCK}], "default": SATISFY}, True),
        (3, {"exitCodes": [{"code": 3, "exitOptions": BLOCK}], "default": SATISFY}, False),
        (5, {"exitCodeRanges": [{"start": 4, "end": 6, "exitOptions": SATISFY}]}, True),
        (7, {"exitCodeRanges": [{"start": 4, "end": 6, "exitOptions": SATISFY}]}, False),
        (None, {"preProcessingError": SATISFY}, True),
        (None, {"preProcessingError": BLOCK, "default": SATISFY}, False),
        (None, {"default": SATISFY}, True),
        (1, {"preProcessingError": SATISFY}, False),
    ],
)
def test_exit_conditions_decide_whether_a_failure_lets_others_start(
    code: int | None, conditions: dict[str, Any], expected: bool
) -> None:
    assert satisfies(failed("a", code, **conditions)) is expected
