"""The services that every peer meets: AWS Batch by our endpoint, S3 by moto, both counting."""

from __future__ import annotations

import logging
import os
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from batch_helpers.serve import serve
from batch_helpers.serve.endpoint import Endpoint

BUCKET, DEFINITION, QUEUE, FOLDER = "bucket", "work", "local", "out"
VCPUS = 8
_PATIENCE = 300.0
_NOT_PASSED_ON = ("AWS_", "PYTHONDONTWRITEBYTECODE")
"""The others are installed with their bytecode; ours is kept from the first run on."""
_ACTIVE = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
_SIGNATURE = "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x"
SCRIPT = (
    f'echo done | curl -sSf -o /dev/null -X PUT -H "Authorization: {_SIGNATURE}" --data-binary @- $AWS_ENDPOINT_URL'
)
"""Puts an output on S3: followed by /bucket/key."""

KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}


class Counted:
    """A WSGI application that counts its requests."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app, self.requests = app, 0

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        self.requests += 1
        return self._app(environ, start)


class World:
    """The endpoints of one peer, and a folder for it."""

    def __init__(self, folder: Path, endpoint: Endpoint, s3: str, counted: Counted) -> None:
        self.folder, self.endpoint, self.s3, self._counted = folder, endpoint, s3, counted
        self.environment = {
            **{name: text for name, text in os.environ.items() if not name.startswith(_NOT_PASSED_ON)},
            **KEYS,
            "AWS_ENDPOINT_URL": s3,
            **endpoint.environment,
            "HOME": str(folder),
        }
        session = boto3.Session("testing", "testing", region_name="us-east-1")
        self.batch: Any = session.client("batch", endpoint_url=endpoint.url)
        self._store: Any = session.client("s3", endpoint_url=s3)
        self._store.create_bucket(Bucket=BUCKET)
        (folder / ".config").mkdir()

    def batch_calls(self) -> int:
        return sum(self.endpoint.counters.requests.values())

    def s3_calls(self) -> int:
        return self._counted.requests

    def define(self, command: Sequence[str]) -> None:
        """Register the definition that peers share which do not make their own."""
        needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]
        properties = {"image": "busybox", "command": list(command), "resourceRequirements": needs}
        self.batch.register_job_definition(
            jobDefinitionName=DEFINITION, type="container", containerProperties=properties
        )

    def wait_for_jobs(self) -> None:
        """Until no job is active any more."""
        deadline = time.monotonic() + _PATIENCE
        while any(self._active(status) for status in _ACTIVE):
            if time.monotonic() > deadline:
                raise RuntimeError(f"jobs have not ended within {_PATIENCE:g} s")
            time.sleep(0.05)

    def end_jobs(self) -> None:
        """Leave nothing running behind a peer that has given up."""
        for status in _ACTIVE:
            for job in self._active(status):
                self.batch.terminate_job(jobId=job["jobId"], reason="the benchmark is over")
        self.wait_for_jobs()

    def check(self, jobs: int) -> None:
        """That the work was really done: every output is there."""
        pages = self._store.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{FOLDER}/")
        keys = {item["Key"] for page in pages for item in page.get("Contents", ())}
        if missing := {key(number) for number in range(jobs)} - keys:
            raise RuntimeError(f"{len(missing)} of {jobs} outputs are missing, as {min(missing)}")

    def _active(self, status: str) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.batch.list_jobs(jobQueue=QUEUE, jobStatus=status)["jobSummaryList"]
        return listed


def key(number: int) -> str:
    """The key of a job's output."""
    return f"{FOLDER}/{number}.txt"


@contextmanager
def world(programs: Sequence[Path] = ()) -> Iterator[World]:
    """Fresh services; jobs find `programs` on their PATH."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    counted = server._server.app = Counted(server._server.app)  # type: ignore[union-attr]
    before = dict(os.environ)
    os.environ.update(KEYS, AWS_ENDPOINT_URL=url, PATH=os.pathsep.join([*map(str, programs), os.environ["PATH"]]))
    try:
        with (
            tempfile.TemporaryDirectory() as root,
            serve(Path(root) / "serve", process=True, vcpus=VCPUS) as endpoint,
        ):
            folder = Path(root) / "client"
            folder.mkdir()
            place = World(folder, endpoint, url, counted)
            try:
                yield place
            finally:
                place.end_jobs()
    finally:
        os.environ.clear()
        os.environ.update(before)
        urllib.request.urlopen(urllib.request.Request(f"{url}/moto-api/reset", method="POST"), timeout=10).close()
        server.stop()
