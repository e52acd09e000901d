"""The local engine keeps every promise of an engine."""

from __future__ import annotations

import pytest

from batch_helpers.engines.base import Engine
from batch_helpers.job import Job
from tests.contracts.engine_contract import EngineContract
from tests.engines.local.workshop import Workshop

pytestmark = pytest.mark.slow


class TestLocalEngine(EngineContract):
    @pytest.fixture
    def engine(self, workshop: Workshop) -> Engine:
        self.workshop = workshop
        return workshop.engine()

    def submit(self, engine: Engine, *jobs: Job, needs: tuple[str, ...] = ()) -> list[str]:
        ids = super().submit(engine, *jobs, needs=needs)
        self.workshop.jobs |= set(ids)
        return ids
