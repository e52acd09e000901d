from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from moto import mock_aws

from batch_helpers.aws_client import AWSAccess
from batch_helpers.stores import StoreRouter
from batch_helpers.stores.base import Store
from batch_helpers.stores.local import LocalStore
from batch_helpers.stores.s3 import S3Store
from tests.contracts.store_contract import Place, StoreContract
from tests.servers import moto_server, session


class TestLocalPaths(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return LocalStore()

    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        return lambda name: f"{tmp_path}/{name}"


class TestFileUris(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return LocalStore()

    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        return lambda name: f"file://{tmp_path}/{quote(name)}"


class TestRelativePathsByTheRouter(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
        monkeypatch.chdir(tmp_path)
        return StoreRouter()

    @pytest.fixture
    def place(self) -> Place:
        return lambda name: f"./{name}"


@pytest.fixture(scope="module")
def account() -> AWSAccess:
    return AWSAccess(session=session())


@pytest.mark.slow
class TestS3InProcess(StoreContract):
    @pytest.fixture
    def store(self, account: AWSAccess) -> Iterator[Store]:
        with mock_aws():
            account.client("s3").create_bucket(Bucket="bucket")
            yield S3Store(account)

    @pytest.fixture
    def place(self) -> Place:
        return lambda name: f"s3://bucket/project/{name}"


@pytest.fixture(scope="module")
def served_account() -> Iterator[AWSAccess]:
    with moto_server() as url:
        access = AWSAccess(session=session(), endpoint_url=url)
        access.client("s3").create_bucket(Bucket="bucket")
        yield access


@pytest.mark.slow
class TestS3OnAServerByTheRouter(StoreContract):
    @pytest.fixture
    def store(self, served_account: AWSAccess) -> Store:
        return StoreRouter(served_account)

    @pytest.fixture
    def place(self, request: pytest.FixtureRequest) -> Place:
        return lambda name: f"s3://bucket/{request.node.name}/{name}"
