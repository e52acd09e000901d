"""Commands that are too long to be sent: what is sent instead, and that it runs what was meant."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from batch_helpers.aws_client import AWSAccess
from batch_helpers.engines.aws import AWSEngine, Spill
from batch_helpers.engines.aws.definition import Definition
from batch_helpers.errors import AccessDenied, InvalidInput, InvalidJob
from batch_helpers.job import Job
from batch_helpers.stores.s3 import S3Store
from batch_helpers.testing import MemoryStore
from tests.engines.aws.service import Service, access_to
from tests.servers import moto_server, session

WORDS = ["printf", "%s|", "a b", "it's", "$HOME", "`x`", "*", "ä\n", *(f"sample-{n}" for n in range(2000))]


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def spilling(service: Service, store: MemoryStore) -> AWSEngine:
    """An engine that has a place for long commands."""
    service.definitions.append({"jobDefinitionName": "align", "revision": 1, "status": "ACTIVE"})
    return AWSEngine(access_to(service), rate=1000, spill=Spill("s3://bucket/spill/", store))


def job(name: str = "s1", **fields: Any) -> Job:
    return Job(name, **{"job_definition": "align", "job_queue": "q", **fields})


def sent(service: Service) -> list[dict[str, Any]]:
    return [body["containerOverrides"] for body in service.bodies("submitjob")]


class TestWhatIsSent:
    def test_a_long_command_is_kept_by_its_content_and_the_job_stays_the_same_work(
        self, spilling: AWSEngine, service: Service, store: MemoryStore
    ) -> None:
        one, twin = job(command=WORDS, environment={"A": "b"}, vcpus=2), job("s2", command=WORDS, outputs=["s3://b/2"])
        spilling.check([one, twin])
        assert not store.objects
        spilling.submit([one, twin])
        [(uri, script)] = store.objects.items()
        assert uri.startswith("s3://bucket/spill/")
        assert b"sample-1999" in script
        bodies = sorted(service.bodies("submitjob"), key=lambda body: body["jobName"])
        first, second = (body["containerOverrides"] for body in bodies)
        assert first["command"][:2] == ["/bin/sh", "-c"]
        assert first["command"][3:] == second["command"][3:] == ["batch_helpers", uri]
        assert first["environment"] == [{"name": "A", "value": "b"}]
        assert first["resourceRequirements"] == [{"type": "VCPU", "value": "2"}]
        fingerprints = [(body["jobName"], body["tags"]["batch_helpers:fingerprint"]) for body in bodies]
        assert fingerprints == [(item.full_name, item.fingerprint) for item in (one, twin)]

    def test_what_is_there_already_is_not_written_again(
        self, spilling: AWSEngine, service: Service, store: MemoryStore
    ) -> None:
        spilling.submit([job(command=WORDS)])
        [uri] = store.objects
        store.objects[uri] = b"the same, from an earlier run"
        spilling.submit([job(command=WORDS)])
        assert store.objects == {uri: b"the same, from an earlier run"}

    def test_a_short_one_is_sent_as_it_is(self, spilling: AWSEngine, service: Service, store: MemoryStore) -> None:
        spilling.submit([job(command=["cat", "Ref::a"], parameters={"a": "b"})])
        assert not store.objects
        assert sent(service) == [{"command": ["cat", "Ref::a"]}]
        assert service.bodies("submitjob")[0]["parameters"] == {"a": "b"}

    def test_parameters_are_put_in_and_not_sent(
        self, spilling: AWSEngine, service: Service, store: MemoryStore
    ) -> None:
        long = " ".join(WORDS)
        spilling.submit([job(command=["cat", "--list=Ref::list", "Ref::other"], parameters={"list": long})])
        assert "parameters" not in service.bodies("submitjob")[0]
        [script] = store.objects.values()
        assert long.replace("'", "'\"'\"'").encode() in script
        assert b"Ref::other" in script

    def test_the_definitions_own_command_and_defaults_are_used_where_the_job_has_none(
        self, spilling: AWSEngine, service: Service, store: MemoryStore
    ) -> None:
        container = {"command": ["cat", "Ref::list", "Ref::ref"]}
        service.definitions[0] |= {"containerProperties": container, "parameters": {"ref": "GRCh38", "list": "none"}}
        one = job(parameters={"list": "x" * 30000})
        spilling.check([one])
        spilling.submit([one])
        [script] = store.objects.values()
        assert script.endswith(b"x GRCh38\n")
        assert sent(service)[0]["command"][0] == "/bin/sh"

    def test_it_is_looked_up_for_that_when_nobody_has_checked_before(
        self, spilling: AWSEngine, service: Service, store: MemoryStore
    ) -> None:
        service.definitions[0] |= {"parameters": {"ref": "GRCh38"}}
        spilling.submit([job(command=["cat", "Ref::ref", "x" * 9000])])
        [script] = store.objects.values()
        assert b"cat GRCh38 x" in script

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"command": ["cat", "x" * 131072]}, "command"),
            ({"command": ["cat", *["x" * 100000] * 11]}, "command"),
            ({"command": ["cat", "\ud800" * 9000]}, "command"),
            ({"command": ["true"], "environment": {"LONG": "x" * 9000}}, "environment"),
            ({"parameters": {"list": "x" * 31000}}, "parameters"),
        ],
    )
    def test_what_cannot_be_kept_elsewhere_is_refused_before_anything_is_sent(
        self, fields: dict[str, Any], field: str, spilling: AWSEngine, service: Service, store: MemoryStore
    ) -> None:
        for refuse in (spilling.check, spilling.submit):
            with pytest.raises(InvalidJob) as caught:
                refuse([job("fine"), job("over", **fields)])
            assert (caught.value.job, caught.value.field) == ("over", field)
        assert service.count("submitjob") == 0
        assert not store.objects

    def test_a_place_that_cannot_be_written_submits_nothing(self, service: Service) -> None:
        class Locked(MemoryStore):
            def write(self, uri: str, data: bytes, *, only_if_absent: bool = False) -> bool:
                raise AccessDenied("not you")

        service.definitions.append({"jobDefinitionName": "align", "revision": 1, "status": "ACTIVE"})
        engine = AWSEngine(access_to(service), rate=1000, spill=Spill("s3://bucket/spill", Locked()))
        with pytest.raises(AccessDenied, match="not you"):
            engine.submit([job("short"), job("long", command=WORDS)])
        assert service.count("submitjob") == 0

    def test_without_a_place_the_advice_is_to_give_one(self, engine: AWSEngine, service: Service) -> None:
        with pytest.raises(InvalidJob, match=r"spill='s3://bucket/prefix'"):
            engine.submit([job(command=WORDS)])
        assert service.posts == []

    @pytest.mark.parametrize("prefix", ["", "bucket/prefix", "s3://", "/tmp/here", "az://container/prefix"])
    def test_a_place_that_is_none_is_refused(self, prefix: str, store: MemoryStore) -> None:
        with pytest.raises(InvalidInput, match="spill="):
            Spill(prefix, store)


Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.mark.slow
class TestInTheContainer:
    """The command that is sent, run by a real shell with different tools on its PATH."""

    @pytest.fixture
    def run(self, tmp_path: Path) -> Run:
        """Runs a command with nothing on its PATH but a few tools of every system, and `tools`."""
        here = tmp_path / "bin"
        here.mkdir()
        (tmp_path / "tmp").mkdir()
        for name in ("rm", "cat", "printf", "sh"):
            (here / name).symlink_to(shutil.which(name) or name)

        def run(command: list[str], tools: dict[str, str], **environment: str) -> subprocess.CompletedProcess[bytes]:
            for name, text in tools.items():
                (here / name).write_text(text)
                (here / name).chmod(0o755)
            variables = {"PATH": str(here), "TMPDIR": str(tmp_path / "tmp"), **environment}
            ended = subprocess.run(command, env=variables, capture_output=True, timeout=60, check=False)
            assert os.listdir(tmp_path / "tmp") == []
            return ended

        return run

    def spilled(self, command: list[str] | str, store: Any) -> list[str]:
        spill = Spill("s3://bucket/spill", store)
        kept = spill.spilled(job(command=command), Definition("align:1"))
        spill.keep(kept)
        return list(kept.carried.command)

    @pytest.fixture
    def kept(self, tmp_path: Path) -> tuple[MemoryStore, dict[str, str]]:
        """A store, and an `aws` that copies what is in it, as the AWS CLI would."""

        class Files(MemoryStore):
            def write(self, uri: str, data: bytes, *, only_if_absent: bool = False) -> bool:
                (tmp_path / uri.rpartition("/")[2]).write_bytes(data)
                return super().write(uri, data)

        aws = f'#!/bin/sh\n[ "$1 $2 $3" = "s3 cp --only-show-errors" ] && cat "{tmp_path}/${{4##*/}}" > "$5"\n'
        return Files(), {"aws": aws}

    def test_every_word_reaches_the_program_as_it_is(self, run: Run, kept: tuple[MemoryStore, dict[str, str]]) -> None:
        store, tools = kept
        ended = run(self.spilled(WORDS, store), tools)
        assert (ended.returncode, ended.stderr) == (0, b"")
        assert ended.stdout.decode() == "".join(f"{word}|" for word in WORDS[2:])

    def test_a_long_script_for_the_shell_is_run_by_the_shell_and_its_exit_code_is_the_jobs(
        self, run: Run, kept: tuple[MemoryStore, dict[str, str]]
    ) -> None:
        store, tools = kept
        script = "set -e\n" + "printf . \n" * 20000 + "exit 37"
        ended = run(self.spilled(script, store), tools)
        assert (ended.returncode, len(ended.stdout)) == (37, 20000)

    def test_python_with_boto3_does_it_where_there_is_no_aws(self, run: Run) -> None:
        with moto_server() as url:
            access = AWSAccess(session=session(), endpoint_url=url)
            access.client("s3").create_bucket(Bucket="bucket")
            command = self.spilled(WORDS, S3Store(access))
            python = {"python3": f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'}
            account = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
            ended = run(command, python, AWS_ENDPOINT_URL=url, **account)
            assert (ended.returncode, ended.stderr) == (0, b"")
            assert ended.stdout.decode().endswith("sample-1999|")
            access.client("s3").delete_object(Bucket="bucket", Key=command[-1].removeprefix("s3://bucket/"))
            gone = run(command, {}, AWS_ENDPOINT_URL=url, **account)
        assert gone.returncode == 126
        assert (
            gone.stderr.decode().splitlines()[-1].startswith("batch_helpers: cannot fetch this job's command from s3")
        )

    @pytest.mark.parametrize("tools", [{}, {"python3": "#!/bin/sh\nexit 1\n"}])
    def test_an_image_without_tools_fails_with_one_clear_line(
        self, tools: dict[str, str], run: Run, store: MemoryStore
    ) -> None:
        command = self.spilled(WORDS, store)
        ended = run(command, tools)
        assert ended.returncode == 126
        assert ended.stdout == b""
        assert ended.stderr.decode() == (
            f"batch_helpers: cannot fetch this job's command from {command[-1]}: "
            "the image has neither aws nor python3 with boto3\n"
        )

    def test_a_fetch_that_fails_runs_nothing(self, run: Run, store: MemoryStore) -> None:
        ended = run(self.spilled(WORDS, store), {"aws": "#!/bin/sh\necho '403 Forbidden' >&2\nexit 1\n"})
        assert (ended.returncode, ended.stdout) == (126, b"")
        assert ended.stderr.startswith(b"403 Forbidden\nbatch_helpers: cannot fetch")


def test_the_shortened_job_is_the_longer_ones_in_all_that_it_needs(store: MemoryStore) -> None:
    whole = job(command=WORDS, vcpus=2, memory=4096, attempts=3, timeout=60, tags={"a": "b"}, environment={"A": "b"})
    carried = Spill("s3://bucket", store).spilled(whole, Definition("align:1")).carried
    assert replace(carried, command=["x"]).fingerprint == replace(whole, command=["x"]).fingerprint
    for name in ("vcpus", "memory", "attempts", "timeout", "tags", "job_queue", "job_definition"):
        assert getattr(carried, name) == getattr(whole, name)
