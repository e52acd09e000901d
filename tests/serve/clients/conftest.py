from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from batch_helpers.serve import serve
from batch_helpers.serve.endpoint import Endpoint
from tests.serve.clients.others import ROOT
from tests.serve.fixtures import client, end_all
from tests.servers import moto_server, reset, session

AWSCLI = ROOT / ".tools/clients/awscli/bin"


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with moto_server() as url:
        yield url


@pytest.fixture
def cloud(moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Everything of AWS but Batch, by moto, as the default of whatever runs here; an empty bucket `bucket` too."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".config").mkdir()
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, text in {**keys, "AWS_ENDPOINT_URL": moto}.items():
        monkeypatch.setenv(name, text)
    reset(moto)
    session().client("s3", endpoint_url=moto).create_bucket(Bucket="bucket")
    return moto


@pytest.fixture
def batch_endpoint(tmp_path: Path, cloud: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """AWS Batch whose jobs really run; they find the `aws` command on their PATH where it is installed."""
    monkeypatch.setenv("PATH", os.pathsep.join([os.environ["PATH"], str(AWSCLI)]))
    with serve(tmp_path / "endpoint") as endpoint:
        yield endpoint
        end_all(client(endpoint))


@pytest.fixture
def environment(batch_endpoint: Endpoint) -> dict[str, str]:
    """The environment of a client that is to use the endpoint."""
    return {**os.environ, **batch_endpoint.environment}
