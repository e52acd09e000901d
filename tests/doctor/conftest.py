from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from batch_helpers.aws_client import AWSAccess
from tests.doctor.account import Account
from tests.servers import moto_server, session


@pytest.fixture(scope="session")
def aws() -> Iterator[AWSAccess]:
    """AWS by moto, without the machine images that it reads whenever it is emptied; its clients are shared."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        with moto_server() as url:
            yield AWSAccess(session=session(), endpoint_url=url)


@pytest.fixture
def account(aws: AWSAccess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Account:
    """AWS by moto as a server, in which jobs can run; every client of this process is sent there."""
    from moto.moto_api._internal.models import moto_api_backend

    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", str(aws.endpoint_url))
    moto_api_backend.reset()
    return Account(aws)
