"""Adding tasks for jobs, exactly once each: the id is the work, and the service refuses a second one of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from batch_helpers.engines.azure.api import API, Raw
from batch_helpers.engines.azure.blocked import blocked
from batch_helpers.engines.azure.collection import Collections, Outcome, split
from batch_helpers.engines.azure.reading import Reading
from batch_helpers.engines.azure.requests import SUBMISSION
from batch_helpers.engines.azure.words import first_id, next_id, number_of
from batch_helpers.errors import ServiceError
from batch_helpers.job import Job

WIDTH = 8
"""Collections under way at once."""

_ROUNDS = 8


Build = Callable[[Job, str, str], Raw]
"""The task for a bound job, given its id and the mark of its submission."""


class Submission:
    """Adds tasks to one Azure job. `done` maps positions of the jobs of `send` to task ids, as far as it came."""

    def __init__(self, api: API, reading: Reading, azure_job: str, build: Build) -> None:
        self._api, self._reading, self._collections = api, reading, Collections(api)
        self._azure_job, self._build = azure_job, build
        self.mark = uuid.uuid4().hex
        self.done: dict[int, str] = {}

    def send(self, jobs: Mapping[int, Job]) -> None:
        """Add a task for each of these bound jobs, or adopt the live one that it turns out to be.

        Raises ServiceError when one is refused; the others are sent nevertheless.
        """
        numbers = dict.fromkeys(jobs, 1)
        for _ in range(_ROUNDS):
            taken = self._round(jobs, numbers)
            if not taken:
                return
            numbers = self._look(jobs, taken)
            if not numbers:
                return
        name = jobs[next(iter(numbers))].name
        raise ServiceError(f"could not add a task for {name!r}: every new attempt's id was taken by somebody else")

    def add(self, requests: Sequence[Raw], added: Callable[[str], None]) -> set[str]:
        """Add tasks whose ids are settled, and return those ids that tasks of others have already.

        added: is told of each task that was added. Raises ServiceError when one is refused; the others are sent
        nevertheless.
        """
        outcomes, failures = self._post(requests)
        taken = set()
        for task_id, outcome in outcomes.items():
            if not outcome.code or (outcome.code == "TaskExists" and outcome.doubtful and self._made(task_id)):
                added(task_id)
            elif outcome.code == "TaskExists":
                taken.add(task_id)
            else:
                problem = f"could not add task {task_id!r}: {outcome.message} ({outcome.code})"
                failures.append(ServiceError(problem))
        if failures:
            raise failures[0]
        return taken

    def _round(self, jobs: Mapping[int, Job], numbers: Mapping[int, int]) -> list[int]:
        """Send once, and return the positions whose task ids exist already."""
        ids = {place: next_id(first_id(jobs[place]), number) for place, number in numbers.items()}
        places = {task_id: place for place, task_id in ids.items()}
        requests = [self._build(jobs[place], task_id, self.mark) for place, task_id in ids.items()]

        def added(task_id: str) -> None:
            self.done[places[task_id]] = task_id

        return sorted(places[task_id] for task_id in self.add(requests, added))

    def _post(self, requests: Sequence[Raw]) -> tuple[dict[str, Outcome], list[ServiceError]]:
        outcomes: dict[str, Outcome] = {}
        failures: list[ServiceError] = []
        with ThreadPoolExecutor(WIDTH, thread_name_prefix="azure-add") as crew:
            sent = [crew.submit(self._collections.add, self._azure_job, some) for some in split(requests)]
            for future in sent:
                try:
                    outcomes |= future.result()
                except ServiceError as exc:
                    failures.append(exc)
        return outcomes, failures

    def _made(self, task_id: str) -> bool:
        """Whether it was this submission that made a task."""
        doing = f"look up task {task_id!r}"
        fields = ["id", "environmentSettings"]
        raw = self._api.ask("get_task", doing, self._azure_job, task_id, select=fields)
        settings = {item["name"]: item.get("value") for item in raw.get("environmentSettings") or ()}
        return settings.get(SUBMISSION) == self.mark

    def _look(self, jobs: Mapping[int, Job], taken: Sequence[int]) -> dict[int, int]:
        """Adopt live tasks; of the others return the number of the next attempt."""
        families = self._reading.families(self._azure_job, [first_id(jobs[place]) for place in taken])
        doomed = self._doomed(families)
        numbers = {}
        for place in taken:
            mine = dict(_attempts(first_id(jobs[place]), families))
            newest = mine[max(mine)] if mine else None
            if newest is not None and newest["state"] != "completed" and newest["id"].lower() not in doomed:
                self.done[place] = newest["id"]
            else:
                numbers[place] = max(mine, default=1) + 1
        return numbers

    def _doomed(self, tasks: Sequence[Raw]) -> Mapping[str, str]:
        if not any(task["state"] == "active" and task.get("dependsOn") for task in tasks):
            return {}
        return blocked(self._reading.unfinished(self._azure_job), self._reading.failed(self._azure_job))


def _attempts(first: str, tasks: Iterable[Raw]) -> Iterable[tuple[int, Raw]]:
    return ((number, task) for task in tasks if (number := number_of(first, task["id"])) is not None)
