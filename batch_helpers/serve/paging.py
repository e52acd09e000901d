"""Pages that are shorter than asked for, or empty, and yet have a next one: the service may send both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from batch_helpers.serve.wire.bodies import parsed
from batch_helpers.serve.wire.messages import Request

LISTS: Mapping[str, str] = MappingProxyType(
    {
        "ListJobs": "jobSummaryList",
        "DescribeJobQueues": "jobQueues",
        "DescribeJobDefinitions": "jobDefinitions",
        "DescribeComputeEnvironments": "computeEnvironments",
    }
)
"""Operations that answer in pages, and the member in which their items are."""

_EMPTY = "empty."
_SHORT = 1


def shortened(request: Request) -> Request:
    """The same question, for a page of one item."""
    return request._replace(body=json.dumps({**parsed(request.body), "maxResults": _SHORT}).encode())


def empty_page(operation: str, request: Request) -> dict[str, Any]:
    """A page with nothing on it, whose next one is the page that was asked for."""
    return {LISTS[operation]: [], "nextToken": _EMPTY + str(parsed(request.body).get("nextToken", ""))}


def resumed(request: Request) -> Request:
    """A request as it would be without the empty pages before it."""
    if b'"' + _EMPTY.encode() not in request.body:
        return request
    body = parsed(request.body)
    token = str(body.pop("nextToken", ""))
    while token.startswith(_EMPTY):
        token = token.removeprefix(_EMPTY)
    return request._replace(body=json.dumps({**body, "nextToken": token} if token else body).encode())
