from __future__ import annotations

import threading
from pathlib import Path

import pytest

from batch_helpers.budget import Budget
from batch_helpers.engines.aws import AWSEngine
from tests.engines.aws.service import Service, access_to


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of this machine's own AWS set-up is seen, and nothing can be reached with it."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_CA_BUNDLE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


class Sleeps(list[float]):
    """What was slept, without sleeping."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def sleeps() -> Sleeps:
    return Sleeps()


class VirtualTime:
    """A clock that moves only when somebody sleeps, and then at once."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._lock = threading.Lock()

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def engine(service: Service, sleeps: Sleeps) -> AWSEngine:
    """The engine on the small service in process."""
    return made(service, sleeps)


def made(service: Service, sleeps: Sleeps) -> AWSEngine:
    """An engine that holds nobody up."""
    time = VirtualTime()
    budget = Budget(40, clock=time.clock, sleep=time.sleep)
    return AWSEngine(access_to(service), rate=budget, sleep=sleeps, concurrency=4)
