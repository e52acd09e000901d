"""EZBatchJob -> Job, as the engine that is to run it wants it: pure."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from batch_helpers.engines.base import Engine
from batch_helpers.job import Job
from batch_helpers.preloader import MOUNTS, mount_lines
from batch_helpers.workflow.definitions import Roles, content
from batch_helpers.workflow.here import on_this_machine
from batch_helpers.workflow.job import EZBatchJob
from batch_helpers.workflow.registry import definition_name, registry_of

if TYPE_CHECKING:
    from batch_helpers.workflow.workflow import EZBatchWorkflow

IDENTITY = "BATCH_HELPERS_JOB"
"""In the environment of a job that leaves no outputs: what tells it from another one with the same command."""

_STAGE = re.compile(r"[-_.:/\s]")


@dataclass(slots=True)
class Translated:
    """The Jobs by their names in the workflow, and what definitions they use: contents by name."""

    jobs: dict[str, Job] = field(default_factory=dict)
    contents: dict[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)


Form = Callable[[EZBatchJob, Mapping[str, str], Translated], dict[str, Any]]
"""From a job, and what is added to its environment, the fields of a Job that depend on the engine."""


def translate(workflow: EZBatchWorkflow, engine: Engine, queue: str | None, roles: Roles | None) -> Translated:
    """The workflow's jobs for an engine, each after what it depends on.

    Their fingerprints are of what the EZBatchJobs say, not of how the engine carries it out: a job that is sent again
    with other roles, more storage or a newer preloader is the same work.
    roles: None when nothing will be submitted.
    """
    form = _form(workflow, engine, roles)
    translated = Translated()
    for name in workflow.job_submission_queue(list(workflow.jobs), workflow.dependencies):
        given = workflow.jobs[name]
        identity = {} if given.expected else {IDENTITY: f"{workflow.name}/{name}"}
        fields = form(given, identity, translated)
        job = Job(
            f"{workflow.name}-{name}",
            **fields,
            attempts=1 if given.retry == "spot" else given.attempts,
            timeout=given.timeout,
            tags=given.tags,
            job_queue=given.queue or queue,
            stage=_STAGE.split(name, maxsplit=1)[0] or name,
            depends_on=[translated.jobs[other] for other in workflow.dependencies.get(name, ())],
        )
        as_it_is = not given.staged and job.image is not None  # such a Job is its own work: half of a plan's time
        translated.jobs[name] = job if as_it_is else _known_as(job, _work(given, identity, fields))
    return translated


def _work(job: EZBatchJob, added: Mapping[str, str], fields: Mapping[str, Any]) -> Job:
    """What the job is, wherever and however it runs."""
    copied = {MOUNTS: mount_lines(job.mounts, job.outputs)} if job.staged else {}
    environment = {**job.environment, **copied, **added}
    places = {name: fields[name] for name in ("inputs", "outputs")}
    return Job(job.image, image=job.image, command=job.words, environment=environment, **places)


def _known_as(job: Job, work: Job) -> Job:
    """The job under the fingerprint of `work`."""
    object.__setattr__(job, "_digest", work.fingerprint)
    return job


def _form(workflow: EZBatchWorkflow, engine: Engine, roles: Roles | None) -> Form:
    if registry_of(engine) is not None:
        return partial(_as_definition, roles)
    if engine.name == "local" and getattr(engine, "containers", None) is None:
        scratch = os.path.join(getattr(engine, "directory", ".batch"), "mounts")
        return partial(_as_process, scratch, workflow.local_buckets)
    return _as_image


def _as_definition(
    roles: Roles | None, job: EZBatchJob, added: Mapping[str, str], translated: Translated
) -> dict[str, Any]:
    if job.stager is not None and added:  # no override reaches its containers
        job = replace(job, environment={**job.environment, **added})
    stem, held = job.image.rpartition("/")[2], {} if roles is None else content(job, roles)
    name = definition_name(stem, held)
    translated.contents[name] = (stem, held)
    fields: dict[str, Any] = {"job_definition": name, **_data(job)}
    if job.stager is None:
        told = job.script_environment if job.preloader else {}
        fields |= {"environment": {**job.environment, **told, **added}, **_resources(job)}
        fields |= {} if job.preloader else {"command": job.words}
    return fields


def _as_process(
    scratch: str, buckets: Mapping[str, str], job: EZBatchJob, added: Mapping[str, str], _: Translated
) -> dict[str, Any]:
    return {"image": job.image, **on_this_machine(job, added, scratch, buckets), **_resources(job)}


def _as_image(job: EZBatchJob, added: Mapping[str, str], _: Translated) -> dict[str, Any]:
    whole = (replace(job, preloader=True, stager=None) if job.stager else job).to_definition()
    environment = {**whole["environment"], **added}
    return {
        "image": job.image,
        "command": whole["command"],
        "environment": environment,
        **_data(job),
        **_resources(job),
    }


def _data(job: EZBatchJob) -> dict[str, Any]:
    return {"inputs": [mount.source for mount in job.mounts.reads], "outputs": job.expected}


def _resources(job: EZBatchJob) -> dict[str, Any]:
    return {"vcpus": job.vcpus, "memory": job.memory, "gpus": job.gpus}
