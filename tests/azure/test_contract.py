"""The engine on Azure Batch keeps every promise of an engine, on tasks that run as processes."""

from __future__ import annotations

import pytest

from tests.contracts.engine_contract import EngineContract

pytestmark = pytest.mark.slow


class TestAzureEngine(EngineContract):
    """Its engine is the fixture of this folder."""
