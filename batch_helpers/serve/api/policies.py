"""Scheduling policies are kept and shown; jobs still start in the order of their submission."""

from __future__ import annotations

from typing import Any

from batch_helpers.serve.api import tokens
from batch_helpers.serve.arns import POLICY, QUEUE, name_of
from batch_helpers.serve.limits.names import check_name, check_tags
from batch_helpers.serve.limits.pages import check_described_resources, resource_page
from batch_helpers.serve.service import Service
from batch_helpers.serve.state.rows import Resource
from batch_helpers.serve.wire.errors import ClientException

_KINDS = ("fairsharePolicy", "quotaSharePolicy")


def create_scheduling_policy(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/batch/latest/APIReference/API_CreateSchedulingPolicy.html"""
    name = request["name"]
    check_name("Scheduling policy", name)
    check_tags(request.get("tags", {}))
    if all(kind in request for kind in _KINDS):
        raise ClientException(f"only one of {', '.join(_KINDS)} can be set")
    if service.database.resources.find(POLICY, name) is not None:
        raise ClientException("Object already exists")
    arn = service.arns.arn(POLICY, name)
    document = {"name": name, "arn": arn, **{kind: request[kind] for kind in _KINDS if kind in request}}
    with service.database.transaction():
        service.database.resources.put(POLICY, name, document, request.get("tags", {}))
    return {"name": name, "arn": arn}


def update_scheduling_policy(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """A policy never becomes one of the other kind."""
    policy = _named(service, request["arn"])
    new = {kind: request[kind] for kind in _KINDS if kind in request}
    if any(kind not in new for kind in _KINDS if kind in policy.document) or len(new) > 1:
        raise ClientException("the kind of a scheduling policy cannot be changed")
    with service.database.transaction():
        service.database.resources.put(POLICY, policy.name, {**policy.document, **new}, policy.tags)
    return {}


def delete_scheduling_policy(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """Not one that a queue uses."""
    policy = _named(service, request["arn"])
    for queue in service.database.resources.all(QUEUE):
        if name_of(POLICY, queue.document.get("schedulingPolicyArn", "")) == policy.name:
            raise ClientException("Cannot delete, found existing JobQueue relationship")
    with service.database.transaction():
        service.database.resources.delete(POLICY, policy.name)
    return {}


def describe_scheduling_policies(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """Unknown ones are left out."""
    check_described_resources(request["arns"])
    found = [service.database.resources.find(POLICY, name_of(POLICY, arn)) for arn in dict.fromkeys(request["arns"])]
    return {"schedulingPolicies": [{**item.document, "tags": item.tags} for item in found if item is not None]}


def list_scheduling_policies(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/batch/latest/APIReference/API_ListSchedulingPolicies.html"""
    limit, after = resource_page(request.get("maxResults")), tokens.place(request, "")
    found = [item for item in service.database.resources.all(POLICY) if item.name > after]
    answer: dict[str, Any] = {"schedulingPolicies": [{"arn": item.document["arn"]} for item in found[:limit]]}
    if len(found) > limit:
        answer["nextToken"] = tokens.token(request, found[limit - 1].name)
    return answer


def _named(service: Service, arn: str) -> Resource:
    found = service.database.resources.find(POLICY, name_of(POLICY, arn))
    if found is None:
        raise ClientException(f"SchedulingPolicy {arn} not found.")
    return found
