"""As much of CloudWatch Logs as it takes to read the logs of jobs: GetLogEvents and DescribeLogStreams."""

from __future__ import annotations

import re
from typing import Any

from batch_helpers.serve.api import tokens
from batch_helpers.serve.api.logfiles import Chunk, earlier, later, size_of
from batch_helpers.serve.arns import ACCOUNT
from batch_helpers.serve.jobs.logs import GROUP, container_in
from batch_helpers.serve.service import Service
from batch_helpers.serve.state.rows import Stream
from batch_helpers.serve.wire.errors import ClientException, InvalidParameter, ResourceNotFound

EVENTS = 10_000
STREAMS = 50
_TOKEN = re.compile(r"([fb])/(\d{1,18})")


def get_log_events(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """At most 10,000 events or 1 MB.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
    """
    group = _group(service, request)
    stream = service.database.streams.find(group, request["logStreamName"])
    if stream is None:
        raise ResourceNotFound("The specified log stream does not exist.")
    chunk = _chunk(service, request, stream)
    wanted = request.get("startTime", 0) <= stream.created_at < request.get("endTime", stream.created_at + 1)
    stamp = {"timestamp": stream.created_at, "ingestionTime": stream.created_at}
    return {
        "events": [{**stamp, "message": line} for line in chunk.lines] if wanted else [],
        "nextForwardToken": f"f/{chunk.end}",
        "nextBackwardToken": f"b/{chunk.start}",
    }


def describe_log_streams(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogStreams.html"""
    group, prefix = _group(service, request), request.get("logStreamNamePrefix", "")
    if prefix and request.get("orderBy") == "LastEventTime":
        raise InvalidParameter("Cannot order by LastEventTime with a logStreamNamePrefix.")
    try:
        after = tokens.place({key: item for key, item in request.items() if key != "limit"}, "")
    except ClientException as exc:
        raise InvalidParameter("The specified nextToken is invalid.") from exc
    limit = request.get("limit", STREAMS)
    descending = request.get("descending", False)
    found = service.database.streams.page(group, prefix, after, descending=descending, limit=limit + 1)
    answer: dict[str, Any] = {"logStreams": [_shown(service, stream) for stream in found[:limit]]}
    if len(found) > limit:
        scope = {key: item for key, item in request.items() if key != "limit"}
        answer["nextToken"] = tokens.token(scope, found[limit - 1].name)
    return answer


def _group(service: Service, request: dict[str, Any]) -> str:
    """The log group that is asked about; /aws/batch/job is always there."""
    given = [request[name] for name in ("logGroupName", "logGroupIdentifier") if name in request]
    if len(given) != 1:
        raise InvalidParameter("Exactly one of logGroupName and logGroupIdentifier must be specified.")
    group: str = given[0].rpartition(":log-group:")[2]
    if group != GROUP and not service.database.streams.has_group(group):
        raise ResourceNotFound("The specified log group does not exist.")
    return group


def _chunk(service: Service, request: dict[str, Any], stream: Stream) -> Chunk:
    path = service.runner.log(stream.job, stream.attempt, container_in(stream.name))
    limit = request.get("limit", EVENTS)
    complete = service.database.jobs.has_ended(stream.job, stream.attempt)
    match = _TOKEN.fullmatch(request.get("nextToken", "f/0" if request.get("startFromHead") else f"b/{size_of(path)}"))
    if match is None:
        raise InvalidParameter("The specified nextToken is invalid.")
    if match[1] == "f":
        return later(path, int(match[2]), limit, complete=complete)
    return earlier(path, int(match[2]), limit, complete=complete)


def _shown(service: Service, stream: Stream) -> dict[str, Any]:
    times = ("creationTime", "firstEventTimestamp", "lastEventTimestamp", "lastIngestionTime")
    arn = f"arn:aws:logs:{service.arns.region}:{ACCOUNT}:log-group:{stream.log_group}:log-stream:{stream.name}"
    return {"logStreamName": stream.name, "arn": arn, "storedBytes": 0, **dict.fromkeys(times, stream.created_at)}
