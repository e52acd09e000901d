"""Starting, stopping, being killed, and being started twice."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError

from batch_helpers.errors import ServiceError
from batch_helpers.serve import Outcome, serve
from batch_helpers.serve.endpoint import Endpoint
from tests.serve.fixtures import client, define
from tests.serve.waiting import ended, reached, until

pytestmark = pytest.mark.slow

SUBMIT = {"jobQueue": "local", "jobDefinition": "work"}


@contextmanager
def process(directory: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], Endpoint]]:
    """`batch-helpers serve`, killed at the end if it is still there."""
    command = [sys.executable, "-m", "batch_helpers", "serve", "--json", "--directory", str(directory), *options]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert started.stdout is not None
        yield started, Endpoint(json.loads(started.stdout.readline())["url"])
    finally:
        started.kill()
        started.communicate()


def refusal(*options: str) -> subprocess.CompletedProcess[str]:
    """What the command says when it cannot serve."""
    command = [sys.executable, "-m", "batch_helpers", "serve", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_kill_between_any_two_requests_loses_no_accepted_job(tmp_path: Path) -> None:
    accepted: list[str] = []
    for life in range(3):
        with process(tmp_path, "--instant") as (server, endpoint):
            batch = client(endpoint)
            if not life:
                define(batch)
            for number in range(20):
                accepted.append(batch.submit_job(**SUBMIT, jobName=f"j-{life}-{number}")["jobId"])
            server.kill()
    with serve(tmp_path, instant=True) as endpoint:
        jobs = ended(client(endpoint), *accepted)
        assert [job["jobName"] for job in jobs] == [f"j-{life}-{number}" for life in range(3) for number in range(20)]
        assert {job["status"] for job in jobs} == {"SUCCEEDED"}


def test_a_kill_at_any_moment_loses_no_accepted_job(tmp_path: Path) -> None:
    """Clients submit without a pause, and the endpoint is killed under them, in the middle of whatever it does."""
    chance, accepted = random.Random(3), []

    def submit(url: str, life: int, number: int) -> None:
        batch = client(Endpoint(url))
        with suppress(BotoCoreError, KeyError):  # an answer that is cut short has no jobId
            while True:
                name = f"j-{life}-{number}"
                accepted.append(batch.submit_job(**SUBMIT, jobName=name, arrayProperties={"size": 2})["jobId"])
                accepted.append(batch.submit_job(**SUBMIT, jobName=name, dependsOn=[{"jobId": accepted[-1]}])["jobId"])

    for life in range(4):
        with process(tmp_path, "--instant") as (server, endpoint):
            if not life:
                define(client(endpoint))
            clients = [threading.Thread(target=submit, args=(endpoint.url, life, number)) for number in range(3)]
            for thread in clients:
                thread.start()
            before = len(accepted)
            until(lambda before=before: len(accepted) > before)
            time.sleep(chance.random() / 2)
            server.kill()
            for thread in clients:
                thread.join()
    with serve(tmp_path, instant=True) as endpoint:
        batch = client(endpoint)
        until(lambda: not any(listed(batch, status) for status in ("SUBMITTED", "PENDING", "RUNNABLE", "RUNNING")))
        succeeded = listed(batch, "SUCCEEDED")
    assert set(accepted) <= set(succeeded)
    # What was accepted without an answer may have been the last request of each client in each life.
    assert len(succeeded) - len(accepted) <= 4 * 3


def listed(batch: Any, status: str) -> list[str]:
    pages = batch.get_paginator("list_jobs").paginate(jobQueue="local", jobStatus=status)
    return [job["jobId"] for page in pages for job in page["jobSummaryList"]]


def test_a_kill_in_the_middle_of_an_array_loses_none_of_its_children(tmp_path: Path) -> None:
    with process(tmp_path, "--instant") as (server, endpoint):
        batch = client(endpoint)
        define(batch)
        ids = [batch.submit_job(**SUBMIT, jobName="a", arrayProperties={"size": 2000})["jobId"] for _ in range(3)]
        server.kill()
    with serve(tmp_path, instant=True) as endpoint:
        jobs = ended(client(endpoint), *ids)
        assert [job["arrayProperties"]["statusSummary"]["SUCCEEDED"] for job in jobs] == [2000] * 3


def test_everything_comes_back_after_a_clean_stop(tmp_path: Path) -> None:
    with serve(tmp_path, instant=True, hold="RUNNING") as endpoint:
        batch = client(endpoint)
        define(batch)
        job_id = batch.submit_job(**SUBMIT, jobName="j", tags={"a": "b"})["jobId"]
        before = reached(batch, job_id, "RUNNING")
    with serve(tmp_path, instant=True, hold="RUNNING") as endpoint:
        batch = client(endpoint)
        assert {**reached(batch, job_id, "RUNNING")} == before
        assert [item["jobDefinitionName"] for item in batch.describe_job_definitions()["jobDefinitions"]] == ["work"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly(tmp_path: Path, number: int) -> None:
    with process(tmp_path, "--instant") as (server, endpoint):
        define(client(endpoint))
        server.send_signal(number)
        _, errors = server.communicate(timeout=20)
        assert (server.returncode, "Traceback" in errors) == (0, False)


def test_a_signal_at_the_very_start_stops_it_too(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "batch_helpers", "serve", "--json", "--directory", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        server.stdout.readline()
        server.terminate()
        assert server.wait(20) == 0


def test_it_prints_the_lines_to_paste(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "batch_helpers", "serve", "--directory", str(tmp_path), "--instant"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        lines = [server.stdout.readline(), server.stdout.readline()]
        server.terminate()
        _, errors = server.communicate(timeout=20)
    url = lines[0].rpartition("=")[2]
    assert lines == [f"export AWS_ENDPOINT_URL_BATCH={url}", f"export AWS_ENDPOINT_URL_CLOUDWATCH_LOGS={url}"]
    assert url.startswith("http://127.0.0.1:")
    assert "Ctrl-C" in errors


def test_the_second_endpoint_of_a_directory_says_who_holds_it(tmp_path: Path) -> None:
    with process(tmp_path, "--instant") as (server, endpoint):
        said = refusal("--directory", str(tmp_path))
        assert (said.returncode, said.stdout) == (2, "")
        assert said.stderr.count("\n") == 1
        assert f"is served already by process {server.pid} at {endpoint.url}" in said.stderr
        with pytest.raises(ServiceError, match=f"by process {server.pid}"), serve(tmp_path):
            pass
        client(endpoint).describe_job_queues()


def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = refusal("--directory", str(tmp_path), "--port", str(taken.getsockname()[1]))
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    assert "cannot be listened on: Address already in use" in said.stderr
    with serve(tmp_path, instant=True) as endpoint:  # the directory is free again
        client(endpoint).describe_job_queues()


@pytest.mark.parametrize("kind", ["file", "below a file", "foreign"])
def test_a_directory_that_cannot_be_used_is_said_in_one_line(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "place"
    if kind == "foreign":
        place.mkdir()
        (place / "serve.db").write_text(
            "this is no database, whatever its name says; it is long enough to be looked at"
        )
    else:
        place.write_text("a file")
    said = refusal("--directory", str(place / "sub" if kind == "below a file" else place), "--instant")
    assert (said.returncode, said.stderr.count("\n"), said.stdout) == (2, 1, "")
    assert str(place) in said.stderr


def test_a_directory_that_may_not_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    """Root may write everywhere but where nobody can."""
    tmp_path.chmod(0o500)
    said = refusal("--directory", "/proc/self" if os.geteuid() == 0 else str(tmp_path), "--instant")
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)


def test_a_database_of_another_version_is_left_alone(tmp_path: Path) -> None:
    import sqlite3

    with serve(tmp_path, instant=True):
        pass
    sqlite = sqlite3.connect(tmp_path / "serve.db")
    sqlite.execute("PRAGMA user_version = 99")
    sqlite.close()
    assert "another version" in refusal("--directory", str(tmp_path)).stderr


@pytest.mark.parametrize("option", [("--vcpus", "0"), ("--port", "70000"), ("--containers", "lxc"), ("--rate", "-1")])
def test_an_option_that_makes_no_sense_is_said_in_one_line(tmp_path: Path, option: tuple[str, str]) -> None:
    said = refusal("--directory", str(tmp_path), *option)
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    assert option[0].strip("-") in said.stderr


def test_another_address_than_loopback_is_served_with_a_warning(tmp_path: Path) -> None:
    """192.0.2.0/24 is nobody's, so that nothing is really opened to the world here."""
    said = refusal("--directory", str(tmp_path), "--host", "192.0.2.1")
    warning, problem = said.stderr.splitlines()
    assert "warning: 192.0.2.1 is reachable from other machines: they can run commands here" in warning
    assert "192.0.2.1:0 cannot be listened on" in problem


def test_an_endpoint_in_a_process_of_its_own_is_scripted_like_any_other(tmp_path: Path) -> None:
    with serve(tmp_path, instant=True, process=True, outcomes=[Outcome("bad", exit_code=5)]) as endpoint:
        batch = client(endpoint)
        define(batch)
        job_id = batch.submit_job(**SUBMIT, jobName="bad")["jobId"]
        assert ended(batch, job_id)[0]["container"]["exitCode"] == 5
        assert endpoint.counters.submits == {"bad": 1}


def test_an_endpoint_in_a_process_of_its_own_ends_with_whoever_started_it_even_by_kill_9(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom batch_helpers.serve import serve\n"
        "with serve(sys.argv[1], instant=True, process=True) as endpoint:\n"
        "    print(endpoint.url, flush=True)\n"
        "    time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        batch = client(Endpoint(starter.stdout.readline().strip()))
        assert batch.describe_job_queues()["jobQueues"]
        starter.kill()
    until(lambda: not _answers(batch))


def _answers(batch: Any) -> bool:
    try:
        batch.describe_job_queues()
    except BotoCoreError:
        return False
    return True


def test_an_endpoint_that_cannot_start_in_its_process_is_an_error_here(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ServiceError, match="exit code 2"), serve(tmp_path / "file", instant=True, process=True):
        pass


def test_the_state_is_for_its_owner_only(tmp_path: Path) -> None:
    with serve(tmp_path, instant=True):
        modes = {path.name: path.stat().st_mode & 0o077 for path in tmp_path.iterdir()}
    assert modes["serve.db"] == modes["serve.db-wal"] == modes["serve.lock"] == 0


def test_the_help_of_the_command_line_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom batch_helpers.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'boto3', 'botocore', 'uvicorn', 'pandas', 'rich', 'sqlite3', 'asyncio', 'psutil'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "serve" in said.stdout
    assert said.stdout.splitlines()[-1] == "[]"


def test_a_command_that_does_not_exist_is_said_to_be_none() -> None:
    said: Any = subprocess.run(
        [sys.executable, "-m", "batch_helpers", "srve"], capture_output=True, text=True, check=False
    )
    assert (said.returncode, "No such command 'srve'" in said.stderr) == (2, True)
