"""Arrays whose children really run: on this package's own endpoint, with S3 by moto."""

from __future__ import annotations

import random
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from batch_helpers.aws_client import AWSAccess
from batch_helpers.engines.aws import AWSEngine, Spill
from batch_helpers.helper import BatchHelper
from batch_helpers.job import Job
from batch_helpers.serve import serve
from batch_helpers.stores import StoreRouter
from tests.servers import moto_server, session

pytestmark = pytest.mark.slow


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[AWSAccess]:
    """An S3 that jobs reach with the environment of this process."""
    with moto_server() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        access = AWSAccess(session=session(), endpoint_url=url)
        access.client("s3").create_bucket(Bucket="bucket")
        yield access


@pytest.fixture
def helper(tmp_path: Path, s3: AWSAccess) -> Iterator[BatchHelper]:
    with serve(tmp_path / "endpoint", vcpus=8, memory=4096) as endpoint:
        store = StoreRouter(s3)
        batch = AWSAccess(session=session(), endpoint_url=endpoint.url)
        engine = AWSEngine(batch, rate=1000, array=True, spill=Spill("s3://bucket/tables", store))
        yield BatchHelper(engine, store, job_queue="local", stdout=StringIO())


def long_ones(folder: Path, *upstream: Job) -> list[Job]:
    """Three jobs whose table is too long to be carried inline, however it is packed."""
    noise = random.Random(1)
    return [
        Job(
            f"work-{n}",
            image="busybox",
            command=["sh", "-c", 'printf %s "$2" >"$1"', "sh", f"{folder}/{n}", noise.randbytes(8000).hex()],
            outputs=[f"{folder}/{n}"],
            depends_on=upstream,
            memory=64,
        )
        for n in range(3)
    ]


def test_children_fetch_their_work_from_s3(helper: BatchHelper, s3: AWSAccess, tmp_path: Path) -> None:
    jobs = long_ones(tmp_path)
    ids = helper.add_jobs(jobs)
    assert len({str(job_id).partition(":")[0] for job_id in ids}) == 1
    assert helper.monitor(interval=0.5).exit_code == 0
    assert [Path(job.outputs[0]).read_text() for job in jobs] == [job.command[5] for job in jobs]
    [table] = s3.client("s3").list_objects_v2(Bucket="bucket")["Contents"]
    assert table["Key"].startswith("tables/array-")


def test_a_table_that_is_deleted_while_an_array_waits_fails_its_children_with_a_line_that_says_so(
    helper: BatchHelper, s3: AWSAccess, tmp_path: Path
) -> None:
    gate = Job("gate", image="busybox", command=f"until [ -e {tmp_path}/go ]; do sleep 0.1; done", memory=64)
    ids = helper.add_jobs([gate, *long_ones(tmp_path, gate)])
    [table] = s3.client("s3").list_objects_v2(Bucket="bucket")["Contents"]
    s3.client("s3").delete_object(Bucket="bucket", Key=table["Key"])
    (tmp_path / "go").touch()
    snapshot = helper.monitor(interval=0.5)
    assert sorted(detail.short_name for detail in snapshot.failed) == [f"work-{n}" for n in range(3)]
    assert {detail.exit_code for detail in snapshot.failed} == {126}
    [line] = [line for line in helper.engine.logs(str(ids[1])) if line]
    assert line.startswith(f"batch_helpers: array child 0 cannot run: cannot fetch s3://bucket/{table['Key']}; ")
