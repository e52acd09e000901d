"""What is asked about the tasks of an Azure job: filtered lists, a thousand to a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from batch_helpers.engines.azure.api import API, PAGE, Raw
from batch_helpers.engines.azure.details import FIELDS
from batch_helpers.errors import NotFound

ASKED_BY_ID = 20
"""Ids in one $filter: a request's address must not grow too long."""

_FEW = 2 * ASKED_BY_ID
_FATE = ("id", "exitConditions", "executionInfo")


class Reading:
    """Lists of tasks. An Azure job that does not exist has none."""

    def __init__(self, api: API) -> None:
        self._api = api

    def unfinished(self, azure_job: str) -> list[Raw]:
        """Every task that has not ended."""
        return list(self._tasks(azure_job, "state ne 'completed'"))

    def failed(self, azure_job: str, fields: Sequence[str] = _FATE) -> Iterator[Raw]:
        """The tasks that have failed; by default with what tells whether others may start nevertheless."""
        return self._tasks(azure_job, "state eq 'completed' and executionInfo/result eq 'failure'", fields)

    def every(self, azure_job: str, fields: Sequence[str] = FIELDS) -> list[Raw]:
        """Every task there is."""
        return list(self._tasks(azure_job, None, fields))

    def some(self, azure_job: str, ids: Sequence[str]) -> list[Raw]:
        """The tasks with these ids, as far as they exist: by their ids, or from a list of all where that is shorter."""
        if len(ids) > _FEW and self._pages(azure_job) * ASKED_BY_ID < len(ids):
            wanted = {task_id.lower() for task_id in ids}
            return [task for task in self.every(azure_job) if task["id"].lower() in wanted]
        return [task for text in _by_id("id eq '{}'", ids) for task in self._tasks(azure_job, text)]

    def families(self, azure_job: str, first_ids: Sequence[str]) -> list[Raw]:
        """The tasks whose ids begin with one of these."""
        if len(first_ids) > _FEW and self._pages(azure_job) * ASKED_BY_ID < len(first_ids):
            return self.every(azure_job)
        return [task for text in _by_id("startswith(id,'{}')", first_ids) for task in self._tasks(azure_job, text)]

    def _pages(self, azure_job: str) -> int:
        """How many pages a list of all tasks would have."""
        doing = f"count the tasks of Azure job {azure_job!r}"
        try:
            counts = self._api.ask("get_job_task_counts", doing, azure_job)["taskCounts"]
        except NotFound:
            return 0
        total: int = counts["active"] + counts["running"] + counts["completed"]
        return 1 + total // PAGE

    def _tasks(self, azure_job: str, condition: str | None, fields: Sequence[str] = FIELDS) -> Iterator[Raw]:
        doing = f"list the tasks of Azure job {azure_job!r}"
        options = {"filter": condition} if condition else {}
        try:
            yield from self._api.pages("list_tasks", doing, azure_job, select=list(fields), **options)
        except NotFound:
            return


def _by_id(test: str, ids: Sequence[str]) -> Iterator[str]:
    for start in range(0, len(ids), ASKED_BY_ID):
        yield " or ".join(test.format(task_id) for task_id in ids[start : start + ASKED_BY_ID])
