"""Jobs of several containers: what is refused, what is shown, and how they run as processes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batch_helpers.serve import serve
from batch_helpers.serve.endpoint import Endpoint
from batch_helpers.serve.jobs.retrying import Failure
from batch_helpers.serve.jobs.tasks import ContainerEnd
from batch_helpers.serve.outcomes import Outcome
from batch_helpers.serve.runners import tasks
from tests.serve.desk import Desk, OpenDesk, Refused, definition, needs
from tests.serve.fixtures import client, end_all
from tests.serve.waiting import ended, reached, until

Containers = dict[str, dict[str, Any]]


def container(name: str | None, script: str = "true", *after: tuple[str, str], **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"image": "busybox", "command": ["sh", "-c", script], "resourceRequirements": needs()}
    if name is not None:
        found["name"] = name
    depends = [{"containerName": other, "condition": condition} for other, condition in after]
    return {**found, **({"dependsOn": depends} if depends else {}), **more}


def ecs(*containers: dict[str, Any], **task: Any) -> dict[str, Any]:
    return {"taskProperties": [{"containers": list(containers), **task}]}


def register(desk: Desk, *containers: dict[str, Any], **task: Any) -> None:
    desk("RegisterJobDefinition", **definition("task", ecsProperties=ecs(*containers, **task)))


def by_name(shown: list[dict[str, Any]]) -> Containers:
    return {item["name"]: item for item in shown}


SIDE = {"essential": False}


def test_ten_containers_are_taken_and_eleven_refused(desk: Desk) -> None:
    register(desk, *[container(f"c{number}") for number in range(10)])
    with pytest.raises(Refused, match="Task must have 1 to 10 containers, got 11") as caught:
        register(desk, *[container(f"c{number}") for number in range(11)])
    assert (caught.value.status, caught.value.code) == (400, "ClientException")


@pytest.mark.parametrize(
    ("containers", "problem"),
    [
        ([], "Task must have 1 to 10 containers, got 0"),
        ([container("a"), container(None)], "name is required"),
        ([container("a"), container("a")], "must be unique: a is given twice"),
        ([container("a b"), container("a")], "should match valid pattern"),
        ([container("a", **SIDE), container("b", **SIDE)], "at least one essential container"),
        ([container("a", "true", ("z", "START")), container("b")], "a depends on z, which does not exist"),
        ([container("a", "true", ("b", "LATER")), container("b", **SIDE)], "must be one of START, COMPLETE, SUCCESS"),
        ([container("a", "true", ("b", "SUCCESS")), container("b")], "SUCCESS can't be set on essential container b"),
        ([container("a", "true", ("b", "COMPLETE")), container("b")], "COMPLETE can't be set on essential container b"),
        ([container("a", "true", ("b", "START")), container("b", "true", ("a", "START"))], "a cycle: .* -> "),
        ([container("a", "true", ("a", "START"))], "a cycle: a -> a"),
        ([container("a", mountPoints=[{"sourceVolume": "v", "containerPath": "/v"}])], "Unknown volume 'v'"),
        ([container("a"), container("b", resourceRequirements=needs()[:1])], "memory is required"),
        ([container("a"), container("b", resourceRequirements=needs("0.5"))], "whole number on EC2"),
        ([container("a"), container("b", environment=[{"name": "AWS_BATCH_X", "value": ""}])], "AWS_BATCH"),
        ([container("a"), container("b", image="")], "image is required"),
    ],
)
def test_a_task_that_cannot_be_is_refused(desk: Desk, containers: list[dict[str, Any]], problem: str) -> None:
    with pytest.raises(Refused, match=problem):
        register(desk, *containers)


def test_there_is_exactly_one_task(desk: Desk) -> None:
    for number in (0, 2):
        properties = {"taskProperties": ecs(container("a"))["taskProperties"] * number}
        with pytest.raises(Refused, match=f"exactly one element of taskProperties, got {number}"):
            desk("RegisterJobDefinition", **definition("task", ecsProperties=properties))


def test_a_volume_of_efs_is_said_to_be_missing(desk: Desk) -> None:
    volumes = [{"name": "v", "efsVolumeConfiguration": {"fileSystemId": "f"}}]
    with pytest.raises(Refused, match="efsVolumeConfiguration is not implemented"):
        register(desk, container("a"), container("b"), volumes=volumes)


def test_the_pairs_of_fargate_are_for_the_whole_task(desk: Desk) -> None:
    def fargate(first: list[dict[str, str]], second: list[dict[str, str]]) -> None:
        containers = [container("a", resourceRequirements=first), container("b", resourceRequirements=second)]
        properties = ecs(*containers, executionRoleArn="r")
        more = {"ecsProperties": properties, "platformCapabilities": ["FARGATE"]}
        desk("RegisterJobDefinition", **definition("task", **more))

    fargate(needs("0.25", "512"), needs("0.75", "1536"))
    with pytest.raises(Refused, match=r"VCPU=1, MEMORY=1536\) not valid"):
        fargate(needs("0.25", "512"), needs("0.75", "1024"))


def test_overrides_find_their_container_by_its_name(desk: Desk) -> None:
    register(desk, container("a", "one", **SIDE), container("b", "two"))
    override = [{"name": "b", "command": ["three"], "environment": [{"name": "X", "value": "1"}]}]
    job_id = desk.submit(jobDefinition="task", ecsPropertiesOverride=ecs(*override))
    shown = by_name(desk.job(job_id)["ecsProperties"]["taskProperties"][0]["containers"])
    assert (shown["a"]["command"], shown["b"]["command"]) == (["sh", "-c", "one"], ["three"])
    assert (shown["a"]["environment"], shown["b"]["environment"]) == ([], [{"name": "X", "value": "1"}])
    for name, problem in ((None, "must have a name"), ("z", "override z does not match")):
        wrong = {"command": ["x"], **({"name": name} if name else {})}
        with pytest.raises(Refused, match=problem):
            desk.submit(jobDefinition="task", ecsPropertiesOverride=ecs(wrong))


def test_the_overrides_of_all_containers_count_together(desk: Desk) -> None:
    register(desk, container("a", **SIDE), container("b"))
    half = [{"name": name, "command": ["x" * 4060]} for name in "ab"]
    fits = desk.submit(jobDefinition="task", ecsPropertiesOverride=ecs(*half))
    half[0]["command"] = ["x" * 4070]
    too_long = desk.submit(jobDefinition="task", ecsPropertiesOverride=ecs(*half))
    desk.settle()
    assert desk.status(fits, too_long) == ["SUCCEEDED", "FAILED"]


def test_every_container_is_shown_with_how_it_ended_and_its_log(open_desk: OpenDesk) -> None:
    desk = open_desk(Outcome("bad", exit_code=3, reason="why"), Outcome("held", hold="RUNNING"))
    register(desk, container("a", **SIDE), container("b", "two", ("a", "SUCCESS")))
    bad, held = (desk.submit(name, jobDefinition="task") for name in ("bad", "held"))
    desk.settle()
    job = desk.job(bad)
    (attempt,) = job["attempts"]
    for shown in (job["ecsProperties"], attempt):
        for name, item in by_name(shown["taskProperties"][0]["containers"]).items():
            assert (item["exitCode"], item["reason"]) == (3, "why")
            task = shown["taskProperties"][0]["taskArn"].rpartition("/")[2]
            assert item["logStreamName"] == f"task/{name}/{task}"
    assert "containers" not in job["container"]
    running = by_name(desk.job(held)["ecsProperties"]["taskProperties"][0]["containers"])
    assert running["b"]["logStreamName"].startswith("task/b/")
    assert "exitCode" not in running["b"]
    waiting = by_name(desk.job(desk.submit(jobDefinition="task"))["ecsProperties"]["taskProperties"][0]["containers"])
    assert "logStreamName" not in waiting["b"]


def test_a_task_that_did_not_live_to_tell_ended_as_its_process_did(tmp_path: Path) -> None:
    killed = Failure(137, "", "why")
    assert tasks.how_it_ended(str(tmp_path), killed) is killed
    (tmp_path / "ended.json").write_text('{"by"')
    assert tasks.how_it_ended(str(tmp_path), killed) is killed
    end = {"name": "a", "exit_code": None, "reason": "r"}
    (tmp_path / "ended.json").write_text(json.dumps({"by": None, "containers": [end]}))
    assert tasks.how_it_ended(str(tmp_path), killed) == killed._replace(containers=(ContainerEnd("a", None, "r"),))
    (tmp_path / "ended.json").write_text(json.dumps({"by": "a", "containers": [end]}))
    assert tasks.how_it_ended(str(tmp_path), killed).status_reason == "Task failed to start"


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    """With room for a few containers, which are all of a job's at once, on the smallest machine too."""
    with serve(tmp_path / "endpoint", vcpus=8) as endpoint:
        yield endpoint
        end_all(client(endpoint))


@pytest.fixture
def batch(endpoint: Endpoint) -> Any:
    return client(endpoint)


def submitted(batch: Any, *containers: dict[str, Any], job: dict[str, Any] | None = None, **task: Any) -> str:
    batch.register_job_definition(jobDefinitionName="task", type="container", ecsProperties=ecs(*containers, **task))
    job_id: str = batch.submit_job(jobName="j", jobQueue="local", jobDefinition="task", **(job or {}))["jobId"]
    return job_id


def finished(batch: Any, job_id: str) -> tuple[dict[str, Any], Containers]:
    (job,) = ended(batch, job_id)
    return job, by_name(job["ecsProperties"]["taskProperties"][0]["containers"])


def log(endpoint: Endpoint, stream: str) -> list[str]:
    logs = client(endpoint, "logs")
    events = logs.get_log_events(logGroupName="/aws/batch/job", logStreamName=stream, startFromHead=True)["events"]
    return [event["message"] for event in events]


@pytest.mark.slow
def test_containers_share_a_volume_and_run_in_their_order(batch: Any, endpoint: Endpoint) -> None:
    mounts = {"mountPoints": [{"sourceVolume": "data", "containerPath": "/mnt/data/"}]}
    job_id = submitted(
        batch,
        container("after", "cat /mnt/data/out; echo $AWS_BATCH_JOB_ID /mnt/database", ("tool", "SUCCESS"), **mounts),
        container("tool", "cat $IN - > /mnt/data/out; echo tool", ("before", "SUCCESS"), **mounts, **SIDE)
        | {"environment": [{"name": "IN", "value": "/mnt/data/in"}]},
        container("before", "sleep 0.2; echo Ref::who >/mnt/data/in", **mounts, **SIDE),
        volumes=[{"name": "data"}],
        job={"parameters": {"who": "hello"}},
    )
    job, shown = finished(batch, job_id)
    assert (job["status"], {item["exitCode"] for item in shown.values()}) == ("SUCCEEDED", {0})
    assert log(endpoint, shown["after"]["logStreamName"]) == ["hello", f"{job_id} /mnt/database"]
    assert log(endpoint, shown["tool"]["logStreamName"]) == ["tool"]
    assert log(endpoint, shown["before"]["logStreamName"]) == []


@pytest.mark.slow
def test_a_task_ends_with_its_essential_container(batch: Any, endpoint: Endpoint, tmp_path: Path) -> None:
    """A server that only says that it has started, next to the work, is ended with it."""
    ready = tmp_path / "ready"
    work = f"until [ -e {ready} ]; do sleep 0.02; done; exit 3"
    job_id = submitted(
        batch,
        container("work", work, ("server", "START")),
        container("server", f"trap 'echo bye; exit 0' TERM; touch {ready}; while :; do sleep 0.02; done", **SIDE),
        container("deaf", f"trap '' TERM; until [ -e {tmp_path}/never ]; do sleep 0.02; done", **SIDE),
    )
    job, shown = finished(batch, job_id)
    assert (job["status"], job["statusReason"]) == ("FAILED", "Essential container in task exited")
    assert {name: item["exitCode"] for name, item in shown.items()} == {"work": 3, "server": 0, "deaf": 137}
    assert log(endpoint, shown["server"]["logStreamName"]) == ["bye"]


@pytest.mark.slow
def test_what_waits_for_a_success_that_does_not_come_never_starts(batch: Any, tmp_path: Path) -> None:
    job_id = submitted(
        batch,
        container("main", f"touch {tmp_path}/main", ("bad", "SUCCESS")),
        container("bad", "exit 4", **SIDE),
    )
    job, shown = finished(batch, job_id)
    assert (job["status"], job["statusReason"]) == ("FAILED", "Task failed to start")
    assert shown["bad"]["exitCode"] == 4
    assert "dependency [bad] for target [main]" in shown["main"]["reason"]
    assert "exitCode" not in shown["main"]
    assert not (tmp_path / "main").exists()


@pytest.mark.slow
def test_what_waits_for_an_end_starts_after_a_failure_too(batch: Any) -> None:
    job_id = submitted(
        batch,
        container("main", "true", ("bad", "COMPLETE"), ("none", "COMPLETE")),
        container("bad", "exit 4", **SIDE),
        container("none", **SIDE) | {"command": ["no-such-program"]},
    )
    job, shown = finished(batch, job_id)
    assert job["status"] == "FAILED"
    assert "CannotStartContainerError: no-such-program" in shown["none"]["reason"]
    job, shown = finished(
        batch, submitted(batch, container("main", "true", ("bad", "COMPLETE")), container("bad", "exit 4", **SIDE))
    )
    assert (job["status"], shown["bad"]["exitCode"]) == ("SUCCEEDED", 4)


@pytest.mark.slow
def test_terminate_ends_all_containers_and_a_retry_finds_an_empty_volume(batch: Any, tmp_path: Path) -> None:
    mounts = {"mountPoints": [{"sourceVolume": "data", "containerPath": "/mnt/data"}]}
    script = (
        f"ls /mnt/data >> {tmp_path}/found; touch /mnt/data/left; [ $AWS_BATCH_JOB_ATTEMPT = 1 ] && exit 1; sleep 60"
    )
    beat = f"while :; do touch {tmp_path}/beat; sleep 0.02; done"
    job_id = submitted(
        batch,
        container("main", script, ("side", "START"), **mounts),
        container("side", beat, **SIDE),
        volumes=[{"name": "data"}],
        job={"retryStrategy": {"attempts": 2}},
    )
    until(
        lambda: (
            (job := reached(batch, job_id, "RUNNING", "RUNNABLE", "STARTING"))["attempts"]
            and job["status"] == "RUNNING"
        )
    )
    until(lambda: (tmp_path / "found").exists())
    batch.terminate_job(jobId=job_id, reason="enough")
    job, _ = finished(batch, job_id)
    assert (job["statusReason"], len(job["attempts"])) == ("enough", 2)
    assert (tmp_path / "found").read_text() == ""
    (tmp_path / "beat").unlink(missing_ok=True)
    time.sleep(0.2)
    assert not (tmp_path / "beat").exists()


@pytest.mark.slow
def test_containers_run_in_their_images_where_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a program that is called docker, so that the test does not need the real one."""
    docker = tmp_path / "bin/docker"
    docker.parent.mkdir()
    docker.write_text('#!/bin/sh\necho "$@"\n')
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(docker.parent), prepend=os.pathsep)
    mounts = {"mountPoints": [{"sourceVolume": "data", "containerPath": "/mnt/data"}]}
    with serve(tmp_path / "state", vcpus=8, containers="docker") as endpoint:
        job_id = submitted(
            client(endpoint),
            container("a", "x", **SIDE),
            container("b", "y", ("a", "SUCCESS"), **mounts),
            volumes=[{"name": "data", "host": {"sourcePath": f"{tmp_path}/shared"}}],
        )
        _, shown = finished(client(endpoint), job_id)
        (said,) = log(endpoint, shown["b"]["logStreamName"])
    assert said.startswith(f"run --rm --name batch-{job_id}-b-1 ")
    assert f"--mount type=bind,source={tmp_path}/shared,target=/mnt/data" in said
    assert "--env AWS_BATCH_JOB_ID" in said
    assert said.endswith("busybox sh -c y")
