"""The scripts that children run, in real shells, with the tools that an image may have."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from batch_helpers.aws_client import AWSAccess
from batch_helpers.engines.aws.arrays import carriers, scripts
from batch_helpers.engines.aws.arrays.reading import presigned
from batch_helpers.engines.aws.arrays.table import Table, table_of
from batch_helpers.engines.aws.definition import FOR_IMAGES
from batch_helpers.job import Job
from tests.servers import moto_server, session, tool

pytestmark = pytest.mark.slow

SHELLS = {"dash": ["dash"], "bash": ["bash", "--posix"], "busybox": ["busybox", "sh"]}
SHOW = 'printf "%s|" "$@" "$A" "$i"'
WORDS = ["a b", "it's", "$HOME", "`x` #1", "*", "ä\n\n", "\n", '"\\n"', "-n", "_BH", "0 x #0"]
URI = "s3://bucket/tables/array-1.txt"

Child = Callable[..., "subprocess.CompletedProcess[bytes]"]


def jobs(number: int) -> list[Job]:
    return [
        Job(
            f"s-{n}",
            image="busybox",
            command=["/bin/sh", "-c", SHOW, "sh", *WORDS, str(n)],
            environment={"A": f"x\n{n}"},
        )
        for n in range(number)
    ]


def shown(n: int) -> str:
    return "".join(f"{word}|" for word in [*WORDS, str(n), f"x\n{n}", "from the image"])


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> list[str]:
    name, *options = SHELLS[request.param]
    return [tool(name, f"apt-get install {name}"), *options]


@pytest.fixture
def child(shell: list[str], tmp_path: Path) -> Child:
    """Runs a command as the child of an array, with only these programs on its PATH."""

    def run(command: tuple[str, ...], index: str, *programs: str, **environment: str) -> Any:
        for program in programs:
            (tmp_path / os.path.basename(program)).symlink_to(program)
        variables = {"PATH": str(tmp_path), "AWS_BATCH_JOB_ARRAY_INDEX": index, "i": "from the image", **environment}
        assert command[0] == "/bin/sh"
        return subprocess.run([*shell, *command[1:]], env=variables, capture_output=True, timeout=60, check=False)

    return run


def where(*names: str) -> list[str]:
    return [tool(name, f"apt-get install {name}") for name in names]


def carried(table: Table) -> tuple[str, ...]:
    carrier = carriers.inline(table, None)
    assert carrier is not None
    return carrier.command


class TestInTheCommand:
    def test_a_plain_table_needs_nothing_but_a_shell(self, child: Child) -> None:
        command = carried(table_of(jobs(9), FOR_IMAGES))
        assert command[2] == scripts.PLAIN
        for index in (0, 8):
            ended = child(command, str(index))
            assert (ended.returncode, ended.stderr, ended.stdout.decode()) == (0, b"", shown(index))

    def test_a_packed_one_is_unpacked(self, child: Child) -> None:
        command = carried(table_of(jobs(100), FOR_IMAGES))
        assert command[2] == scripts.PACKED
        ended = child(command, "99", *where("base64", "gzip"))
        assert (ended.returncode, ended.stderr, ended.stdout.decode()) == (0, b"", shown(99))

    def test_an_image_that_cannot_unpack_it_fails_with_one_line(self, child: Child) -> None:
        ended = child(carried(table_of(jobs(100), FOR_IMAGES)), "99", *where("base64"))
        assert (ended.returncode, ended.stdout) == (126, b"")
        [line] = ended.stderr.decode().splitlines()
        assert line.startswith("batch_helpers: array child 99 cannot run: ")
        assert "are base64 and gzip in the image?" in line

    def test_names_that_a_shell_cannot_export_reach_the_program_too(self, child: Child) -> None:
        odd = Job("odd", image="busybox", command=["env"], environment={"a.b": "1", "UID": "7", "A": "2"})
        ended = child(carried(table_of([odd, odd], FOR_IMAGES)), "1", *where("env"))
        assert {"a.b=1", "UID=7", "A=2"} <= set(ended.stdout.decode().splitlines())

    def test_the_commands_exit_code_is_the_childs(self, child: Child) -> None:
        failing = [Job("f", image="busybox", command="exit 37")] * 2
        assert child(carried(table_of(failing, FOR_IMAGES)), "0").returncode == 37

    @pytest.mark.parametrize("index", ["", "x", "9", "-1"])
    def test_a_child_without_a_line_runs_nothing(self, child: Child, index: str) -> None:
        ended = child(carried(table_of(jobs(9), FOR_IMAGES)), index)
        assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (126, b"", 1)


@pytest.fixture(scope="module")
def access() -> Iterator[AWSAccess]:
    with moto_server() as url:
        access = AWSAccess(session=session(), endpoint_url=url)
        access.client("s3").create_bucket(Bucket="bucket")
        yield access


WAYS = ["aws", "python3", "curl", "wget", "busybox wget"]


IN_DASH = pytest.mark.parametrize("shell", ["dash"], indirect=True)


class TestFromS3:
    """250 children: three blocks, the last one shorter."""

    @pytest.fixture
    def command(self, access: AWSAccess) -> tuple[str, ...]:
        table = table_of(jobs(250), FOR_IMAGES)
        self.put(access, table.content)
        return carriers.from_s3(table, URI, presigned(access, URI)).command

    def put(self, access: AWSAccess, content: bytes) -> None:
        access.client("s3").put_object(Bucket="bucket", Key=URI.removeprefix("s3://bucket/"), Body=content)

    def fetch(
        self, child: Child, command: tuple[str, ...], index: int, way: str, folder: Path, access: AWSAccess
    ) -> Any:
        """With one tool on the PATH that can fetch."""
        (folder / "tools").mkdir(exist_ok=True)
        made = folder / "tools" / way.split()[-1]
        if way == "aws":
            found = shutil.which("aws", path=f"{Path(__file__).parents[4] / '.tools/bin'}:{os.environ['PATH']}")
            made.write_text(
                f'#!/bin/sh\nPATH="{os.environ["PATH"]}" exec {found or tool("aws", "pip install awscli")} "$@"\n'
            )
        elif way == "python3":
            made.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        elif way == "busybox wget":
            made.write_text(f'#!/bin/sh\nexec {tool("busybox", "apt-get install busybox")} wget "$@"\n')
        else:
            made.write_text(f'#!/bin/sh\nexec {tool(way, f"apt-get install {way}")} "$@"\n')
        made.chmod(0o755)
        account = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
        return child(command, str(index), str(made), AWS_ENDPOINT_URL=access.endpoint_url or "", **account)

    @IN_DASH
    @pytest.mark.parametrize("way", WAYS)
    def test_whatever_the_image_has_will_do(
        self, child: Child, command: tuple[str, ...], way: str, tmp_path: Path, access: AWSAccess
    ) -> None:
        ended = self.fetch(child, command, 249, way, tmp_path, access)
        assert (ended.returncode, ended.stderr, ended.stdout.decode()) == (0, b"", shown(249))

    def test_only_the_block_with_the_line_is_asked_for(
        self, command: tuple[str, ...], child: Child, tmp_path: Path
    ) -> None:
        (tmp_path / "tools").mkdir()
        curl = tmp_path / "tools" / "curl"
        curl.write_text('#!/bin/sh\necho "$@" >&2\nexit 9\n')
        curl.chmod(0o755)
        ended = child(command, "101", str(curl))
        places = command[5].split()
        assert f"Range: bytes={places[1]}-{int(places[2]) - 1}" in ended.stderr.decode()

    @IN_DASH
    @pytest.mark.parametrize("way", WAYS)
    def test_a_table_that_is_gone_fails_with_one_line_that_names_it(
        self, child: Child, command: tuple[str, ...], way: str, tmp_path: Path, access: AWSAccess
    ) -> None:
        access.client("s3").delete_object(Bucket="bucket", Key=URI.removeprefix("s3://bucket/"))
        ended = self.fetch(child, command, 5, way, tmp_path, access)
        assert (ended.returncode, ended.stdout) == (126, b"")
        [line] = ended.stderr.decode().splitlines()
        assert line.startswith(f"batch_helpers: array child 5 cannot run: cannot fetch {URI}; {way.split()[-1]} failed")
        assert way == "wget" or "404" in line or "NoSuchKey" in line

    @pytest.mark.parametrize(
        "damage",
        [
            lambda content: content[: len(content) // 2],
            lambda content: b"<html>nothing here</html>" * 2000,
            lambda content: content.replace(b" #249", b""),
            lambda content: content.replace(b"249 ", b"948 "),
            lambda content: content.replace(b"'it'", b"'it"),
        ],
    )
    def test_a_malformed_table_fails_with_one_line_that_names_it(
        self,
        child: Child,
        command: tuple[str, ...],
        damage: Callable[[bytes], bytes],
        tmp_path: Path,
        access: AWSAccess,
    ) -> None:
        self.put(access, damage(table_of(jobs(250), FOR_IMAGES).content))
        ended = self.fetch(child, command, 249, "curl", tmp_path, access)
        assert (ended.returncode, ended.stdout) == (126, b"")
        [line] = ended.stderr.decode().splitlines()
        assert line.startswith("batch_helpers: array child 249 cannot run: ")
        assert URI in line

    def test_an_image_with_no_tool_fails_with_one_line(self, child: Child, command: tuple[str, ...]) -> None:
        ended = child(command, "5")
        [line] = ended.stderr.decode().splitlines()
        assert (ended.returncode, ended.stdout) == (126, b"")
        assert line == (
            f"batch_helpers: array child 5 cannot run: cannot fetch {URI}; "
            "it takes aws, python3 with boto3, curl or wget, and a job role that may read it"
        )
