"""Between the words of AWS Batch and those of the local engine."""

from __future__ import annotations

import json

from batch_helpers.engines.local.processes import NOT_EXECUTABLE, NOT_FOUND
from batch_helpers.engines.local.rows import NewJob, Spec
from batch_helpers.engines.local.verdict import EXITED as ENGINE_EXITED
from batch_helpers.engines.local.verdict import HOST_TERMINATED as ENGINE_LOST
from batch_helpers.engines.local.verdict import TIMED_OUT as ENGINE_TIMED_OUT
from batch_helpers.job import Attempt, JobDetail, Status
from batch_helpers.serve.jobs.entrypoints import AWS_CLI, Entrypoints, whole_command
from batch_helpers.serve.jobs.merging import needs
from batch_helpers.serve.jobs.parameters import substituted
from batch_helpers.serve.jobs.retrying import Failure
from batch_helpers.serve.runners.tasks import several
from batch_helpers.serve.state.rows import Ready
from batch_helpers.serve.verdicts import EXITED, HOST_TERMINATED, TIMED_OUT, not_started


def spec_of(ready: Ready, runtime: str | None, entrypoints: Entrypoints = AWS_CLI) -> Spec:
    """What it takes to start a job's only container; `runtime` is the program that runs images, or None."""
    container = json.loads(ready.container)
    environment = {item["name"]: item.get("value", "") for item in container.get("environment", ())}
    command = substituted(container.get("command", ()), json.loads(ready.document)["parameters"])
    if runtime:
        return Spec(command, environment, image=container["image"], runtime=runtime)
    return Spec(whole_command(container["image"], command, entrypoints), environment)


def new_job(ready: Ready, spec: Spec) -> NewJob:
    """A job of the engine that is started with `spec`."""
    document, needed = json.loads(ready.document), needs(json.loads(ready.container))
    return NewJob(
        id=ready.id,
        name=ready.name,
        queue=ready.queue,
        spec=spec,
        vcpus=float(needed["VCPU"]),
        memory=int(needed["MEMORY"]),
        timeout=document.get("timeout", {}).get("attemptDurationSeconds"),
        array_index=ready.array_index,
    )


def nothing_to_run(ready: Ready, runtime: str | None, entrypoints: Entrypoints = AWS_CLI) -> Failure | None:
    """Why an attempt cannot be started at all: only an image knows what to do without a command."""
    containers = several(ready) or [json.loads(ready.container)]
    if runtime or all(whole_command(item["image"], item.get("command", ()), entrypoints) for item in containers):
        return None
    return not_started("the job has no command, and images are only run with --containers")


def how_it_ended(detail: JobDetail, attempt: Attempt | None) -> Failure:
    """How an attempt of the engine's ended, in the words of ECS."""
    code = attempt.exit_code if attempt else detail.exit_code
    reason = attempt.reason if attempt else detail.reason
    if detail.status is Status.SUCCEEDED or reason.startswith(ENGINE_EXITED):
        return Failure(code, "", EXITED)
    if reason.startswith(ENGINE_TIMED_OUT):
        return TIMED_OUT._replace(exit_code=code)
    if reason.startswith(ENGINE_LOST):
        return HOST_TERMINATED
    if code in (NOT_EXECUTABLE, NOT_FOUND):
        return not_started(reason)
    return Failure(code, "", EXITED)
