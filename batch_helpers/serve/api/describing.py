"""What DescribeComputeEnvironments and DescribeJobQueues have in common."""

from __future__ import annotations

from typing import Any

from batch_helpers.serve.api import tokens
from batch_helpers.serve.arns import name_of
from batch_helpers.serve.limits.pages import check_described_resources, resource_page
from batch_helpers.serve.service import Service


def described(service: Service, request: dict[str, Any], kind: str, member: str) -> dict[str, Any]:
    """Resources of a kind, those named in the request's list `member` or all; unknown ones are left out."""
    wanted = request.get(member)
    limit = resource_page(request.get("maxResults"))
    if wanted:
        check_described_resources(wanted)
    names = {name_of(kind, reference) for reference in wanted or ()}
    after = tokens.place(request, "")
    found = [
        item
        for item in service.database.resources.all(kind)
        if item.name > after and (not wanted or item.name in names)
    ]
    answer: dict[str, Any] = {member: [{**item.document, "tags": item.tags} for item in found[:limit]]}
    if len(found) > limit:
        answer["nextToken"] = tokens.token(request, found[limit - 1].name)
    return answer
