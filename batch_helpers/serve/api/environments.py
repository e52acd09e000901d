"""CreateComputeEnvironment, UpdateComputeEnvironment, DeleteComputeEnvironment and DescribeComputeEnvironments."""

from __future__ import annotations

import uuid
from typing import Any

from batch_helpers.serve.api.describing import described
from batch_helpers.serve.api.lookups import environment_named
from batch_helpers.serve.arns import ENVIRONMENT, QUEUE, name_of
from batch_helpers.serve.limits import resources
from batch_helpers.serve.limits.names import check_name, check_tags
from batch_helpers.serve.service import Service
from batch_helpers.serve.wire.errors import ClientException, NotImplementedHere

_CHANGEABLE = ("state", "unmanagedvCpus", "serviceRole", "updatePolicy")


def create_compute_environment(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """VALID at once: https://docs.aws.amazon.com/batch/latest/APIReference/API_CreateComputeEnvironment.html"""
    name = request["computeEnvironmentName"]
    check_name("Compute environment", name)
    check_tags(request.get("tags", {}))
    if "eksConfiguration" in request:
        raise NotImplementedHere("EKS is not implemented by this endpoint")
    if request.get("state") == "DISABLED":
        raise ClientException("Compute environment must be created in the ENABLED state")
    there = service.database.resources.all(ENVIRONMENT)
    resources.check_room("Compute environment", len(there), resources.ENVIRONMENTS)
    resources.check_compute_resources(request["type"], request.get("computeResources"))
    if any(item.name == name for item in there):
        raise ClientException("Object already exists")
    document = {
        **{key: value for key, value in request.items() if key != "tags"},
        "computeEnvironmentArn": service.arns.arn(ENVIRONMENT, name),
        "ecsClusterArn": service.arns.ecs("cluster", name),
        "state": "ENABLED",
        "status": "VALID",
        "statusReason": "ComputeEnvironment Healthy",
        "containerOrchestrationType": "ECS",
        "uuid": str(uuid.uuid4()),
    }
    with service.database.transaction():
        service.database.resources.put(ENVIRONMENT, name, document, request.get("tags", {}))
    return {"computeEnvironmentName": name, "computeEnvironmentArn": document["computeEnvironmentArn"]}


def update_compute_environment(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/batch/latest/APIReference/API_UpdateComputeEnvironment.html"""
    environment = environment_named(service, request["computeEnvironment"])
    document = {**environment.document, **{name: request[name] for name in _CHANGEABLE if name in request}}
    if "computeResources" in request:
        if document["type"] == "UNMANAGED":
            raise ClientException("computeResources is not applicable for UNMANAGED compute environments.")
        document["computeResources"] = {**document["computeResources"], **request["computeResources"]}
        resources.check_vcpus(document["computeResources"])
    with service.database.transaction():
        service.database.resources.put(ENVIRONMENT, environment.name, document, environment.tags)
        service.database.moves.reconsider()
    service.wishes.wake()
    return {"computeEnvironmentName": environment.name, "computeEnvironmentArn": document["computeEnvironmentArn"]}


def delete_compute_environment(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """Only one that is disabled, and that no queue uses.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_DeleteComputeEnvironment.html
    """
    name = name_of(ENVIRONMENT, request["computeEnvironment"])
    environment = service.database.resources.find(ENVIRONMENT, name)
    if environment is None:
        return {}
    if environment.document["state"] != "DISABLED":
        raise ClientException("Cannot delete, state=ENABLED: disable the compute environment first")
    arn = environment.document["computeEnvironmentArn"]
    for queue in service.database.resources.all(QUEUE):
        if any(item["computeEnvironment"] == arn for item in queue.document["computeEnvironmentOrder"]):
            raise ClientException("Cannot delete, found existing JobQueue relationship")
    with service.database.transaction():
        service.database.resources.delete(ENVIRONMENT, name)
    return {}


def describe_compute_environments(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/batch/latest/APIReference/API_DescribeComputeEnvironments.html"""
    return described(service, request, ENVIRONMENT, "computeEnvironments")
