"""Desk: what one process does with the tasks of one job."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from batch_helpers.cloudops.cloud import Cloud, NewTask
from batch_helpers.cloudops.ids import highest, new_id
from batch_helpers.cloudops.requests import TaskRequest
from batch_helpers.cloudops.settings import CloudJob
from batch_helpers.cloudops.waiting import Waiting
from batch_helpers.errors import InvalidInput, ServiceError, UnknownDependency
from batch_helpers.job import Job, JobDetail
from batch_helpers.plan import Action, Decision, World, plan
from batch_helpers.stores.base import Store
from batch_helpers.uris import canonical_uri
from batch_helpers.words import nearest

_ROUNDS = 20
_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Released:
    """added: tasks that were held until now, by ID. doomed: those that never will be added, and why."""

    added: Mapping[str, Job]
    doomed: Mapping[str, tuple[Job, str]]


class Desk:
    """known: the tasks of this process by ID. decisions: what became of them. verdicts: how tasks were found to end.

    say: takes what a person should know.
    """

    def __init__(self, cloud: Cloud, store: Store, job: CloudJob, say: Callable[[str], None]) -> None:
        self._cloud, self._store, self._say = cloud, store, say
        self.job = job
        self.known: dict[str, Job] = {}
        self.decisions: Counter[Action] = Counter()
        self.verdicts: dict[str, JobDetail] = {}
        self.waiting = Waiting(cloud.longest_dependencies)
        self._claimed: dict[str, Job] = {}
        self._highest: int | None = None

    def add(self, requests: Sequence[TaskRequest]) -> list[str | None]:
        """Add tasks and return their IDs in order; None for those whose outputs are there.

        Everything is checked before anything is added. Raises ServiceError when the service refuses one.
        """
        self._check(requests)
        decided = self._decided(requests)
        ids: dict[int, str | None] = {}
        free = []
        for place in range(len(requests)):
            decision = decided.get(place)
            if decision is None or decision.action is Action.SUBMIT:
                free.append(place)
            else:
                ids[place] = self._settled(decision)
        named = {place: requests[place] for place in free if requests[place].work.outputs and not self._ints}
        ids |= self._add_named(named)
        ids |= self._add_numbered({place: requests[place] for place in free if place not in ids})
        self._claim(requests[place].work for place in range(len(requests)))
        return [ids[place] for place in range(len(requests))]

    def release(self) -> Released:
        """Add the held tasks that may start, and give up those that never will."""
        if not self.waiting.tasks:
            return Released({}, {})
        upstream = sorted(self.waiting.upstream)
        known = self._cloud.some(self.job.name, upstream)
        verdict = self.waiting.look(known, self._cloud.lenient(self.job.name, upstream))
        doomed = {task: (self.waiting.drop(task).job, reason) for task, reason in verdict.doomed.items()}
        return Released(self._released(verdict.ready), doomed)

    @property
    def _ints(self) -> bool:
        return self.job.settings.task_id_ints

    def _check(self, requests: Sequence[TaskRequest]) -> None:
        if not self.job.settings.uses_deps and any(item.upstream or item.range for item in requests):
            raise InvalidInput(f"job {self.job.name!r} was created with uses_deps=False: its tasks depend on none")
        wanted = {name for item in requests for name in item.upstream} - self.known.keys() - self.waiting.tasks.keys()
        found = self._cloud.some(self.job.name, sorted(wanted)) if wanted else {}
        strange = sorted(wanted - found.keys() - {name for name in wanted if name.lower() in map(str.lower, found)})
        if strange:
            known = self._cloud.task_ids(self.job.name)
            problem = f"depends_on: job {self.job.name!r} has no task {strange[0]!r}{nearest(strange[0], known)}"
            raise UnknownDependency(problem)
        last = max((item.range[1] for item in requests if item.range), default=0)
        if last and last > self._last():
            raise UnknownDependency(
                f"depends_on_range: job {self.job.name!r} has no task {last}; its last is {self._last()}"
            )

    def _decided(self, requests: Sequence[TaskRequest]) -> dict[int, Decision]:
        """What is to be done with the tasks that have outputs, by their places."""
        places = [place for place, item in enumerate(requests) if item.work.outputs]
        if not places:
            return {}
        live = self._cloud.live(self.job.name)
        jobs = [requests[place].work for place in places]
        active = {key: _as_task(detail, task) for key, (task, detail) in live.items()}
        found = self._store.find([uri for job in jobs for uri in job.outputs])
        decided = plan(jobs, World(found=found, active=active, claimed=self._claimed))
        decided.check()
        return {place: decided.decisions[decided.places[number]] for number, place in enumerate(places)}

    def _settled(self, decision: Decision) -> str | None:
        self.decisions[decision.action] += 1
        self._say(f"job {self.job.name}, task {decision.job_id or decision.job.name}: {decision}")
        if decision.job_id is not None:
            self.known[decision.job_id] = decision.job
        return decision.job_id

    def _add_named(self, requests: Mapping[int, TaskRequest]) -> dict[int, str | None]:
        """Tasks with outputs are named by their work, so that the service takes each but once."""
        ready = {}
        for place, request in requests.items():
            task, either_way = self._task(request, None)
            if not self.waiting.must_wait(task, either_way):
                ready[place] = task
        return dict(self._added(ready))

    def _add_numbered(self, requests: Mapping[int, TaskRequest]) -> dict[int, str | None]:
        ids: dict[int, str | None] = {}
        left = dict(requests)
        for attempt in range(1, _ROUNDS + 1):
            ready: dict[int, NewTask] = {}
            for place, request in left.items():
                task, either_way = self._task(request, self._new_id(request))
                if self.waiting.must_wait(task, either_way):
                    self.waiting.hold(task, either_way)
                    ids[place] = task.id
                    self.decisions[Action.HOLD] += 1
                else:
                    ready[place] = task
            ids |= {place: task_id for place, task_id in self._added(ready).items() if task_id is not None}
            left = {place: request for place, request in left.items() if place not in ids}
            if not left:
                return ids
            self._highest = None  # somebody else adds tasks too: go on after theirs, and not in step with them
            self._cloud.engine.wait(random.uniform(0, _PAUSE * attempt))  # noqa: S311
        raise ServiceError(
            f"could not add tasks to job {self.job.name!r}: others took every ID that was tried; try again"
        )

    def _added(self, tasks: Mapping[int, NewTask]) -> dict[int, str | None]:
        if not tasks:
            return {}
        ids = dict(zip(tasks, self._cloud.add(self.job, list(tasks.values())), strict=True))
        for place, task_id in ids.items():
            if task_id is not None:
                self.known[task_id] = tasks[place].job
                self.decisions[Action.SUBMIT] += 1
        return ids

    def _released(self, tasks: Sequence[NewTask]) -> dict[str, Job]:
        added = {}
        for task, given in zip(tasks, self._cloud.add(self.job, tasks) if tasks else (), strict=True):
            if given is None:
                raise ServiceError(f"task {task.id!r} was held, and meanwhile another one has got its ID")
            added[given] = self.known[given] = self.waiting.drop(given).job
        return added

    def _task(self, request: TaskRequest, task_id: str | None) -> tuple[NewTask, set[str]]:
        """The task, and which of its upstream, still active, need only have ended for it."""
        job = request.work if task_id is None else request.named(task_id)
        ranges = (request.range,) if request.range else ()
        upstream = request.upstream
        if not request.either_way or not upstream:
            return NewTask(task_id, job, upstream, ranges), set()
        lets = self._cloud.lenient(self.job.name, upstream)
        lets |= {name for name in upstream if name in self.known and self.known[name].run_dependents_on_fail}
        strict = [name for name in upstream if name not in lets and name not in self.waiting.tasks]
        details = self._cloud.some(self.job.name, strict) if strict else {}
        ended = {name for name in strict if name in details and not details[name].status.active}
        left = tuple(name for name in upstream if name not in ended)
        held = {name for name in upstream if name in self.waiting.tasks}
        return NewTask(task_id, job, left, ranges), (set(strict) - ended) | held

    def _new_id(self, request: TaskRequest) -> str:
        self._highest = self._last() + 1
        return new_id(self._highest, request.suffix, ints=self._ints)

    def _last(self) -> int:
        if self._highest is None:
            ids = (*self._cloud.task_ids(self.job.name), *self.waiting.tasks)
            self._highest = highest(ids, ints=self._ints)
        return self._highest

    def _claim(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            self._claimed.update((canonical_uri(uri), job) for uri in job.outputs)


def _as_task(detail: JobDetail, task: str) -> JobDetail:
    """The detail under its task's ID, which is what the users of CloudClient know."""
    return JobDetail(task, detail.name, detail.status)
