"""What the preloader copies with: whatever the image has, and only as a last resort something that it installs."""

from __future__ import annotations

import http.server
import threading
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from batch_helpers import preloader
from batch_helpers.s3 import S3Mounts
from tests.preloader.conftest import Image, keys
from tests.servers import tool

pytestmark = pytest.mark.slow

DASH = ["dash"]


def both_ways(image: Image) -> S3Mounts:
    return S3Mounts(
        read=[
            {"source": "s3://bucket/in put", "destination": image.path("in put"), "recursive": True},
            {"source": "s3://bucket/one", "destination": image.path("one/file")},
        ],
        write=[
            {
                "source": image.path("out put"),
                "destination": "s3://bucket/out put",
                "recursive": True,
                "sse": "AES256",
                "options": "--no-progress --exclude '*.tmp'",
            },
            {"source": image.path("one.txt"), "destination": "s3://bucket/one.txt"},
            {"source": image.path("empty"), "destination": "s3://bucket/empty", "recursive": True},
        ],
    )


@pytest.mark.parametrize("having", [Image.with_aws, Image.with_s5cmd, Image.with_python])
def test_every_tool_copies_alike(image: Image, s3: Any, having: Callable[[Image], Image]) -> None:
    for key in ("in put/a b/c", "in put/_SUCCESS", "in put-not/d", "one", "one/more"):
        s3.put_object(Bucket="bucket", Key=key, Body=key.encode())
    s3.put_object(Bucket="bucket", Key="out put/_SUCCESS")
    command = (
        'find "in put" one -type f | sort; cp -R "in put/a b" "out put"; touch "out put/x.tmp"; cp one/file one.txt'
    )
    ended = having(image).run(DASH, command, both_ways(image))
    assert (ended.returncode, ended.stdout) == (0, "in put/a b/c\none/file\n"), ended.stderr
    made = [key for key in keys(s3) if key.startswith(("out", "one.", "empty"))]
    assert made == ["empty/_SUCCESS", "one.txt", "out put/_SUCCESS", "out put/a b/c"]
    assert s3.get_object(Bucket="bucket", Key="out put/a b/c")["Body"].read() == b"in put/a b/c"
    assert s3.get_object(Bucket="bucket", Key="one.txt")["Body"].read() == b"one"


@pytest.mark.parametrize("having", [Image.with_aws, Image.with_s5cmd, Image.with_python])
def test_with_every_tool_a_missing_source_fails_the_job(
    image: Image, s3: Any, having: Callable[[Image], Image]
) -> None:
    reads = S3Mounts(read=[{"source": "s3://bucket/absent", "destination": image.path("a")}])
    assert having(image).run(DASH, "touch ran", reads).returncode == preloader.DOWNLOAD_FAILED
    folder = S3Mounts(read=[{"source": "s3://bucket/absent", "destination": image.path("a"), "recursive": True}])
    assert image.run(DASH, "touch ran", folder).returncode == preloader.DOWNLOAD_FAILED
    (image.root / "a").mkdir(exist_ok=True)
    (image.root / "a" / "of before").touch()
    assert image.run(DASH, "touch ran", folder).returncode == preloader.DOWNLOAD_FAILED
    writes = S3Mounts(write=[{"source": image.path("absent"), "destination": "s3://bucket/absent"}])
    assert image.run(DASH, "true", writes).returncode == preloader.UPLOAD_FAILED
    assert not (image.root / "ran").exists()


def test_a_job_without_mounts_needs_no_tool(image: Image, s3: Any) -> None:
    assert image.run(DASH, "exit 6", S3Mounts()).returncode == 6


def test_every_option_reaches_the_aws_command_line(image: Image, s3: Any) -> None:
    image.install("aws", 'for word; do printf "[%s]" "$word"; done >>"$HOME/said"; echo >>"$HOME/said"')
    mounts = S3Mounts(
        read=[
            {"source": "s3://bucket/it's", "destination": image.path("in"), "options": "--request-payer --page-size 9"}
        ],
        write=[
            {
                "source": image.path("out"),
                "destination": "s3://bucket/out",
                "recursive": True,
                "sse": "aws:kms",
                "sse_kms_key_id": "a key",
                "options": "--quiet --exclude 'a b*'",
            }
        ],
    )
    assert image.run(DASH, "true", mounts).returncode == 0
    out = "[--only-show-errors][--exclude][a b*][--recursive][--sse][aws:kms][--sse-kms-key-id][a key]"
    said = (image.root.parent / "said").read_text().splitlines()
    assert said[:3] == [
        f"[s3][cp][s3://bucket/it's][{image.path('in')}][--request-payer][--page-size][9]",
        "[s3][rm][s3://bucket/out/_SUCCESS][--only-show-errors]",
        f"[s3][cp][{image.path('out')}][s3://bucket/out]{out}[--exclude][_SUCCESS]",
    ]
    assert said[3].endswith("[s3://bucket/out/_SUCCESS][--only-show-errors][--sse][aws:kms][--sse-kms-key-id][a key]")


class TestLastResort:
    """The AWS CLI's own archive, served on loopback; what it installs says how it was called."""

    @pytest.fixture
    def site(self, tmp_path: Path) -> Iterator[str]:
        aws = '#!/bin/sh\\necho "$@" >>"$HOME/said"\\n'
        install = f'#!/bin/sh\nmkdir -p "$4"; printf \'{aws}\' >"$4/aws"; chmod +x "$4/aws"\n'
        folder = tmp_path / "site"
        folder.mkdir()
        with zipfile.ZipFile(folder / "aws.zip", "w") as archive:
            entry = zipfile.ZipInfo("aws/install")
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, install)
        handler = partial(Quiet, directory=str(folder))
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_address[1]}/aws.zip"
            server.shutdown()

    @pytest.fixture
    def bare(self, image: Image) -> Image:
        for name in ("curl", "wget", "unzip"):
            tool(name, f"apt-get install {name}")
        image.install("id", 'echo "${FAKE_UID:-0}"')
        image.install("apt-get", 'echo "$@" >>"$HOME/packages"')
        return image

    def one(self, image: Image) -> S3Mounts:
        return S3Mounts(read=[{"source": "s3://bucket/a", "destination": image.path("a")}])

    def test_the_aws_cli_is_installed_and_the_log_says_so(self, bare: Image, site: str, s3: Any) -> None:
        ended = bare.run(DASH, "echo ran", self.one(bare), EZBATCH_AWSCLI_URL=site)
        assert (ended.returncode, ended.stdout) == (0, "ran\n"), ended.stderr
        assert "installing the AWS CLI; put it into the image to save this time" in ended.stderr
        assert (bare.root.parent / "said").read_text() == f"s3 cp s3://bucket/a {bare.path('a')} --only-show-errors\n"
        assert not (bare.root.parent / "packages").exists()

    def test_what_unpacks_it_is_installed_first_where_it_is_missing(self, bare: Image, site: str, s3: Any) -> None:
        for name in ("mktemp", "rm", "mkdir", "dirname", "uname", "sh", "cat", "chmod", "wget", "ln"):
            (bare.bin / name).symlink_to(tool(name, f"apt-get install {name}"))
        bare.install(
            "apt-get", 'echo "$@" >>"$HOME/packages"; [ "$1" = update ] || ln -s /usr/bin/unzip "${0%/*}/unzip"'
        )
        ended = bare.run(["/usr/bin/dash"], "true", self.one(bare), PATH=str(bare.bin), EZBATCH_AWSCLI_URL=site)
        assert ended.returncode == 0, ended.stderr
        assert (bare.root.parent / "packages").read_text() == "update\ninstall -y --no-install-recommends unzip\n"

    def test_for_the_machines_architecture(self, bare: Image, s3: Any) -> None:
        bare.install("curl", 'echo "$@" >>"$HOME/fetched"; exit 22')
        for machine in ("x86_64", "aarch64", "arm64", "riscv64"):
            bare.install("uname", f"echo {machine}")
            ended = bare.run(DASH, "touch ran", self.one(bare))
            assert ended.returncode == preloader.NO_TOOL
        fetched = [line.split("/")[-1] for line in (bare.root.parent / "fetched").read_text().splitlines()]
        assert fetched == [f"awscli-exe-linux-{arch}.zip" for arch in ("x86_64", "aarch64", "aarch64")]
        assert "there is no AWS CLI for riscv64" in ended.stderr
        assert not (bare.root / "ran").exists()

    def test_alpine_has_a_package_for_it(self, bare: Image, s3: Any) -> None:
        bare.install(
            "apk", 'echo "$@" >"$HOME/packages"; printf \'#!/bin/sh\\n\' >"${0%/*}/aws"; chmod +x "${0%/*}/aws"'
        )
        assert bare.run(DASH, "true", self.one(bare)).returncode == 0
        assert (bare.root.parent / "packages").read_text() == "add --no-cache aws-cli\n"

    def test_without_root_it_says_what_to_put_into_the_image(self, bare: Image, s3: Any) -> None:
        bare.install("apk", "exit 0")
        ended = bare.run(DASH, "touch ran", self.one(bare), FAKE_UID="1000")
        assert (ended.returncode, (bare.root / "ran").exists()) == (preloader.NO_TOOL, False)
        assert "not root, so aws-cli cannot be installed: put the AWS CLI into the image" in ended.stderr


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass
