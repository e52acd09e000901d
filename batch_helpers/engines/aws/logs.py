"""A job's lines from CloudWatch Logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from batch_helpers.engines.aws.api import API
from batch_helpers.errors import NotFound

GROUP = "/aws/batch/job"
"""Where logs go unless the definition says otherwise: https://docs.aws.amazon.com/batch/latest/userguide/using_cloudwatch_logs.html"""


def group_of(raw: Mapping[str, Any]) -> str:
    """The log group of a job, from its description."""
    tasks = (raw.get("ecsProperties") or {}).get("taskProperties") or ()
    containers = [raw.get("container") or {}, *(item for task in tasks for item in task.get("containers") or ())]
    options = ((item.get("logConfiguration") or {}).get("options") or {} for item in containers)
    return next((item["awslogs-group"] for item in options if item.get("awslogs-group")), GROUP)


def read_all(api: API, group: str, streams: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The lines of each container's stream, one stream after the other; of several, with the container's name."""
    for name, stream in streams:
        for line in read(api, group, stream):
            yield f"[{name}] {line}" if len(streams) > 1 else line


def read(api: API, group: str, stream: str) -> Iterator[str]:
    """The lines of a stream from its beginning to where it ends now; none when there is no such stream yet."""
    doing = f"read log stream {stream!r} of group {group!r}"
    request: dict[str, Any] = {"logGroupName": group, "logStreamName": stream, "startFromHead": True}
    while True:
        try:
            answer = api.ask("get_log_events", doing, "events.message", **request)
        except NotFound:
            return
        for event in answer["events"]:
            yield from _lines(event["message"])
        token = answer.get("nextForwardToken")
        if not token or token == request.get("nextToken"):
            return
        request["nextToken"] = token


def _lines(message: str) -> list[str]:
    return [line.removesuffix("\r") for line in message.removesuffix("\n").split("\n")]
