from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from batch_helpers.azure_client import AzureAccess
from batch_helpers.cloudops import CloudClient
from tests.azure.azurite import azurite, blob_access, blob_settings
from tests.azure.fake_batch import ACCOUNT, GROUP, IDENTITY, KEY, SUBSCRIPTION, FakeBatch
from tests.azure.fixtures import fake, no_account, utcnow

__all__ = ["fake", "no_account"]

NAMES = {
    "storage_account": "AZURE_BLOB_STORAGE_ACCOUNT",
    "storage_key": "AZURE_STORAGE_KEY",
    "storage_endpoint": "AZURE_BLOB_STORAGE_ENDPOINT",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(utcnow)


@pytest.fixture
def azure(fake: FakeBatch, monkeypatch: pytest.MonkeyPatch) -> FakeBatch:
    """An account as a modeller has it: in the environment, with the pool of the document."""
    fake.service.add_pool("test-pool-exists")
    monkeypatch.setenv("AZURE_BATCH_ACCOUNT", ACCOUNT)
    monkeypatch.setenv("AZURE_BATCH_ACCESS_KEY", KEY)
    monkeypatch.setenv("AZURE_BATCH_ENDPOINT", fake.url)
    monkeypatch.setenv("AZURE_SUBSCRIPTION_ID", SUBSCRIPTION)
    monkeypatch.setenv("AZURE_RESOURCE_GROUP_NAME", GROUP)
    monkeypatch.setenv("AZURE_RESOURCE_MANAGER_ENDPOINT", fake.url)
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{fake.url}/identity")
    monkeypatch.setenv("IDENTITY_HEADER", IDENTITY)
    return fake


@pytest.fixture(scope="session")
def blob_endpoint() -> Iterator[str]:
    with azurite() as endpoint:
        yield endpoint


@pytest.fixture
def blobs(blob_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> AzureAccess:
    """Blob Storage in the environment."""
    for name, value in blob_settings(blob_endpoint).items():
        monkeypatch.setenv(NAMES[name], value or "")
    return blob_access(blob_endpoint)


Make = Callable[..., CloudClient]


@pytest.fixture(params=["azure", "local"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Makes clients of one account, or of one directory: each as a process of its own would have it."""
    if request.param == "azure":
        request.getfixturevalue("azure")
    made: list[CloudClient] = []

    def new(**options: Any) -> CloudClient:
        if request.param == "local":
            options = {"engine": "local", "directory": str(tmp_path / "state"), **options}
        client = CloudClient(stdout=io.StringIO(), **options)
        made.append(client)
        return client

    if request.param == "local":
        for name in ("pool", "test-pool-exists"):
            new().create_pool(name)
    yield new
    for client in made:
        client._finish.detach()
    if request.param == "local":
        detached = new()._cloud.engine
        detached.terminate([detail.job_id for detail in detached.active(_queues(tmp_path))], "the test is over")


def _queues(tmp_path: Path) -> list[str]:
    folder = tmp_path / "state" / "cloudops" / "jobs"
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []
