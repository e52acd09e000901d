"""This package's endpoint without its sockets: its own application, scheduler and faults, and a scripted runner."""

from __future__ import annotations

import asyncio
import heapq
import json
import math
from collections.abc import Callable, Sequence
from itertools import count
from random import Random
from typing import Any
from urllib.parse import urlsplit

from batch_helpers.engines.aws.arrays.carriers import carried
from batch_helpers.engines.aws.arrays.table import Table
from batch_helpers.job import Status
from batch_helpers.serve.app import App
from batch_helpers.serve.arns import Arns
from batch_helpers.serve.clock import Clock
from batch_helpers.serve.defaults import provide
from batch_helpers.serve.faults import Faults
from batch_helpers.serve.gateway import Gateway
from batch_helpers.serve.hiding import Hiding
from batch_helpers.serve.jobs.retrying import Failure
from batch_helpers.serve.runners.base import Capacity, Event
from batch_helpers.serve.scheduling.retention import Retention
from batch_helpers.serve.scheduling.scheduler import Scheduler
from batch_helpers.serve.service import Service
from batch_helpers.serve.state.database import Database
from batch_helpers.serve.state.rows import Ready, Stop
from batch_helpers.serve.texts.details import DetailWriter
from batch_helpers.serve.verdicts import EXITED, TERMINATED
from tests.faults.ledger import Ledger
from tests.faults.scenario import Scenario

START = 1_800_000_000.0
_NEXT = {Status.RUNNABLE: Status.STARTING, Status.STARTING: Status.RUNNING, Status.RUNNING: Status.SUCCEEDED}
_AGAIN = 3.0

MayStart = Callable[[Sequence[str], float], bool]
"""Whether a job may leave the queue, by the jobIds of the same work that have not ended, and since when it could."""


class Hands:
    """A runner whose jobs take the seconds that the seed gives them, and work in the ledger.

    may_start: asked before a job leaves the queue. The ledger has the time of the run.
    """

    capacity = Capacity()
    writes_logs = False
    room = 1000

    def __init__(self, clock: Clock, ledger: Ledger, random: Random, may_start: MayStart) -> None:
        self._clock, self._ledger, self._random, self._may_start = clock, ledger, random, may_start
        self._plays: dict[int, tuple[Ready, Status, float]] = {}
        self._due: list[tuple[float, int, int]] = []
        self._order = count()

    @property
    def due(self) -> float | None:
        """When something changes next, in seconds of the clock."""
        return self._due[0][0] if self._due else None

    async def turn(self, ready: Sequence[Ready], stops: Sequence[Stop]) -> list[Event]:
        now, events = self._clock.seconds(), []
        for item in ready:
            if item.seq not in self._plays:
                self._put(item._replace(name=_own_name(item)), Status(item.status), now)
        for stop in stops:
            events += self._stop(stop, now)
        while self._due and self._due[0][0] <= now:
            seq = heapq.heappop(self._due)[2]
            if seq in self._plays:
                events += self._move(seq, now)
        return events

    def due_in(self) -> float | None:
        return None if self.due is None else max(0.0, self.due - self._clock.seconds())

    def log(self, job_id: str, attempt: int) -> str | None:
        return None

    def forget(self, job_ids: Sequence[str]) -> None:
        """Nothing is kept."""

    async def close(self) -> None:
        """Nothing is open."""

    def _put(self, item: Ready, status: Status, now: float) -> None:
        self._plays[item.seq] = (item, status, now)
        seconds = self._random.choice((0.0, 0.1, 2.0, 30.0)) * self._random.random()
        heapq.heappush(self._due, (now + seconds, next(self._order), item.seq))

    def _move(self, seq: int, now: float) -> list[Event]:
        item, status, since = self._plays[seq]
        alike = [other.id.partition(":")[0] for other, _, _ in self._plays.values() if other.name == item.name]
        if status is Status.RUNNABLE and not self._may_start(alike, since - START):
            heapq.heappush(self._due, (now + _AGAIN, next(self._order), seq))
            return []
        following = _NEXT[status]
        if following is Status.SUCCEEDED:
            return [self._end(item, now)]
        if following is Status.RUNNING:
            self._ledger.begin(item.name, item.id, now - START)
        self._put(item, following, now)
        return [Event(seq, following, _ms(now))]

    def _end(self, item: Ready, now: float) -> Event:
        del self._plays[item.seq]
        name = self._ledger.jobs[item.name.rpartition("-")[2]].name
        bad = self._ledger.scenario.badly.get(name)
        unlucky = bad is not None and (bad.times is None or self._ledger.failures[name] < bad.times)
        hollow = bad is not None and bad.hollow
        self._ledger.end(item.name, item.id, now - START, good=not unlucky, hollow=unlucky and hollow)
        if unlucky and not hollow:
            return Event(item.seq, Status.FAILED, _ms(now), Failure(1, "", EXITED))
        return Event(item.seq, Status.SUCCEEDED, _ms(now))

    def _stop(self, stop: Stop, now: float) -> list[Event]:
        found = self._plays.get(stop.seq)
        if found is None or (found[1] is not Status.RUNNABLE and not stop.force):
            return []
        del self._plays[stop.seq]
        if found[1] is Status.RUNNING:
            self._ledger.end(found[0].name, found[0].id, now - START, good=False, hollow=False)
        return [Event(stop.seq, Status.FAILED, _ms(now), TERMINATED, began=found[1] is not Status.RUNNABLE)]


def _own_name(item: Ready) -> str:
    """A job's name; of an array's child, the one that its table gives it."""
    if item.array_index is None:
        return item.name
    table = carried(json.loads(item.container)["command"])
    assert isinstance(table, Table)
    return table.names[item.array_index]


class Veils(Hiding):
    """Hiding that remembers since when each hidden job is to be seen, in seconds of the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.visible: dict[str, float] = {}

    def hide(self, job_id: str, until: float | None, listings: int | None) -> None:
        super().hide(job_id, until, listings)
        self.visible[job_id] = math.inf if until is None else until

    def hidden(self, job_id: str, now: float) -> bool:
        hidden = super().hidden(job_id, now)
        if not hidden and self.visible.get(job_id) == math.inf:
            self.visible[job_id] = now
        return hidden


class Endpoint:
    """One endpoint, asked in process. `now` tells the time of the run."""

    def __init__(
        self, directory: str, scenario: Scenario, ledger: Ledger, now: Callable[[], float], may_start: MayStart
    ) -> None:
        self._clock = Clock(lambda: START + now())
        self.hands = Hands(self._clock, ledger, Random(scenario.seed + 1), may_start)
        self.database = Database(directory)
        arns = Arns("us-east-1")
        self._veils = Veils()
        self.service = Service(self.database, arns, self._clock, self.hands, DetailWriter(arns), self._veils)
        provide(self.service)
        gateway, self.faults = Gateway(self.service, "127.0.0.1"), Faults(scenario.seed)
        for rule in scenario.rules:
            self.faults.add(rule)
        self.counters = gateway.counters
        self._app = App(self.service, gateway, self.faults)
        self._scheduler = Scheduler(self.service, Retention(self.service, scenario.retention))
        self._loop = asyncio.new_event_loop()

    def close(self) -> None:
        self._loop.close()
        self.database.close()

    def due(self) -> float | None:
        return None if self.hands.due is None else self.hands.due - START

    def settle(self) -> None:
        """Let the scheduler work until nothing moves at this moment."""
        while self._loop.run_until_complete(self._scheduler.turn()):
            pass

    def visible_since(self, job_id: str) -> float:
        """Since when listings show a job, in the time of the run; infinite while nobody knows when they will."""
        self._veils.hidden(job_id, self._clock.seconds())
        return self._veils.visible.get(job_id, START) - START

    def reveal(self) -> None:
        """Hide nothing any more: nobody is left whose listings would count."""
        self._veils = self.service.hiding = Veils()

    def ask(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Heard:
        """Send a request; what comes back over the line."""
        line, place = Heard(), urlsplit(url)
        scope = {
            "type": "http",
            "method": method,
            "raw_path": place.path.encode(),
            "query_string": place.query.encode(),
            "headers": [(name.lower().encode(), text.encode()) for name, text in headers.items()],
            "state": {"transport": line},
        }
        self._loop.run_until_complete(self._app(scope, line.receiver(body), line.send))
        self.settle()
        return line


class Heard:
    """What a client hears of an answer: status None when there was not a byte; `whole` unless it was cut."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self.body = b""
        self.whole = True

    def receiver(self, body: bytes) -> Callable[[], Any]:
        messages = iter([{"type": "http.request", "body": body}, {"type": "http.disconnect"}])

        async def receive() -> dict[str, Any]:
            return next(messages)

        return receive

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): text.decode() for name, text in message["headers"]}
        else:
            self.body += message["body"]

    def write(self, data: bytes) -> None:
        """The beginning of an answer, up to somewhere in its headers."""
        self.status = int(data.split()[1])

    def close(self) -> None:
        self.whole = False


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
