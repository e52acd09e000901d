"""The README's lines about the endpoint, run as they stand."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serve.clients.others import ROOT, installed

pytestmark = pytest.mark.slow

_PORT = "42341"


def lines() -> str:
    """The indented block that starts the endpoint."""
    blocks = (ROOT / "README.md").read_text().split("\n\n")
    (block,) = [text for text in blocks if text.startswith("    batch-helpers serve")]
    return block


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return str(found.getsockname()[1])


def test_they_are_ten() -> None:
    assert len(lines().splitlines()) <= 10


def test_they_start_the_endpoint_and_run_a_job(tmp_path: Path) -> None:
    port = free_port()
    script = lines().replace(_PORT, port)
    last = script.splitlines()[-1].strip()
    programs = [str(Path(sys.executable).parent), str(installed("awscli")), os.environ["PATH"]]
    known = {"HOME": str(tmp_path), "PATH": os.pathsep.join(programs)}
    wait = f"until {last} --query 'jobSummaryList[].jobName' | grep -q hello; do sleep 0.2; done"
    done = subprocess.run(
        ["bash", "-ec", f"trap 'kill $(jobs -p); wait' EXIT\n{script} > /dev/null\n{wait}\n{last}"],
        env=known,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    printed = [line for line in done.stdout.splitlines() if line.startswith("export")]
    assert printed == [line.strip() for line in script.splitlines() if line.strip().startswith("export AWS_ENDPOINT")]
    assert (
        json.loads(done.stdout[done.stdout.rindex('{\n    "jobSummaryList"') :])["jobSummaryList"][0]["jobName"]
        == "hello"
    )
