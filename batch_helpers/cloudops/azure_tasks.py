"""CloudClient's tasks as Azure Batch takes them: ranges, logs in Blob Storage, and retries as their job has them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from batch_helpers.azure_client import AzureAccess, azure_errors
from batch_helpers.cloudops.cloud import NewTask
from batch_helpers.cloudops.settings import CloudJob, JobSettings
from batch_helpers.engines.azure import AzureEngine
from batch_helpers.engines.azure.requests import task_request
from batch_helpers.engines.azure.submission import Submission
from batch_helpers.engines.azure.words import TaskPlace
from batch_helpers.job import Job

_VALID = timedelta(days=7)
"""How long tasks may write their logs; a key that a user delegates lives no longer.

https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas
"""


class TaskWriter:
    """Adds tasks to jobs."""

    def __init__(self, access: AzureAccess, engine: AzureEngine) -> None:
        self._access, self._engine = access, engine
        self._destinations: dict[str, dict[str, Any]] = {}

    def add(self, job: CloudJob, tasks: Sequence[NewTask]) -> list[str | None]:
        """See Cloud.add."""
        engine = self._engine
        ids: dict[int, str | None] = {}
        by_work = {place: self._bound(job, task) for place, task in enumerate(tasks) if task.id is None}
        by_id = {task.id: place for place, task in enumerate(tasks) if task.id is not None}
        pool = engine.pools.get(job.settings.pool)

        def build(bound: Job, task_id: str, mark: str) -> dict[str, Any]:
            place = by_id.get(task_id)
            ranges = tasks[place].ranges if place is not None else ()
            return self._finished(task_request(pool, bound, task_id, mark), ranges, job.settings)

        submission = Submission(engine.api, engine.reading, job.name, build)
        requests = [build(self._bound(job, tasks[place]), task_id, submission.mark) for task_id, place in by_id.items()]
        submission.add(requests, lambda task_id: ids.update({by_id[task_id]: task_id}))
        if by_work:
            submission.send(by_work)
        return [(ids | submission.done).get(place) for place in range(len(tasks))]

    def _bound(self, job: CloudJob, task: NewTask) -> Job:
        return task.job.bound(job.name, [TaskPlace(job.name, upstream).job_id for upstream in task.upstream])

    def _finished(
        self, request: dict[str, Any], ranges: Sequence[tuple[int, int]], settings: JobSettings
    ) -> dict[str, Any]:
        request["constraints"].pop("maxTaskRetryCount")
        if ranges:
            spans = [{"start": first, "end": last} for first, last in ranges]
            request["dependsOn"] = {**request.get("dependsOn", {}), "taskIdRanges": spans}
        if settings.logs_container:
            folder = "/".join(part for part in (settings.logs_folder.strip("/"), settings.name, request["id"]) if part)
            request["outputFiles"] = [
                self._output(settings.logs_container, folder, name) for name in ("stdout.txt", "stderr.txt")
            ]
        return request

    def _output(self, container: str, folder: str, name: str) -> dict[str, Any]:
        """https://learn.microsoft.com/azure/batch/batch-task-output-files"""
        return {
            "filePattern": f"../{name}",
            "destination": {"container": {"path": f"{folder}/{name}", **self._destination(container)}},
            "uploadOptions": {"uploadCondition": "taskcompletion"},
        }

    def _destination(self, container: str) -> dict[str, Any]:
        """Where nodes write, and as whom: the pool's identity, or whoever holds a signature made by us."""
        if container not in self._destinations:
            self._destinations[container] = self._signed(container)
        return self._destinations[container]

    def _signed(self, container: str) -> dict[str, Any]:
        from azure.storage.blob import generate_container_sas

        service = self._access.blobs()
        url = service.get_container_client(container).url
        if identity := self._access.settings.identity:
            return {"containerUrl": url, "identityReference": {"resourceId": identity}}
        now = datetime.now(UTC)
        until = now + _VALID
        with azure_errors(f"let tasks write to container {container!r}"):
            key = getattr(service.credential, "account_key", None)
            signed_by: dict[str, Any] = (
                {"account_key": key} if key else {"user_delegation_key": service.get_user_delegation_key(now, until)}
            )
            name = str(service.account_name)
            signature = generate_container_sas(name, container, permission="cw", expiry=until, **signed_by)
        return {"containerUrl": f"{url}?{signature}"}
