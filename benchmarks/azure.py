"""What Azure is asked for 10,000 tasks, and for 100,000 outputs in Blob Storage: calls, counted where they arrive.

    python -m benchmarks.azure [tasks [outputs]]

Azure Batch is the fake of the tests. The listing is a stand-in that starts where it is told, as the service does.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from batch_helpers.azure_client import AzureAccess
from batch_helpers.cloudops import CloudClient
from batch_helpers.engines.azure import AzureEngine
from batch_helpers.helper import BatchHelper
from batch_helpers.job import Job
from batch_helpers.stores.azure import AzureStore
from batch_helpers.testing import MemoryStore
from tests.azure.blob_lists import Lists, listing
from tests.azure.fake_batch import ACCOUNT, KEY, FakeBatch, fake_batch

TASKS, OUTPUTS = 10_000, 100_000
ADDS, POLL, LISTS, FEW_LISTS = 110, 15, 110, 25


def main() -> None:
    """Print each figure beside its bar."""
    given = [int(text) for text in sys.argv[1:]] if sys.argv[0].endswith("azure.py") else []
    tasks, outputs = (*given, *(TASKS, OUTPUTS)[len(given) :])
    with tempfile.TemporaryDirectory() as folder, fake_batch(Path(folder)) as fake:
        fake.service.add_pool("empty", slots=0)
        _tasks(fake, tasks)
        _cloud_client(fake, tasks)
    _outputs(outputs)


def _tasks(fake: FakeBatch, count: int) -> None:
    access = AzureAccess({"batch_account": ACCOUNT, "batch_key": KEY, "batch_endpoint": fake.url})
    jobs = [Job(f"s{n}", command=["work", str(n)], outputs=[f"memory://out/{n}"]) for n in range(count)]

    def helper() -> BatchHelper:
        return BatchHelper(AzureEngine(access, pool="empty"), MemoryStore(), job_queue="run")

    _measured(f"add {count:,} tasks", ADDS, fake.calls, lambda: helper().add_jobs(jobs))
    engine = AzureEngine(access, pool="empty")
    _measured(f"poll {count:,} active tasks", POLL, fake.calls, lambda: list(engine.active(["run"])))
    _measured(f"run again: reuse {count:,} active tasks", POLL, fake.calls, lambda: helper().add_jobs(jobs))


def _cloud_client(fake: FakeBatch, count: int) -> None:
    settings = {"azure_batch_account": ACCOUNT, "azure_batch_access_key": KEY, "azure_batch_endpoint": fake.url}
    client = CloudClient(**settings)
    client.create_job("many", "empty", task_id_ints=True)
    _measured(
        f"CloudClient.add_tasks of {count:,}", ADDS, fake.calls, lambda: client.add_tasks("many", ["true"] * count)
    )


def _outputs(count: int) -> None:
    names = [f"run/out/{number:07}.bam" for number in range(count)]
    uris = [f"az://box/{name}" for name in names]
    for page, bar in ((5000, FEW_LISTS), (1000, LISTS)):
        lists = Lists(names, page)
        with listing(lists) as endpoint:
            given = {"storage_account": "account", "storage_key": "a2V5", "storage_endpoint": endpoint}
            store = AzureStore(AzureAccess(given))
            what = f"find {count:,} outputs, {page:,} a page"
            found = _measured(what, bar * count // OUTPUTS or 1, lists.asked, lambda store=store: store.find(uris))
        if len(found) != count:
            raise RuntimeError("not every output was found")


def _measured(what: str, bar: int, calls: list[Any], work: Callable[[], Any]) -> Any:
    calls.clear()
    began = time.perf_counter()
    result = work()
    met = "met" if len(calls) <= bar else "NOT MET"
    print(f"{what:<44} {len(calls):5} calls (bar {bar}): {met}, {time.perf_counter() - began:.1f} s")
    return result


if __name__ == "__main__":
    main()
