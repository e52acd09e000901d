"""Ending tasks: the service takes them one by one, and keeps no reason."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from batch_helpers.azure_client import azure_code
from batch_helpers.engines.azure.api import API
from batch_helpers.engines.azure.azure_jobs import is_ended
from batch_helpers.engines.azure.words import TaskPlace, place_of
from batch_helpers.errors import NotFound, ServiceError

WIDTH = 16


class Termination:
    """Ends tasks in any state, and remembers why, for as long as this process lives."""

    def __init__(self, api: API) -> None:
        self._api = api
        self.reasons: dict[str, str] = {}

    def end(self, job_ids: Sequence[str], reason: str) -> None:
        """Raise ServiceError when the service refuses to end some of these; the others are ended nevertheless."""
        places = [place for job_id in dict.fromkeys(job_ids) if (place := place_of(job_id))]
        with ThreadPoolExecutor(WIDTH, thread_name_prefix="azure-end") as crew:
            refusals = [exc for exc in crew.map(lambda place: self._end(place, reason), places) if exc]
        if refusals:
            raise ServiceError(f"{len(refusals)} tasks could not be ended; the first: {refusals[0]}") from refusals[0]

    def _end(self, place: TaskPlace, reason: str) -> ServiceError | None:
        try:
            self._api.ask("terminate_task", f"end task {place.job_id!r}", place.azure_job, place.task)
        except NotFound:
            return None
        except ServiceError as exc:
            return None if azure_code(exc) == "TaskCompleted" or is_ended(exc) else exc
        self.reasons[place.job_id.lower()] = reason
        return None
