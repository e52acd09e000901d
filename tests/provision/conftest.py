from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from batch_helpers.aws_client import AWSAccess
from batch_helpers.resources.aws.roles import MANAGED
from tests.engines.aws.account import moto_batch_without_docker
from tests.provision.account import Account
from tests.servers import moto_server, session


@pytest.fixture(scope="module")
def aws() -> Iterator[AWSAccess]:
    """AWS by moto with AWS's own policies for these roles alone: it reads 1,500, and machine images, when emptied."""
    from moto.iam import models

    wanted = {arn.rpartition("/")[2] for arn in MANAGED.values()}
    known = json.loads(models.aws_managed_policies_data)
    with pytest.MonkeyPatch.context() as patch:
        few = json.dumps({name: policy for name, policy in known.items() if name in wanted})
        patch.setattr(models, "aws_managed_policies_data", few)
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        patch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
        with moto_server() as url:
            moto_batch_without_docker(url)
            yield AWSAccess(session=session(), endpoint_url=url)


@pytest.fixture
def account(aws: AWSAccess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Account:
    """An empty account, to which every client of this process is sent."""
    from moto.moto_api._internal.models import moto_api_backend

    for name in ("AWS_PROFILE", "BATCH_HELPERS_QUEUE", "BATCH_HELPERS_ENGINE"):
        monkeypatch.delenv(name, raising=False)
    settings = {
        "AWS_CONFIG_FILE": str(tmp_path / "no-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "no-credentials"),
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": str(aws.endpoint_url),
        "BATCH_HELPERS_CONFIG": "",
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    moto_api_backend.reset()
    return Account(aws)
