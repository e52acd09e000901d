"""Tasks go out in collections, and each task of a collection has its own answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from batch_helpers.engines.azure.api import API, Raw
from batch_helpers.errors import AmbiguousAnswer

MOST_TASKS, MOST_BYTES = 100, 1_000_000
"""https://learn.microsoft.com/rest/api/batchservice/tasks/create-task-collection"""

_SENDS = 6
_ROOM = 64


class Outcome(NamedTuple):
    """What became of one task: an empty code means that it was added.

    doubtful: an earlier request that got no answer may have added it.
    """

    code: str = ""
    message: str = ""
    doubtful: bool = False


def split(requests: Sequence[Raw]) -> Iterator[list[Raw]]:
    """Runs of tasks that fit one request each."""
    chosen: list[Raw] = []
    size = _ROOM
    for request in requests:
        bytes_ = len(json.dumps(request)) + 2
        if chosen and (len(chosen) == MOST_TASKS or size + bytes_ > MOST_BYTES):
            yield chosen
            chosen, size = [], _ROOM
        chosen.append(request)
        size += bytes_
    if chosen:
        yield chosen


class Collections:
    """Adds tasks to Azure jobs."""

    def __init__(self, api: API) -> None:
        self._api = api

    def add(self, azure_job: str, requests: Sequence[Raw]) -> dict[str, Outcome]:
        """Send one collection, and again what got no answer of its own; the outcomes by task id.

        Raises ServiceError when the whole of it is refused: nothing was added then.
        """
        doing = f"add {len(requests)} tasks to Azure job {azure_job!r}"
        outcomes: dict[str, Outcome] = {}
        left, doubtful = {request["id"]: request for request in requests}, False
        for attempt in range(1, _SENDS + 1):
            try:
                answers = self._send(azure_job, list(left.values()), doing)
            except AmbiguousAnswer:
                if attempt == _SENDS:
                    raise
                doubtful = True
                continue
            for answer in answers:
                if (outcome := _outcome(answer, doubtful=doubtful)) is not None:
                    outcomes[answer["taskId"]] = outcome
                    left.pop(answer["taskId"], None)
            if not left:
                return outcomes
            self._api.sleep(min(2.0**attempt, 20.0))
        refused = Outcome("ServerBusy", "the service refused it again and again", doubtful=True)
        return outcomes | dict.fromkeys(left, refused)

    def _send(self, azure_job: str, requests: Sequence[Raw], doing: str) -> Sequence[Raw]:
        answer = self._api.once("create_task_collection", doing, azure_job, {"value": list(requests)})
        results: Any = answer.get("value")
        if results is None:
            raise AmbiguousAnswer(f"could not {doing}: the answer came without its results")
        return list(results)


def _outcome(answer: Raw, *, doubtful: bool) -> Outcome | None:
    """None is to be sent again."""
    status = str(answer["status"]).lower()
    if status == "success":
        return Outcome()
    if status == "servererror":
        return None
    error = answer.get("error") or {}
    message = error.get("message") or {}
    details = "; ".join(str(item.get("value")) for item in error.get("values") or ())
    text = str(message.get("value") or "").partition("\n")[0] + (f" ({details})" if details else "")
    return Outcome(str(error.get("code") or "Unknown"), text, doubtful)
