"""The engine in memory keeps every promise of an engine."""

from __future__ import annotations

import pytest

from batch_helpers.engines.base import Engine
from batch_helpers.job import Job, Status
from batch_helpers.testing import MemoryEngine
from tests.contracts.engine_contract import EngineContract


class TestMemoryEngine(EngineContract):
    @pytest.fixture
    def engine(self) -> MemoryEngine:
        return MemoryEngine()

    def carry_on(self, engine: Engine) -> None:
        assert isinstance(engine, MemoryEngine)
        for detail in list(engine.active([self.queue])):
            if detail.status is Status.RUNNABLE and detail.short_name != "long":
                bad = engine.jobs[detail.job_id].command[0] == "false"
                engine.settle(detail.job_id, Status.FAILED if bad else Status.SUCCEEDED)


def test_the_same_work_is_one_active_job() -> None:
    engine = MemoryEngine()
    first = engine.submit([Job("a", command=["a"]).bound("q", ())])
    assert engine.submit([Job("a", command=["a"], memory=2).bound("q", ())]) == first
    engine.settle(first[0])
    assert engine.submit([Job("a", command=["a"]).bound("q", ())]) != first
