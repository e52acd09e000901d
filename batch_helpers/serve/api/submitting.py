"""SubmitJob: https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from batch_helpers.job import TERMINAL, Status
from batch_helpers.serve.api.lookups import definition_named, queue_named
from batch_helpers.serve.arns import JOB
from batch_helpers.serve.jobs import merging
from batch_helpers.serve.jobs.parameters import substituted
from batch_helpers.serve.limits import containers, jobs, names, retries, tasks
from batch_helpers.serve.service import Service
from batch_helpers.serve.state.moves import UPSTREAM_FAILED
from batch_helpers.serve.state.rows import Definition, Known, NewJob, Resource
from batch_helpers.serve.texts.pieces import Birth, head
from batch_helpers.serve.texts.specifications import check_specification
from batch_helpers.serve.wire.errors import ClientException, NotImplementedHere

_ELSEWHERE = ("nodeOverrides", "eksPropertiesOverride", "consumableResourcePropertiesOverride")


def submit_job(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """Accept a job; it is in the database before the answer is on its way."""
    _check(request)
    queue = queue_named(service, request["jobQueue"])
    if queue.document["state"] != "ENABLED":
        raise ClientException(f"JobQueue {request['jobQueue']} is DISABLED: it does not accept jobs")
    jobs.check_share(request.get("shareIdentifier"), fair="schedulingPolicyArn" in queue.document)
    definition = definition_named(service, request["jobDefinition"])
    _check_form(definition, request)
    specification = merging.specification(definition.document, request)
    _check_container(specification)
    job = _new_job(service, queue, definition, specification, request)
    with service.database.transaction():
        service.database.jobs.insert(job)
    service.wishes.wake()
    return {"jobArn": service.arns.arn(JOB, job.id), "jobName": job.name, "jobId": job.id}


def _check(request: Mapping[str, Any]) -> None:
    names.check_name("Job", request["jobName"])
    names.check_tags(request.get("tags", {}))
    if "arrayProperties" in request:
        jobs.check_array_size(request["arrayProperties"].get("size"))
    jobs.check_dependencies(request.get("dependsOn", ()), is_array="arrayProperties" in request)
    if "retryStrategy" in request:
        retries.check_retry_strategy(request["retryStrategy"])
    retries.check_timeout(request.get("timeout", {}))
    jobs.check_priority(request.get("schedulingPriorityOverride", 0))
    for name in _ELSEWHERE:
        if name in request:
            raise NotImplementedHere(f"{name} is not implemented by this endpoint: it runs single-container jobs")


def _check_form(definition: Definition, request: Mapping[str, Any]) -> None:
    """Overrides must be of the definition's own form."""
    wrong = "containerOverrides" if "ecsProperties" in definition.document else "ecsPropertiesOverride"
    if wrong in request:
        raise ClientException(f"{wrong} is not valid for the job definition {definition.label}")
    known = merging.containers_of(definition.document)
    for override in merging.overrides_of(request):
        tasks.check_override(override, known)
        containers.check_command(override.get("command", ()))
        containers.check_environment(override.get("environment", ()))
        containers.check_requirements(override.get("resourceRequirements", ()))


def _check_container(specification: merging.Specification) -> None:
    """What the overrides made of the definition must still be something that its platform takes."""
    needs = merging.needs(specification.container)
    containers.check_needs(needs.get("VCPU"), needs.get("MEMORY"))
    platform = specification.document["platformCapabilities"][0]
    containers.check_platform(platform, needs["VCPU"], needs["MEMORY"])
    if platform != containers.FARGATE:
        for container in specification.containers:
            containers.check_platform(platform, merging.needs(container)["VCPU"], needs["MEMORY"])
    check_specification(specification)


def _new_job(
    service: Service,
    queue: Resource,
    definition: Definition,
    specification: merging.Specification,
    request: Mapping[str, Any],
) -> NewJob:
    job_id, now, name = str(uuid.uuid4()), service.clock.milliseconds(), request["jobName"]
    share, tags, upstream = request.get("shareIdentifier"), request.get("tags", {}), _upstream(service, request)
    fates = (
        UPSTREAM_FAILED if any(item.status == Status.FAILED for item in upstream) else None,
        jobs.fate_of_overrides(_sent_to_ecs(definition, request)),
        jobs.fate_of_tags(tags, definition.tags, propagated=specification.document["propagateTags"]),
    )
    return NewJob(
        id=job_id,
        head=head(service.arns, Birth(job_id, name, definition.label, now, share)),
        queue=queue.name,
        name=name,
        definition=definition.label,
        specification=specification.texts(),
        tags=tags,
        created_at=now,
        share=share,
        size=request.get("arrayProperties", {}).get("size"),
        doom=next((fate for fate in fates if fate is not None), None),
        upstream=tuple(item.seq for item in upstream if item.status not in TERMINAL),
    )


def _upstream(service: Service, request: Mapping[str, Any]) -> list[Known]:
    """The jobs that the whole job waits for; an array's children wait for those of N_TO_N one by one."""
    dependencies = [item for item in request.get("dependsOn", ()) if "jobId" in item]
    known = service.database.jobs.known([item["jobId"] for item in dependencies])
    size = request.get("arrayProperties", {}).get("size")
    for item in dependencies:
        if item["jobId"] not in known:
            raise ClientException(f"Dependency {item['jobId']} not found: there is no such job")
        if item.get("type") == jobs.N_TO_N:
            jobs.check_n_to_n(item["jobId"], size, known[item["jobId"]].size)
    whole = [item["jobId"] for item in dependencies if item.get("type") != jobs.N_TO_N]
    return [known[job_id] for job_id in dict.fromkeys(whole)]


def _sent_to_ecs(definition: Definition, request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The command and the environment that ECS would be given on top of the definition, for each container."""
    overrides, parameters = merging.overrides_of(request), merging.parameters_of(definition.document, request)
    sent = []
    for container in merging.containers_of(definition.document):
        plain, override = container.get("command", []), merging.override_of(container, overrides)
        command = substituted(override.get("command", plain), parameters)
        sent.append({"command": command if command != plain else [], "environment": override.get("environment", [])})
    return sent
