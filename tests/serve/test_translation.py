"""Between AWS Batch's words and the local engine's."""

from __future__ import annotations

import json

import pytest

from batch_helpers.engines.local.verdict import EXITED, HOST_TERMINATED, TIMED_OUT
from batch_helpers.job import Attempt, JobDetail, Status
from batch_helpers.serve.jobs.entrypoints import AWS_CLI
from batch_helpers.serve.jobs.retrying import Failure
from batch_helpers.serve.runners.translation import how_it_ended, new_job, nothing_to_run, spec_of
from batch_helpers.serve.state.rows import Ready


def ready(command: list[str], **document: object) -> Ready:
    needs = [{"type": "VCPU", "value": "2"}, {"type": "MEMORY", "value": "64"}]
    container = {"image": "busybox", "command": command, "resourceRequirements": needs}
    container["environment"] = [{"name": "A", "value": "1"}, {"name": "B"}]
    texts = json.dumps({"parameters": {"p": "x"}, **document}), json.dumps(container)
    return Ready(1, "id", "name", "queue", "RUNNABLE", 2, 3, *texts)


def test_a_job_of_the_engine_has_all_that_the_specification_says() -> None:
    item = ready(["echo", "Ref::p"], timeout={"attemptDurationSeconds": 90})
    job = new_job(item, spec_of(item, None))
    assert (job.spec.command, job.spec.environment, job.spec.image) == (["echo", "x"], {"A": "1", "B": ""}, None)
    assert (job.id, job.queue, job.vcpus, job.memory, job.timeout, job.array_index) == ("id", "queue", 2, 64, 90, 3)
    assert (job.attempts, job.fingerprint) == (1, None)
    in_image = spec_of(ready([]), "/bin/docker")
    assert (in_image.image, in_image.runtime) == ("busybox", "/bin/docker")


def test_what_an_image_puts_before_a_command_is_put_there() -> None:
    item = ready(["s3", "ls"])
    images = (
        "public.ecr.aws/aws-cli/aws-cli:2",
        "amazon/aws-cli",
        "amazon/aws-cli@sha256:0",
        "host:5000/tool",
        "busybox:1",
    )
    found = []
    for image in images:
        container = json.dumps({**json.loads(item.container), "image": image})
        found.append(spec_of(item._replace(container=container), None, {**AWS_CLI, "host:5000/tool": ["tool", "run"]}))
    aws, tool = ["aws", "s3", "ls"], ["tool", "run", "s3", "ls"]
    assert [spec.command for spec in found] == [aws, aws, aws, tool, ["s3", "ls"]]


def test_only_an_image_knows_what_to_do_without_a_command() -> None:
    assert nothing_to_run(ready(["true"]), None) is None
    assert nothing_to_run(ready([]), "/bin/docker") is None
    refused = nothing_to_run(ready([]), None)
    assert refused is not None
    assert refused.status_reason == "Task failed to start"


@pytest.mark.parametrize(
    ("status", "code", "reason", "expected"),
    [
        (Status.SUCCEEDED, 0, "", Failure(0, "", "Essential container in task exited")),
        (Status.FAILED, 3, EXITED, Failure(3, "", "Essential container in task exited")),
        (Status.FAILED, 143, TIMED_OUT, Failure(143, "", "Job attempt duration exceeded timeout", timed_out=True)),
        (Status.FAILED, None, HOST_TERMINATED, Failure(None, "", "Host EC2 (instance i-local) terminated.")),
        (
            Status.FAILED,
            127,
            "x: command not found",
            Failure(None, "CannotStartContainerError: x: command not found", "Task failed to start"),
        ),
        (Status.FAILED, 127, EXITED, Failure(127, "", "Essential container in task exited")),
        (Status.FAILED, 143, "stopped by someone", Failure(143, "", "Essential container in task exited")),
    ],
)
def test_how_an_attempt_ended_is_said_in_the_words_of_ecs(
    status: Status, code: int | None, reason: str, expected: Failure
) -> None:
    attempt = Attempt(1, code, reason)
    assert how_it_ended(JobDetail("id", "name", status, attempts=(attempt,)), attempt) == expected
    assert how_it_ended(JobDetail("id", "name", status, reason=reason, exit_code=code), None) == expected
