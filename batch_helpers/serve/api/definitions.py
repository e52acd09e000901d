"""RegisterJobDefinition, DeregisterJobDefinition and DescribeJobDefinitions."""

from __future__ import annotations

from typing import Any

from batch_helpers.serve.api import tokens
from batch_helpers.serve.api.lookups import revision_named
from batch_helpers.serve.arns import DEFINITION
from batch_helpers.serve.jobs import merging
from batch_helpers.serve.limits import containers, jobs, names, retries, tasks
from batch_helpers.serve.limits.pages import check_described_resources, resource_page
from batch_helpers.serve.service import Service
from batch_helpers.serve.state.rows import Definition
from batch_helpers.serve.wire.errors import ClientException, NotImplementedHere

PAYLOAD_KIB = 24
_FORMS = ("containerProperties", "ecsProperties", "eksProperties", "nodeProperties")
_APART = ("jobDefinitionName", "tags")


def check_payload(size: int) -> None:
    """24 KiB for the whole request."""
    jobs.check_size("Job definition", size, PAYLOAD_KIB)


def register_job_definition(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/batch/latest/APIReference/API_RegisterJobDefinition.html"""
    _check(request)
    name, tags = request["jobDefinitionName"], request.get("tags", {})
    document = {key: value for key, value in request.items() if key not in _APART}
    with service.database.transaction():
        revision = service.database.definitions.register(name, document, tags)
    arn = service.arns.arn(DEFINITION, f"{name}:{revision}")
    return {"jobDefinitionName": name, "jobDefinitionArn": arn, "revision": revision}


def deregister_job_definition(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """The revision becomes INACTIVE: docs.aws.amazon.com/batch/latest/APIReference/API_DeregisterJobDefinition.html"""
    name, revision = revision_named(request["jobDefinition"])
    if revision is None:
        raise ClientException(f"JobDefinition {request['jobDefinition']} must be given with its revision")
    if service.database.definitions.find(name, revision) is None:
        raise ClientException(f"JobDefinition {request['jobDefinition']} does not exist")
    with service.database.transaction():
        service.database.definitions.deregister(name, revision, service.clock.milliseconds())
    return {}


def describe_job_definitions(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/batch/latest/APIReference/API_DescribeJobDefinitions.html"""
    if "jobDefinitions" in request:
        return {"jobDefinitions": [_shown(item, service) for item in _listed(service, request)]}
    limit = resource_page(request.get("maxResults"))
    active = {"ACTIVE": True, "INACTIVE": False}.get(request.get("status", ""))
    if active is None and "status" in request:
        raise ClientException(f"status must be ACTIVE or INACTIVE, got {request['status']!r}")
    after = tuple(tokens.place(request, ["", 0]))
    found = service.database.definitions.page(request.get("jobDefinitionName"), active, after, limit + 1)
    answer: dict[str, Any] = {"jobDefinitions": [_shown(item, service) for item in found[:limit]]}
    if len(found) > limit:
        last = found[limit - 1]
        answer["nextToken"] = tokens.token(request, [last.name, last.revision])
    return answer


def _listed(service: Service, request: dict[str, Any]) -> list[Definition]:
    """Those that are given by name:revision or ARN; unknown ones are left out."""
    if len(request) > 1:
        raise ClientException("jobDefinitions can't be used with other parameters")
    check_described_resources(request["jobDefinitions"])
    found = []
    for reference in dict.fromkeys(request["jobDefinitions"]):
        name, revision = revision_named(reference)
        if revision is None:
            raise ClientException(f"jobDefinitions takes ARNs and name:revision, got {reference!r}")
        found.append(service.database.definitions.find(name, revision))
    return [item for item in found if item is not None]


def _shown(definition: Definition, service: Service) -> dict[str, Any]:
    return {
        "platformCapabilities": ["EC2"],
        "parameters": {},
        **merging.shown_definition(definition.document),
        "jobDefinitionName": definition.name,
        "jobDefinitionArn": service.arns.arn(DEFINITION, definition.label),
        "revision": definition.revision,
        "status": "ACTIVE" if definition.active else "INACTIVE",
        "tags": definition.tags,
        "containerOrchestrationType": "ECS",
    }


def _check(request: dict[str, Any]) -> None:
    names.check_name("Job definition", request["jobDefinitionName"])
    names.check_tags(request.get("tags", {}))
    if "retryStrategy" in request:
        retries.check_retry_strategy(request["retryStrategy"])
    retries.check_timeout(request.get("timeout", {}))
    jobs.check_priority(request.get("schedulingPriority", 0))
    _check_form(request)
    _check_containers(request)


def _check_form(request: dict[str, Any]) -> None:
    forms = [name for name in _FORMS if name in request]
    if len(forms) != 1:
        raise ClientException(f"exactly one of {', '.join(_FORMS)} must be specified")
    if request["type"] == "multinode" or forms[0] in ("eksProperties", "nodeProperties"):
        raise NotImplementedHere("multi-node and EKS jobs are not implemented by this endpoint")
    if forms == ["ecsProperties"]:
        tasks.check_tasks(request["ecsProperties"]["taskProperties"])


def _check_containers(request: dict[str, Any]) -> None:
    found, platform = merging.containers_of(request), request.get("platformCapabilities", ["EC2"])[0]
    task = request["ecsProperties"]["taskProperties"][0] if "ecsProperties" in request else found[0]
    for container in found:
        _check_container(container)
        if platform == containers.FARGATE:
            containers.check_fargate({**container, **task})
        else:
            needs = merging.needs(container)
            containers.check_platform(platform, needs["VCPU"], needs["MEMORY"])
    # Fargate's pairs are for the task as a whole, as is what an instance must have.
    needs = merging.needs(found[0] if len(found) == 1 else merging.together(found))
    containers.check_platform(platform, needs["VCPU"], needs["MEMORY"])
    containers.check_storage(task)
    if platform != containers.FARGATE:
        containers.check_not_fargate(task)


def _check_container(container: dict[str, Any]) -> None:
    containers.check_image(container.get("image"))
    containers.check_command(container.get("command", ()))
    containers.check_environment(container.get("environment", ()))
    containers.check_requirements(container.get("resourceRequirements", ()))
    containers.check_once(container)
    needs = merging.needs(container)
    containers.check_needs(needs.get("VCPU"), needs.get("MEMORY"))
