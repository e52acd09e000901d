from __future__ import annotations

from pathlib import Path

import pytest

from tests.azure.fixtures import access, engine, fake, idle, no_account, sleeps, utcnow

__all__ = ["access", "engine", "fake", "idle", "no_account", "sleeps"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(utcnow)
            if "fake" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.slow)
