"""Jobs that really run: commands as processes, with their environment, logs, retries, timeouts and ends."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from batch_helpers.serve import serve
from batch_helpers.serve.endpoint import Endpoint
from tests.serve.fixtures import client, define, end_all
from tests.serve.test_server import process
from tests.serve.waiting import ended, job, reached, until

pytestmark = pytest.mark.slow


@pytest.fixture
def batch(endpoint: Endpoint) -> Any:
    batch = client(endpoint)
    define(batch)
    return batch


def run(batch: Any, *command: str, **more: Any) -> str:
    """Submit a command; the job's id."""
    overrides = {"command": list(command), **more.pop("overrides", {})}
    parameters = {"jobName": "j", "jobQueue": "local", "jobDefinition": "work", **more}
    return str(batch.submit_job(**parameters, containerOverrides=overrides)["jobId"])


def shell(batch: Any, script: str, **more: Any) -> str:
    return run(batch, "sh", "-c", script, **more)


def log(endpoint: Endpoint, found: dict[str, Any], attempt: int = -1) -> list[str]:
    """The lines that an attempt wrote."""
    stream = found["attempts"][attempt]["container"]["logStreamName"]
    logs = client(endpoint, "logs")
    answer = logs.get_log_events(logGroupName="/aws/batch/job", logStreamName=stream, startFromHead=True)
    return [event["message"] for event in answer["events"]]


def test_a_command_runs_with_its_parameters_and_environment(batch: Any, tmp_path: Path) -> None:
    out = tmp_path / "out file"
    overrides = {"environment": [{"name": "WHO", "value": "a 'world'"}, {"name": "EMPTY"}]}
    job_id = run(
        batch,
        "sh",
        "-c",
        'echo "$WHO$EMPTY" > "$1"',
        "sh",
        "Ref::out",
        parameters={"out": str(out)},
        overrides=overrides,
    )
    (found,) = ended(batch, job_id)
    assert (found["status"], found["container"]["exitCode"]) == ("SUCCEEDED", 0)
    assert out.read_text() == "a 'world'\n"


def test_a_job_knows_who_it_is(batch: Any, endpoint: Endpoint) -> None:
    array = shell(batch, "env | grep ^AWS_BATCH | sort", arrayProperties={"size": 2})
    ended(batch, array)
    found = job(batch, f"{array}:1")
    assert log(endpoint, found) == [
        "AWS_BATCH_CE_NAME=local",
        "AWS_BATCH_JOB_ARRAY_INDEX=1",
        "AWS_BATCH_JOB_ATTEMPT=1",
        f"AWS_BATCH_JOB_ID={array}:1",
        "AWS_BATCH_JQ_NAME=local",
    ]


def test_what_a_job_writes_is_read_as_its_log_while_it_runs(batch: Any, endpoint: Endpoint) -> None:
    job_id = shell(batch, "echo out; echo err >&2; sleep 60")
    found = reached(batch, job_id, "RUNNING")
    logs = client(endpoint, "logs")
    place = {"logGroupName": "/aws/batch/job", "logStreamName": found["container"]["logStreamName"]}
    until(lambda: len(logs.get_log_events(**place)["events"]) == 2)
    (listed,) = logs.describe_log_streams(logGroupName="/aws/batch/job")["logStreams"]
    assert listed["logStreamName"] == place["logStreamName"]


def test_a_log_goes_where_the_definition_says(batch: Any, endpoint: Endpoint) -> None:
    options = {"awslogs-group": "mine", "awslogs-stream-prefix": "pre"}
    define(batch, "logged", logConfiguration={"logDriver": "awslogs", "options": options})
    (found,) = ended(batch, shell(batch, "echo hello", jobDefinition="logged"))
    stream = found["container"]["logStreamName"]
    assert stream.startswith("pre/default/")
    (event,) = client(endpoint, "logs").get_log_events(logGroupName="mine", logStreamName=stream)["events"]
    assert event["message"] == "hello"


def test_a_failure_is_tried_again_with_a_new_number_and_a_new_log(batch: Any, endpoint: Endpoint) -> None:
    script = "echo try $AWS_BATCH_JOB_ATTEMPT; [ $AWS_BATCH_JOB_ATTEMPT = 3 ] || exit 7"
    (found,) = ended(batch, shell(batch, script, retryStrategy={"attempts": 5}))
    assert found["status"] == "SUCCEEDED"
    assert [item["container"].get("exitCode") for item in found["attempts"]] == [7, 7, 0]
    assert [log(endpoint, found, place) for place in range(3)] == [["try 1"], ["try 2"], ["try 3"]]


def test_an_exit_code_that_a_rule_names_is_not_tried_again(batch: Any) -> None:
    strategy = {"attempts": 5, "evaluateOnExit": [{"onExitCode": "3", "action": "EXIT"}]}
    (found,) = ended(batch, shell(batch, "exit 3", retryStrategy=strategy))
    assert (found["status"], len(found["attempts"])) == ("FAILED", 1)
    assert found["statusReason"] == "Essential container in task exited"


def test_a_command_that_cannot_be_started_fails_with_the_reason(batch: Any) -> None:
    (found,) = ended(batch, run(batch, "no-such-program"))
    assert (found["status"], found["statusReason"]) == ("FAILED", "Task failed to start")
    assert found["container"]["reason"].startswith("CannotStartContainerError: no-such-program")


def test_a_job_without_a_command_fails_with_the_reason(batch: Any) -> None:
    define(batch, "empty", command=[])
    job_id = batch.submit_job(jobName="j", jobQueue="local", jobDefinition="empty")["jobId"]
    (found,) = ended(batch, job_id)
    assert (found["status"], found["statusReason"]) == ("FAILED", "Task failed to start")
    assert "--containers" in found["container"]["reason"]


def test_each_job_has_a_folder_of_its_own_and_finds_it_empty(batch: Any, endpoint: Endpoint, tmp_path: Path) -> None:
    script = "ls -A; echo x > file; [ $AWS_BATCH_JOB_ATTEMPT = 2 ]"
    first, second = (shell(batch, script, retryStrategy={"attempts": 2}) for _ in range(2))
    failed = shell(batch, "echo x > left; exit 1")
    for found in ended(batch, first, second):
        assert (found["status"], log(endpoint, found, 0), log(endpoint, found, 1)) == ("SUCCEEDED", [], [])
    ended(batch, failed)
    work = tmp_path / "endpoint" / "work"
    assert [path.name for path in work.iterdir()] == [failed]
    assert (work / failed / "left").read_text() == "x\n"
    endpoint.forget([failed])
    assert list(work.iterdir()) == []


def test_terminate_ends_a_process_and_all_its_children(batch: Any, tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    job_id = shell(batch, f"(while true; do date > {alive}; sleep 0.05; done) & wait", retryStrategy={"attempts": 3})
    until(alive.exists)
    batch.terminate_job(jobId=job_id, reason="enough")
    (found,) = ended(batch, job_id)
    assert (found["statusReason"], found["isTerminated"], len(found["attempts"])) == ("enough", True, 1)
    alive.unlink()
    time.sleep(0.3)
    assert not alive.exists()


def test_jobs_share_the_machine_and_wait_for_room(tmp_path: Path) -> None:
    with serve(tmp_path / "state", vcpus=2) as endpoint:
        batch = client(endpoint)
        define(batch)
        first = shell(batch, "sleep 60")
        second = shell(batch, "true", overrides={"resourceRequirements": [{"type": "VCPU", "value": "2"}]})
        third = shell(batch, "true", overrides={"resourceRequirements": [{"type": "VCPU", "value": "3"}]})
        reached(batch, first, "RUNNING")
        stuck = until(lambda: job(batch, third).get("statusReason"))
        assert stuck.startswith("MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE")
        assert job(batch, second)["status"] == "RUNNABLE"
        batch.terminate_job(jobId=first, reason="make room")
        assert ended(batch, second)[0]["status"] == "SUCCEEDED"
        end_all(batch)


def test_a_job_with_more_memory_than_there_is_says_so(batch: Any) -> None:
    needs = [{"type": "MEMORY", "value": "100000000"}]
    job_id = shell(batch, "true", overrides={"resourceRequirements": needs})
    reason = until(lambda: job(batch, job_id).get("statusReason"))
    assert reason.startswith("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT")


def test_jobs_go_on_while_the_endpoint_is_away_and_are_known_when_it_is_back(tmp_path: Path) -> None:
    started, go = tmp_path / "started", tmp_path / "go"
    with process(tmp_path / "state") as (server, endpoint):
        batch = client(endpoint)
        define(batch)
        job_id = shell(batch, f"echo once >> {started}; while [ ! -e {go} ]; do sleep 0.05; done")
        after = shell(batch, "true", dependsOn=[{"jobId": job_id}])
        reached(batch, job_id, "RUNNING")
        server.kill()
    go.touch()
    with serve(tmp_path / "state") as endpoint:
        found = ended(client(endpoint), job_id, after)
        assert [item["status"] for item in found] == ["SUCCEEDED", "SUCCEEDED"]
        assert (started.read_text(), len(found[0]["attempts"])) == ("once\n", 1)


def test_a_retry_that_was_due_when_the_endpoint_died_is_made_once(tmp_path: Path) -> None:
    tries = tmp_path / "tries"
    with process(tmp_path / "state") as (server, endpoint):
        batch = client(endpoint)
        define(batch)
        script = f"echo $AWS_BATCH_JOB_ATTEMPT >> {tries}; sleep 0.3; exit 1"
        job_id = shell(batch, script, retryStrategy={"attempts": 3})
        until(tries.exists)
        server.kill()
    until(lambda: not _alive(tmp_path / "state"))
    with serve(tmp_path / "state") as endpoint:
        (found,) = ended(client(endpoint), job_id)
    assert tries.read_text() == "1\n2\n3\n"
    assert [item["container"]["exitCode"] for item in found["attempts"]] == [1, 1, 1]


def _alive(state: Path) -> bool:
    """Whether the engine below still has something under way."""
    sqlite = sqlite3.connect(state / "state.db")
    try:
        sql = "SELECT count(*) FROM jobs WHERE status IN ('RUNNABLE', 'STARTING', 'RUNNING')"
        return bool(sqlite.execute(sql).fetchone()[0])
    finally:
        sqlite.close()


def test_jobs_of_a_supervisor_that_died_are_lost_with_their_host(
    batch: Any, endpoint: Endpoint, tmp_path: Path
) -> None:
    """As on a spot instance that goes away: onStatusReason "Host EC2*" is what scripts match."""
    strategy = {"attempts": 2, "evaluateOnExit": [{"onStatusReason": "Host EC2*", "action": "RETRY"}]}
    marker = tmp_path / "marker"
    job_id = shell(batch, f"[ -e {marker} ] && exit 0; touch {marker}; sleep 60", retryStrategy=strategy)
    until(marker.exists)
    lock = tmp_path / "endpoint" / "supervisor.lock"
    until(lambda: lock.read_text().strip())
    reached(batch, job_id, "RUNNING")
    os.kill(int(lock.read_text()), signal.SIGKILL)
    (found,) = ended(batch, job_id)
    assert (found["status"], len(found["attempts"])) == ("SUCCEEDED", 2)
    first = found["attempts"][0]
    assert first["statusReason"].startswith("Host EC2 (instance ")
    assert "exitCode" not in first["container"]


def test_a_hundred_short_jobs_and_an_array_end_as_they_should(batch: Any, tmp_path: Path) -> None:
    ids = [shell(batch, f"exit {number % 2}") for number in range(100)]
    array = shell(batch, f"touch {tmp_path}/child-$AWS_BATCH_JOB_ARRAY_INDEX", arrayProperties={"size": 50})
    codes = [found["container"]["exitCode"] for found in ended(batch, *ids)]
    assert codes == [number % 2 for number in range(100)]
    assert ended(batch, array)[0]["status"] == "SUCCEEDED"
    assert len(list(tmp_path.glob("child-*"))) == 50


def test_a_job_runs_in_its_image_where_containers_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a program that is called docker, so that the test does not need the real one."""
    docker = tmp_path / "bin/docker"
    docker.parent.mkdir()
    docker.write_text('#!/bin/sh\nuntil [ "$1" = busybox ]; do shift; done\necho "image $1"\nshift\nexec "$@"\n')
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(docker.parent), prepend=os.pathsep)
    with serve(tmp_path / "state", containers="docker") as endpoint:
        batch = client(endpoint)
        define(batch)
        (found,) = ended(batch, run(batch, "echo", "hello"))
        assert log(endpoint, found) == ["image busybox", "hello"]


def test_the_runner_of_processes_is_not_loaded_for_instant_jobs(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom batch_helpers.serve import serve\n"
        f"with serve({str(tmp_path)!r}, instant=True): print('batch_helpers.engines.local.database' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"
