"""A short campaign in every check, and proof that it can fail: without its safeguards the package does work twice.

The long one is `make faults`.
"""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import patch

import pytest

from batch_helpers.deduplication import Deduplication
from batch_helpers.engines.aws import once
from batch_helpers.serve.faults import Fault
from tests.faults.campaign import campaign, run, run_seed
from tests.faults.scenario import Scenario, scenario

pytestmark = pytest.mark.slow

SHORT = range(1, 26)


def peaceful(drivers: int = 1, *rules: Fault) -> Scenario:
    """A cohort of which nothing is there, and nothing goes wrong but what the rules say."""
    return replace(
        scenario(1), present=frozenset(), badly={}, rules=rules, slow=0.0, drivers=drivers, kills=((),) * drivers,
        retention=3600.0, interval=10.0, lag=False, patient=drivers > 1,
    )  # fmt: skip


LOST_ANSWERS = peaceful(1, Fault("drop", "SubmitJob", after_work=True, times=3))
TWO_AT_ONCE = peaceful(2)


def test_no_seed_breaks_a_promise() -> None:
    broken = {verdict.seed: verdict.violations for verdict in campaign(SHORT) if verdict.violations}
    assert not broken, "see `python -m tests.faults --only 0 --seed N`"


def test_a_seed_is_the_same_run_again() -> None:
    seed = next(number for number in SHORT if scenario(number).drivers == 2)
    assert run_seed(seed).trace == run_seed(seed).trace


def test_without_the_lookup_of_a_lost_answer_work_is_done_twice() -> None:
    assert not run(LOST_ANSWERS).violations
    with patch.object(once, "_sought", lambda find, doubt, sleep: None):
        assert any("twice" in item or "outputs are there" in item for item in run(LOST_ANSWERS).violations)


def test_without_the_healing_of_duplicates_work_is_done_twice() -> None:
    assert not run(TWO_AT_ONCE).violations
    with patch.object(Deduplication, "settle", lambda deduplication, found: False):
        assert any("twice" in item or "outputs are there" in item for item in run(TWO_AT_ONCE).violations)
