"""The Azure jobs behind a queue: one at a time takes tasks, and when it has been completed the next one does."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from typing import NamedTuple

from batch_helpers.azure_client import azure_code
from batch_helpers.engines.azure.api import API, Raw
from batch_helpers.engines.azure.pools import Pool, Pools
from batch_helpers.engines.azure.words import LIVE_JOB
from batch_helpers.errors import NotFound, ServiceError
from batch_helpers.words import nearest

QUEUE = "batch_helpers:queue"
"""The metadata by which an Azure job says which queue it belongs to."""

QUOTA_PAUSE, QUOTA_PAUSES = 30.0, 20
"""Seconds between looks, and how many, while the account has as many active jobs as it may."""

_ENDED = frozenset({"JobCompleted", "JobBeingTerminated", "JobBeingDeleted"})
_FIELDS = ["id", "state", "metadata", "poolInfo", "executionInfo"]
_log = logging.getLogger(__name__)


class AzureJob(NamedTuple):
    """An Azure job. queue: the one that it was made for, or itself. reason: why it ended, if it did."""

    id: str
    queue: str
    pool: str
    state: str
    reason: str = ""

    @property
    def live(self) -> bool:
        """Whether its tasks may still run."""
        return self.state in LIVE_JOB


class AzureJobs:
    """pool: where Azure jobs are made for queues that have none; None makes none, and a queue is an Azure job."""

    def __init__(self, api: API, pools: Pools, pool: str | None) -> None:
        self._api, self._pools, self.pool = api, pools, pool
        self._current: dict[str, str] = {}
        self._pool_names: dict[str, str] = {}
        self._lock = threading.Lock()

    @property
    def used(self) -> list[str]:
        """The queues that have been given an Azure job here."""
        return list(self._current)

    def of(self, queue: str) -> list[AzureJob]:
        """The Azure jobs of a queue, oldest first; none when there are none yet."""
        if self.pool is None:
            found = self.look_up(queue)
            return [] if found is None else [found]
        own = [_azure_job(raw) for raw in self._named(queue) if _is_of(queue, raw)]
        return sorted(own, key=lambda job: generation(queue, job.id) or 0)

    def look_up(self, azure_job: str) -> AzureJob | None:
        try:
            raw = self._api.ask("get_job", f"look up Azure job {azure_job!r}", azure_job, select=_FIELDS)
        except NotFound:
            return None
        return _azure_job(raw)

    def pool_of(self, queue: str) -> Pool:
        """The pool that the queue's jobs run on. Raises NotFound where the pool, or the Azure job, does not exist."""
        if queue not in self._pool_names:
            self._pool_names[queue] = self.pool or self._existing(queue).pool
        return self._pools.get(self._pool_names[queue])

    def current(self, queue: str) -> str:
        """The Azure job that takes the queue's tasks; it is made when there is none.

        Raises NotFound or ServiceError where none is made.
        """
        with self._lock:
            if queue not in self._current:
                self._current[queue] = self._found_or_made(queue) if self.pool else self._existing(queue).id
            return self._current[queue]

    def forget(self, queue: str) -> None:
        """The current Azure job takes no tasks any more: look again."""
        with self._lock:
            self._current.pop(queue, None)

    def settle(self, azure_job: str) -> None:
        """Let the service complete an Azure job when its tasks have ended; it takes tasks until then."""
        change = {"onAllTasksComplete": "terminatejob"}
        try:
            self._api.ask("update_job", f"let Azure job {azure_job!r} complete", azure_job, change)
        except NotFound:
            return
        except ServiceError as exc:
            if not is_ended(exc):
                raise

    def end(self, azure_job: str, reason: str) -> None:
        """Complete an Azure job now."""
        try:
            options = {"terminateReason": reason}
            self._api.ask("begin_terminate_job", f"end Azure job {azure_job!r}", azure_job, options)
        except NotFound:
            return
        except ServiceError as exc:
            if not is_ended(exc):
                raise

    def create(self, body: Raw) -> None:
        """Make an Azure job; waits for a while when the account has as many as it may.

        Raises ServiceError, with the service's code JobExists, when there is one of this id.
        """
        doing = f"create Azure job {body['id']!r}"
        for pause in range(QUOTA_PAUSES + 1):
            try:
                self._api.ask("create_job", doing, body)
                return
            except ServiceError as exc:
                if azure_code(exc) != "ActiveJobAndScheduleQuotaReached" or pause == QUOTA_PAUSES:
                    raise
            if pause == 0:
                _log.warning("the account has as many active Azure jobs as it may; waiting for one to end")
            self._api.sleep(QUOTA_PAUSE)

    def names(self) -> list[str]:
        return [raw["id"] for raw in self._api.pages("list_jobs", "list the Azure jobs", select=["id"])]

    def _existing(self, queue: str) -> AzureJob:
        job = self.look_up(queue)
        if job is None:
            raise NotFound(f"Azure job {queue!r} does not exist{nearest(queue, self.names())}")
        if not job.live:
            raise ServiceError(f"Azure job {job.id!r} is {job.state} ({job.reason}) and takes no tasks: create another")
        return job

    def _found_or_made(self, queue: str) -> str:
        assert self.pool is not None
        pool = self._pools.get(self.pool)
        while True:
            taken = list(self._named(queue))
            own = [_azure_job(raw) for raw in taken if _is_of(queue, raw)]
            live = [job.id for job in own if job.state == "active"]
            if live:
                return max(live, key=lambda name: generation(queue, name) or 0)
            number = 1 + max((generation(queue, raw["id"]) or 0 for raw in taken), default=0)
            name = queue if number == 1 else f"{queue}-{number}"
            try:
                self.create(_body(name, queue, pool.name))
            except ServiceError as exc:
                if azure_code(exc) != "JobExists":
                    raise

    def _named(self, queue: str) -> Iterator[Raw]:
        condition = f"startswith(id,'{queue}')"
        doing = f"look for the Azure jobs of queue {queue!r}"
        listed = self._api.pages("list_jobs", doing, filter=condition, select=_FIELDS)
        return (raw for raw in listed if generation(queue, raw["id"]) is not None)


def generation(queue: str, name: str) -> int | None:
    """The number of an Azure job of a queue (`queue`, `queue-2`, …), or None for another's."""
    match = re.fullmatch(rf"{re.escape(queue)}(?:-(\d+))?", name, re.IGNORECASE)
    return int(match[1] or 1) if match else None


def is_ended(error: Exception) -> bool:
    """Whether the service refused something because the Azure job has ended, or is about to."""
    return azure_code(error) in _ENDED


def metadata_of(raw: Raw) -> dict[str, str]:
    return {item["name"]: item.get("value") or "" for item in raw.get("metadata") or ()}


def _is_of(queue: str, raw: Raw) -> bool:
    """Whether an Azure job was made for this queue, rather than by somebody who happened to choose such a name."""
    return metadata_of(raw).get(QUEUE, "").lower() == queue.lower()


def _body(name: str, queue: str, pool: str) -> Raw:
    return {
        "id": name,
        "poolInfo": {"poolId": pool},
        "usesTaskDependencies": True,
        "metadata": [{"name": QUEUE, "value": queue}],
    }


def _azure_job(raw: Raw) -> AzureJob:
    info, pool = raw.get("executionInfo") or {}, raw.get("poolInfo") or {}
    queue = metadata_of(raw).get(QUEUE) or raw["id"]
    state, reason = str(raw["state"]).lower(), info.get("terminateReason") or ""
    return AzureJob(raw["id"], queue, pool.get("poolId") or "", state, reason)
