"""CreateJobQueue, UpdateJobQueue, DeleteJobQueue, DescribeJobQueues and GetJobQueueSnapshot."""

from __future__ import annotations

from typing import Any

from batch_helpers.serve.api.describing import described
from batch_helpers.serve.api.jobs import end_jobs
from batch_helpers.serve.api.lookups import environment_named, queue_named
from batch_helpers.serve.arns import ENVIRONMENT, JOB, POLICY, QUEUE, name_of
from batch_helpers.serve.limits import resources
from batch_helpers.serve.limits.names import check_name, check_tags
from batch_helpers.serve.service import Service
from batch_helpers.serve.wire.errors import ClientException, NotImplementedHere
from batch_helpers.serve.wire.model import members

_FRONT = 100
_ELSEWHERE = ("serviceEnvironmentOrder",)
_CHANGEABLE = ("state", "schedulingPolicyArn", "priority", "computeEnvironmentOrder", "jobStateTimeLimitActions")


def create_job_queue(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """VALID at once: https://docs.aws.amazon.com/batch/latest/APIReference/API_CreateJobQueue.html"""
    name = request["jobQueueName"]
    check_name("Job queue", name)
    check_tags(request.get("tags", {}))
    resources.check_room("Job queue", len(service.database.resources.all(QUEUE)), resources.QUEUES)
    if service.database.resources.find(QUEUE, name) is not None:
        raise ClientException("Object already exists")
    document = {
        "jobQueueName": name,
        "jobQueueArn": service.arns.arn(QUEUE, name),
        "state": "ENABLED",
        "status": "VALID",
        "statusReason": "JobQueue Healthy",
        "jobStateTimeLimitActions": [],
        **({"jobQueueType": "ECS"} if "jobQueueType" in members("batch", "JobQueueDetail") else {}),
        **_settings(service, request, request.get("computeEnvironmentOrder", [])),
    }
    with service.database.transaction():
        service.database.resources.put(QUEUE, name, document, request.get("tags", {}))
    return {"jobQueueName": name, "jobQueueArn": document["jobQueueArn"]}


def update_job_queue(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/batch/latest/APIReference/API_UpdateJobQueue.html"""
    queue = queue_named(service, request["jobQueue"])
    document = {**queue.document, **_settings(service, request, request.get("computeEnvironmentOrder"))}
    with service.database.transaction():
        service.database.resources.put(QUEUE, queue.name, document, queue.tags)
        service.database.moves.reconsider()
    service.wishes.wake()
    return {"jobQueueName": queue.name, "jobQueueArn": queue.document["jobQueueArn"]}


def delete_job_queue(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """Only a disabled queue; its jobs are terminated.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_DeleteJobQueue.html
    """
    queue = service.database.resources.find(QUEUE, name_of(QUEUE, request["jobQueue"]))
    if queue is None:
        return {}
    if queue.document["state"] != "DISABLED":
        raise ClientException("Cannot delete, state=ENABLED: disable the job queue first")
    end_jobs(service, service.database.jobs.live(queue.name), "JobQueue deleted", terminate=True)
    with service.database.transaction():
        service.database.resources.delete(QUEUE, queue.name)
    return {}


def describe_job_queues(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/batch/latest/APIReference/API_DescribeJobQueues.html"""
    return described(service, request, QUEUE, "jobQueues")


def get_job_queue_snapshot(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """The first 100 RUNNABLE jobs: docs.aws.amazon.com/batch/latest/APIReference/API_GetJobQueueSnapshot.html"""
    queue = queue_named(service, request["jobQueue"])
    jobs = [
        {"jobArn": service.arns.arn(JOB, job_id), "earliestTimeAtPosition": since}
        for job_id, since in service.database.jobs.front(queue.name, _FRONT)
    ]
    return {"frontOfQueue": {"jobs": jobs, "lastUpdatedAt": service.clock.milliseconds()}}


def _settings(service: Service, request: dict[str, Any], order: list[dict[str, Any]] | None) -> dict[str, Any]:
    """What a request says about a queue, checked; `order` is None where it stays as it is."""
    for name in _ELSEWHERE:
        if name in request:
            raise NotImplementedHere(f"{name} is not implemented by this endpoint: it has no service environments")
    resources.check_time_limits(request.get("jobStateTimeLimitActions", ()))
    found = {name: request[name] for name in _CHANGEABLE if name in request}
    if "schedulingPolicyArn" in found:
        policy = found["schedulingPolicyArn"]
        if service.database.resources.find(POLICY, name_of(POLICY, policy)) is None:
            raise ClientException(f"SchedulingPolicy {policy} not found.")
    if order is not None:
        environments = [environment_named(service, item["computeEnvironment"]) for item in order]
        resources.check_environments_of_queue([_kind(item.document) for item in environments])
        found["computeEnvironmentOrder"] = [
            {"order": item["order"], "computeEnvironment": service.arns.arn(ENVIRONMENT, environment.name)}
            for item, environment in zip(order, environments, strict=True)
        ]
    return found


def _kind(document: dict[str, Any]) -> str:
    kind: str = document.get("computeResources", {}).get("type", "EC2")
    return kind
