"""A strict Azure Batch over HTTP that runs tasks as processes, for tests: there is no emulator of it."""

from __future__ import annotations

from tests.azure.fake_batch.arm import GROUP, SUBSCRIPTION
from tests.azure.fake_batch.auth import ACCOUNT, IDENTITY, KEY, TOKEN
from tests.azure.fake_batch.server import Answer, FakeBatch, fake_batch

__all__ = ["ACCOUNT", "GROUP", "IDENTITY", "KEY", "SUBSCRIPTION", "TOKEN", "Answer", "FakeBatch", "fake_batch"]
