"""From a job that may start to the command, environment and folder of its next attempt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from batch_helpers.engines.local.containers import Container, container_name, removal, run_command
from batch_helpers.engines.local.room import Need
from batch_helpers.engines.local.rows import Context, Ready, Spec

JOB_ID = "AWS_BATCH_JOB_ID"
SERVICE_VARIABLES = (
    JOB_ID,
    "AWS_BATCH_JOB_ATTEMPT",
    "AWS_BATCH_JQ_NAME",
    "AWS_BATCH_CE_NAME",
    "AWS_BATCH_JOB_ARRAY_INDEX",
)


class Launch(NamedTuple):
    """What is started. `removal` ends what killing the process does not end; None when there is no such thing."""

    command: list[str]
    environment: Mapping[str, str]
    directory: str
    removal: list[str] | None = None


def launch(ready: Ready, number: int, spec: Spec, context: Context, need: Need) -> Launch:
    """Attempt `number` of a job, in its image when it has one and a runtime is wanted."""
    own = {**spec.environment, **_variables(ready, number)}
    environment = {**context.environment, **own}
    if spec.image is None or spec.runtime is None:
        return Launch(list(spec.command), environment, context.directory)
    name = container_name(ready.id, number)
    folders = tuple(dict.fromkeys((context.directory, *spec.folders)))
    container = Container(spec.runtime, name, spec.image, folders, tuple(own), need.vcpus, need.memory)
    command = run_command(container, spec.command)
    return Launch(command, environment, context.directory, removal(spec.runtime, name))


def read_spec(text: str) -> Spec:
    return Spec(**json.loads(text))


def _variables(ready: Ready, number: int) -> dict[str, str]:
    """https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html"""
    variables = {
        JOB_ID: ready.id,
        "AWS_BATCH_JOB_ATTEMPT": str(number),
        "AWS_BATCH_JQ_NAME": ready.queue,
        "AWS_BATCH_CE_NAME": "local",
    }
    if ready.array_index is not None:
        variables["AWS_BATCH_JOB_ARRAY_INDEX"] = str(ready.array_index)
    return variables
