"""What tests of the Azure parts share: an account on the fake, and the engine on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from batch_helpers.azure_client import AzureAccess
from batch_helpers.azure_client.settings import VARIABLES
from batch_helpers.engines.azure import AzureEngine
from batch_helpers.job import Job, JobDetail
from tests.azure.fake_batch import ACCOUNT, KEY, Answer, FakeBatch, fake_batch

utcnow = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
"""azure-batch signs with datetime.utcnow, of which Python 3.12 warns."""


@pytest.fixture(autouse=True)
def no_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of this machine's own Azure set-up is seen."""
    for name in VARIABLES.values():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


class Sleeps(list[float]):
    """What was slept; a little of it is real, so that processes come to their ends meanwhile."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)
        time.sleep(min(seconds, 0.02))


@pytest.fixture
def sleeps() -> Sleeps:
    return Sleeps()


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeBatch]:
    """Azure Batch with a pool `pool` of four slots, and one without nodes, `empty`."""
    with fake_batch(tmp_path / "nodes") as fake:
        fake.service.add_pool("pool")
        fake.service.add_pool("empty", slots=0)
        yield fake


@pytest.fixture
def access(fake: FakeBatch) -> AzureAccess:
    return AzureAccess({"batch_account": ACCOUNT, "batch_key": KEY, "batch_endpoint": fake.url})


@pytest.fixture
def engine(access: AzureAccess, sleeps: Sleeps) -> AzureEngine:
    """The engine on the pool whose tasks run."""
    return AzureEngine(access, pool="pool", sleep=sleeps)


@pytest.fixture
def idle(access: AzureAccess, sleeps: Sleeps) -> AzureEngine:
    """The engine on the pool whose tasks never start."""
    return AzureEngine(access, pool="empty", sleep=sleeps)


def lost(fake: FakeBatch, carry_out: Callable[[], Answer]) -> None:
    """A fault: the request is carried out, and the connection breaks before the answer."""
    carry_out()


def cut(fake: FakeBatch, carry_out: Callable[[], Answer]) -> Answer:
    """A fault: the request is carried out, and the answer breaks off in its body."""
    answer = carry_out()
    whole = len(answer.content)
    return Answer(answer.status, answer.content[: whole // 2], {"Content-Length": str(whole)})


def refused(status: int, code: str, **headers: str) -> Callable[[FakeBatch, Callable[[], Answer]], Answer]:
    """A fault: the service says no."""
    body = {"code": code, "message": {"lang": "en-US", "value": f"said {code}"}}
    return lambda fake, carry_out: Answer(status, body, headers)


def job(name: str, command: Sequence[str] | str = ("true",), **fields: object) -> Job:
    return Job(name, command=command, **fields)  # type: ignore[arg-type]


def submit(engine: AzureEngine, *jobs: Job, needs: Sequence[str] = (), queue: str = "run") -> list[str]:
    return engine.submit([item.bound(queue, needs) for item in jobs])


def ended(engine: AzureEngine, ids: Sequence[str], patience: float = 20) -> dict[str, JobDetail]:
    """The details of jobs after all of them have ended."""
    deadline = time.monotonic() + patience
    while True:
        found = engine.describe(ids)
        if not any(detail.status.active for detail in found.values()):
            return found
        assert time.monotonic() < deadline, found
        engine.wait(0.02)
