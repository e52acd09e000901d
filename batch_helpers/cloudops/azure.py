"""AzureCloud: jobs and tasks of Azure Batch, files in Blob Storage."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from batch_helpers.azure_client import AzureAccess, azure_code
from batch_helpers.cloudops.azure_tasks import TaskWriter
from batch_helpers.cloudops.blob_files import BlobFiles
from batch_helpers.cloudops.cloud import JobExists, NewTask
from batch_helpers.cloudops.settings import PREFIX, CloudJob, JobSettings
from batch_helpers.engines.azure import AzureEngine
from batch_helpers.engines.azure.azure_jobs import metadata_of
from batch_helpers.engines.azure.words import TaskPlace, place_of
from batch_helpers.errors import NotFound, ServiceError
from batch_helpers.job import JobDetail
from batch_helpers.resources.azure import PoolManager, PoolSpec
from batch_helpers.words import nearest

_CREATION = f"{PREFIX}creation"
_FIELDS = ["id", "state", "metadata", "poolInfo", "executionInfo", "usesTaskDependencies", "constraints"]
_FOR_EVER = timedelta(days=3650)
_DELETION, _PAUSE = 600.0, 1.0


class AzureCloud:
    """See Cloud. Making one makes no call and needs no credentials. sleep: how it waits."""

    longest_dependencies = 62_000
    """Less than the 64,000 of the service, which keeps some for itself.

    https://learn.microsoft.com/rest/api/batchservice/tasks/create-task#batchtaskdependencies
    """

    def __init__(self, access: AzureAccess, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._access, self._sleep = access, sleep
        self.engine = AzureEngine(access, sleep=sleep)
        self.files = BlobFiles(access, sleep)
        self._pools = PoolManager(access, sleep=sleep)
        self._writer = TaskWriter(access, self.engine)

    def create_pool(self, spec: PoolSpec, *, replace: bool) -> str:
        return self._pools.create(spec, replace=replace)

    def delete_pool(self, name: str) -> None:
        self._pools.delete(name)

    def check_pool(self, name: str) -> None:
        self.engine.pools.get(name)

    def create_job(self, settings: JobSettings) -> None:
        mark = uuid.uuid4().hex
        try:
            self.engine.jobs.create(_body(settings, mark))
        except ServiceError as exc:
            if azure_code(exc) != "JobExists":
                raise
            if metadata_of(self._raw(settings.name)).get(_CREATION) != mark:  # it may be ours, when an answer was lost
                raise JobExists(str(exc)) from exc.__cause__

    def job(self, name: str) -> CloudJob:
        try:
            raw = self._raw(name)
        except NotFound as exc:
            raise NotFound(f"job {name!r} does not exist{nearest(name, self.engine.jobs.names())}") from exc.__cause__
        return _cloud_job(raw)

    def delete_job(self, name: str) -> None:
        self.job(name)
        self.engine.api.ask("begin_delete_job", f"delete job {name!r}", name)
        waited = 0.0
        while self.engine.jobs.look_up(name) is not None:
            if waited >= _DELETION:
                raise ServiceError(f"job {name!r} is still there {waited:.0f} s after its deletion began: look later")
            self._sleep(_PAUSE)
            waited += _PAUSE

    def settle(self, name: str) -> None:
        self.engine.settle([name])

    def task_ids(self, name: str) -> list[str]:
        return [raw["id"] for raw in self.engine.reading.every(name, ["id"])]

    def tasks(self, name: str) -> dict[str, JobDetail]:
        return {_task(detail): detail for detail in self.engine.everything(name)}

    def live(self, name: str) -> dict[str, tuple[str, JobDetail]]:
        return {detail.key: (_task(detail), detail) for detail in self.engine.active([name]) if detail.key}

    def some(self, name: str, ids: Sequence[str]) -> dict[str, JobDetail]:
        found = self.engine.describe([TaskPlace(name, task_id).job_id for task_id in ids])
        return {_task(detail): detail for detail in found.values()}

    def lenient(self, name: str, ids: Sequence[str]) -> set[str]:
        raws = self.engine.reading.some(name, ids)
        return {raw["id"] for raw in raws if _lets_run(raw)}

    def add(self, job: CloudJob, tasks: Sequence[NewTask]) -> list[str | None]:
        return self._writer.add(job, tasks)

    def _raw(self, name: str) -> Any:
        return self.engine.api.ask("get_job", f"look up job {name!r}", name, select=_FIELDS)


def _body(settings: JobSettings, mark: str) -> dict[str, Any]:
    constraints: dict[str, Any] = {"maxTaskRetryCount": settings.task_retries}
    if settings.timeout is not None:
        constraints["maxWallClockTime"] = f"PT{round(settings.timeout * 60)}S"
    metadata = {**settings.metadata(), _CREATION: mark}
    return {
        "id": settings.name,
        "poolInfo": {"poolId": settings.pool},
        "usesTaskDependencies": settings.uses_deps,
        "constraints": constraints,
        "metadata": [{"name": name, "value": value} for name, value in metadata.items()],
    }


def _cloud_job(raw: Any) -> CloudJob:
    constraints = raw.constraints
    limit = constraints.max_wall_clock_time if constraints else None
    settings = JobSettings(
        raw["id"],
        (raw.get("poolInfo") or {}).get("poolId") or "",
        uses_deps=bool(raw.get("usesTaskDependencies")),
        task_retries=(constraints.max_task_retry_count or 0) if constraints else 0,
        timeout=limit.total_seconds() / 60 if limit is not None and limit < _FOR_EVER else None,
    )
    info = raw.get("executionInfo") or {}
    return CloudJob(settings.with_metadata(metadata_of(raw)), raw["state"], info.get("terminateReason") or "")


def _lets_run(raw: Any) -> bool:
    default = (raw.get("exitConditions") or {}).get("default") or {}
    return str(default.get("dependencyAction") or "").lower() == "satisfy"


def _task(detail: JobDetail) -> str:
    place = place_of(detail.job_id)
    return place.task if place else detail.job_id
