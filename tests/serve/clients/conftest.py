from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from batch_helpers.serve import serve
from batch_helpers.serve.endpoint import Endpoint
from tests.serve.clients.others import ROOT
from tests.serve.fixtures import client, end_all
from tests.servers import moto_server, session

AWSCLI = ROOT / ".tools/clients/awscli/bin"


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Everything of AWS but Batch, by moto, as the default of whatever runs here; a bucket `bucket` too."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".config").mkdir()
    with moto_server() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        session().client("s3", endpoint_url=url).create_bucket(Bucket="bucket")
        yield url


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
