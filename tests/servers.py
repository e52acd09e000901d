"""Real servers on loopback, each a context manager that yields its URL and leaves nothing running behind it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import boto3
import pytest

S3RVER = Path(__file__).parents[1] / ".tools/node_modules/.bin/s3rver"
_LISTENING = re.compile(r"listening on \S+:(\d+)")


def session(access_key: str = "testing", region: str = "us-east-1") -> boto3.Session:
    """A boto3 session with credentials that test servers take; s3rver only knows the access key `S3RVER`."""
    return boto3.Session(aws_access_key_id=access_key, aws_secret_access_key=access_key, region_name=region)


@contextmanager
def moto_server() -> Iterator[str]:
    """AWS by moto, in threads of this process.

    Its state is moto's state of this process: it starts empty, and a mock_aws in the meantime empties it.
    """
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    try:
        reset(url)
        yield url
    finally:
        reset(url)
        server.stop()
        server._server.server_close()


@contextmanager
def s3rver() -> Iterator[str]:
    """S3 by s3rver, in a process of its own; skips the test when it is not installed, and fails it in CI."""
    executable = tool(S3RVER, "npm install --no-save --prefix .tools s3rver@3.7.1")
    folder = tempfile.mkdtemp(prefix="s3rver-")
    process = subprocess.Popen(
        [executable, "--directory", folder, "--address", "127.0.0.1", "--port", "0", "--silent", "--no-vhost-buckets"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "NODE_OPTIONS": "--openssl-legacy-provider"},
    )
    try:
        yield f"http://127.0.0.1:{_announced_port(process)}"
    finally:
        process.kill()
        process.communicate()
        shutil.rmtree(folder, ignore_errors=True)


def tool(name: str | Path, remedy: str) -> str:
    """The path of a program that a test needs: its absence skips the test, and fails it where CI is set."""
    found = shutil.which(str(name))
    if found is None:
        message = f"{Path(name).name} is not installed: {remedy}"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    return found


def _announced_port(process: subprocess.Popen[str], patience: float = 30) -> int:
    assert process.stdout is not None
    watchdog = Timer(patience, process.kill)
    watchdog.start()
    try:
        for line in process.stdout:
            if match := _LISTENING.search(line):
                return int(match[1])
    finally:
        watchdog.cancel()
    raise RuntimeError(f"the server did not start within {patience} s")


def reset(url: str) -> None:
    """Empty a moto server."""
    urllib.request.urlopen(urllib.request.Request(f"{url}/moto-api/reset", method="POST"), timeout=10).close()
