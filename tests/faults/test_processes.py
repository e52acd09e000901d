"""Scripts as processes of their own, on an endpoint whose jobs really run: started at once, and killed for real."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from batch_helpers.serve import serve
from batch_helpers.serve.endpoint import Endpoint
from tests.serve.fixtures import client, end_all
from tests.serve.waiting import reached, until

pytestmark = pytest.mark.slow

JOBS = 20

SCRIPT = """
import sys
from batch_helpers import AWSBatchHelper, Job

place, url = sys.argv[1:]
work = "echo done >> {0}/ran-{1}; echo made > {0}/out-{1}"
jobs = [
    Job(f"s{n}", image="busybox", command=work.format(place, n), outputs=[f"{place}/out-{n}"], vcpus=1, memory=16)
    for n in range(JOBS)
]
helper = AWSBatchHelper("local", endpoint_url=url, region="us-east-1")
helper.plan(jobs[:0])
print("ready", flush=True)
sys.stdin.readline()
helper.add_jobs(jobs)
print("added", flush=True)
sys.exit(helper.monitor(interval=0.3).exit_code)
""".replace("JOBS", str(JOBS))

Start = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    with serve(tmp_path / "endpoint", vcpus=2) as found:
        yield found
        end_all(client(found))


@pytest.fixture
def start(tmp_path: Path, endpoint: Endpoint) -> Iterator[Start]:
    """Starts the script, up to where it waits for a line on its standard input."""
    script, started = tmp_path / "script.py", list[subprocess.Popen[str]]()
    script.write_text(SCRIPT)
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, script, tmp_path, endpoint.url], text=True, env={**os.environ, **keys},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def heard(process: subprocess.Popen[str], line: str) -> None:
    """Wait for a line; whatever else the script says is read over."""
    assert process.stdout is not None
    assert any(found == f"{line}\n" for found in process.stdout)


def drained(process: subprocess.Popen[str]) -> None:
    """Keep reading what the script prints, so that it never waits for us."""
    threading.Thread(target=lambda: process.stdout and process.stdout.read(), daemon=True).start()


def ran(place: Path) -> dict[str, int]:
    """How often each job ran."""
    return {path.name: path.read_text().count("done") for path in place.glob("ran-*")}


ONCE = {f"ran-{number}": 1 for number in range(JOBS)}


def busy(endpoint: Endpoint, place: Path) -> None:
    """Fill the machine until the file `go` is there: as on a real queue, jobs wait before they start."""
    batch = client(endpoint)
    needs = [{"type": "VCPU", "value": "2"}, {"type": "MEMORY", "value": "16"}]
    command = ["sh", "-c", f"until test -e {place}/go; do sleep 0.05; done"]
    container = {"image": "busybox", "command": command, "resourceRequirements": needs}
    batch.register_job_definition(jobDefinitionName="busy", type="container", containerProperties=container)
    job_id = batch.submit_job(jobName="busy", jobQueue="local", jobDefinition="busy")["jobId"]
    reached(batch, job_id, "RUNNING")


def waiting(endpoint: Endpoint) -> Counter[str]:
    """The jobs that wait, by name."""
    batch = client(endpoint)
    pages = [batch.list_jobs(jobQueue="local", jobStatus=status) for status in ("SUBMITTED", "RUNNABLE")]
    return Counter(job["jobName"] for page in pages for job in page["jobSummaryList"])


def test_of_two_scripts_started_in_the_same_second_each_job_runs_once(
    tmp_path: Path, endpoint: Endpoint, start: Start
) -> None:
    busy(endpoint, tmp_path)
    scripts = [start(), start()]
    for script in scripts:
        heard(script, "ready")
    for script in scripts:
        go(script)
    for script in scripts:
        heard(script, "added")
        drained(script)
    until(lambda: sorted(waiting(endpoint).values()) == [1] * JOBS)
    (tmp_path / "go").touch()
    assert [script.wait(60) for script in scripts] == [0, 0]
    assert ran(tmp_path) == ONCE


def test_a_script_that_is_killed_again_and_again_runs_each_job_once(
    tmp_path: Path, endpoint: Endpoint, start: Start
) -> None:
    for submitted in (1, 7, 13):
        script = start()
        heard(script, "ready")
        go(script)
        until(lambda submitted=submitted: endpoint.counters.submits.total() >= submitted)  # type: ignore[misc]
        script.kill()
        script.wait(60)
    last = start()
    go(last)
    drained(last)
    assert last.wait(60) == 0
    assert ran(tmp_path) == ONCE
    assert endpoint.counters.submits.total() == JOBS
