"""The store in memory keeps every promise of a store."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from batch_helpers.testing import MemoryStore
from tests.contracts.store_contract import StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()

    @pytest.fixture
    def place(self) -> Callable[[str], str]:
        return lambda name: f"memory://bucket/{name}"
