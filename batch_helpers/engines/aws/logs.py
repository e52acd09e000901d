"""A job's lines from CloudWatch Logs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import merge
from operator import itemgetter
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
    """The lines of the containers' streams in the order of their time; of several, with the container's name.

    So what is written later comes later, and whoever follows a job loses nothing of one container behind another.
    """
    named = [_named(f"[{name}] " if len(streams) > 1 else "", read(api, group, stream)) for name, stream in streams]
    return (line for _, line in merge(*named, key=itemgetter(0)))


def read(api: API, group: str, stream: str) -> Iterator[tuple[int, str]]:
    """The lines of a stream, each with its time in ms, from its beginning to where it ends now; none when there is no
    such stream yet."""
    doing = f"read log stream {stream!r} of group {group!r}"
    request: dict[str, Any] = {"logGroupName": group, "logStreamName": stream, "startFromHead": True}
    while True:
        try:
            answer = api.ask("get_log_events", doing, "events.message", **request)
        except NotFound:
            return
        for event in answer["events"]:
            yield from ((event.get("timestamp", 0), line) for line in _lines(event["message"]))
        token = answer.get("nextForwardToken")
        if not token or token == request.get("nextToken"):
            return
        request["nextToken"] = token


def _named(prefix: str, lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    return ((time, prefix + line) for time, line in lines)


def _lines(message: str) -> list[str]:
    return [line.removesuffix("\r") for line in message.removesuffix("\n").split("\n")]
