"""LocalEngine: the Engine over a database in a directory and the supervisor that runs what is in it."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence

from batch_helpers.engines.base import Capabilities
from batch_helpers.engines.local.checks import check
from batch_helpers.engines.local.containers import RUNTIMES
from batch_helpers.engines.local.database import STATE, Database
from batch_helpers.engines.local.intake import QUEUE, here, new_job
from batch_helpers.engines.local.logs import LOGS, lines
from batch_helpers.engines.local.room import Room
from batch_helpers.engines.local.rows import Capacity
from batch_helpers.engines.local.start import on_its_way, see_to_it
from batch_helpers.engines.local.watching import Waiter
from batch_helpers.errors import InvalidInput, ServiceError, SubmitFailed
from batch_helpers.job import Job, JobDetail

_ATTEND_EVERY = 1.0
_FAILED_LIMIT = 1000


class LocalEngine:
    """Jobs as processes of this machine, run by a detached supervisor that outlives the script.

    directory: where state and logs are kept, on a local disk; made by the first submit. containers: `docker`, `podman`
    or `apptainer`, to run jobs that name an image in it. vcpus, memory (MiB): how much of the machine jobs may take
    together; a job that asks for more gets all of it. sleep, clock: how `wait` waits, in seconds.
    """

    name = "local"
    capabilities = Capabilities(max_dependencies=None, failure_dependencies=True)

    def __init__(
        self,
        directory: str | os.PathLike[str] = ".batch",
        *,
        containers: str | None = None,
        vcpus: float | None = None,
        memory: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if containers is not None and containers not in RUNTIMES:
            raise InvalidInput(f"containers={containers!r}: give one of {', '.join(RUNTIMES)}, or leave it out")
        _check_positive("vcpus", vcpus)
        _check_positive("memory", memory)
        self.directory = os.path.abspath(directory)
        self._containers, self._capacity = containers, Capacity(vcpus, memory)
        self._waiter = Waiter(sleep, clock)
        self._attended = 0.0
        self._opening = threading.Lock()
        self._opened: Database | None = None
        self._seen: int | None = None
        self._said: set[str] = set()

    @property
    def room(self) -> Room:
        """How much of the machine jobs may take together."""
        return Room(self._capacity)

    def check(self, jobs: Sequence[Job]) -> None:
        """Raise InvalidJob for the first job that can never run here."""
        for job in jobs:
            check(job, self._containers)

    def submit(self, jobs: Sequence[Job]) -> list[str]:
        """Insert all of these jobs or none, and see that a supervisor runs them; see Engine.submit.

        Returns after the jobs are safe on the disk. Raises UnknownDependency before anything is inserted.
        """
        if not jobs:
            return []
        self.check(jobs)
        context = here()
        self._explain(jobs)
        database = self._create()
        with on_its_way(database):
            new = [new_job(job, self._containers) for job in jobs]
            with database.changes(time.time()) as changes:
                changes.limit(self._capacity)
                ids = changes.insert(new, context)
        self._seen = None
        try:
            see_to_it(database)
        except ServiceError as exc:
            raise SubmitFailed(str(exc), dict(enumerate(ids))) from exc
        return ids

    def active(self, queues: Collection[str]) -> Iterator[JobDetail]:
        """Every job of these queues that has not ended; see Engine.active."""
        if (database := self._existing()) is None:
            return iter(())
        self._attend(database)
        with self._waiter.looking():
            self._seen = database.version()
            return iter(database.active({queue or QUEUE for queue in queues}))

    def describe(self, job_ids: Sequence[str]) -> dict[str, JobDetail]:
        """All that is known of these jobs, with their attempts; see Engine.describe."""
        if (database := self._existing()) is None:
            return {}
        self._attend(database)
        with self._waiter.looking():
            return {detail.job_id: detail for detail in database.describe(job_ids)}

    def failed(self, queues: Collection[str]) -> Iterator[JobDetail]:
        """The last jobs of these queues that failed, a thousand at most, the newest first; see Engine.failed."""
        if (database := self._existing()) is None:
            return iter(())
        self._attend(database)
        return iter(database.failed({queue or QUEUE for queue in queues}, _FAILED_LIMIT))

    def terminate(self, job_ids: Sequence[str], reason: str) -> None:
        """End these jobs; those that run are asked to by their supervisor, at once; see Engine.terminate."""
        self._cancel(job_ids, reason, started=True)

    def cancel(self, job_ids: Sequence[str], reason: str) -> None:
        """End those of these jobs that have not started; see Engine.cancel."""
        self._cancel(job_ids, reason, started=False)

    def _cancel(self, job_ids: Sequence[str], reason: str, *, started: bool) -> None:
        if (database := self._existing()) is not None:
            with database.changes(time.time()) as changes:
                changes.cancel(job_ids, reason, started=started)
            self._seen = None
            see_to_it(database)

    def logs(self, job_id: str, attempt: int | None = None) -> Iterator[str]:
        """The lines of an attempt's stdout and stderr, bytes that are not UTF-8 replaced; see Engine.logs."""
        detail = self.describe([job_id]).get(job_id)
        for item in reversed(detail.attempts if detail else ()):
            if attempt in (None, item.number) and item.log is not None:
                yield from lines(item.log)
                return

    def wait(self, seconds: float) -> None:
        """Return when something has changed since `active` was last asked, or after `seconds`."""
        self._waiter.wait(seconds, self._has_changed)

    def _has_changed(self) -> bool:
        if (database := self._existing()) is None:
            return False
        if time.monotonic() - self._attended >= _ATTEND_EVERY:
            self._attend(database)
        version = database.version()
        changed, self._seen = version != self._seen, version
        return changed

    def _attend(self, database: Database) -> None:
        self._attended = time.monotonic()
        if see_to_it(database):
            self._seen = None  # what we have changed ourselves does not change the version

    def _existing(self) -> Database | None:
        """The database, unless nothing has been submitted here yet."""
        if self._opened is not None and self._opened.usable:
            return self._opened
        return self._open() if os.path.exists(os.path.join(self.directory, STATE)) else None

    def _create(self) -> Database:
        try:
            os.makedirs(os.path.join(self.directory, LOGS), exist_ok=True)
        except OSError as exc:
            raise ServiceError(f"{self.directory}: {exc.strerror}: choose a directory that can be written") from exc
        return self._existing() or self._open()

    def _open(self) -> Database:
        with self._opening:
            if self._opened is None or not self._opened.usable:
                self._opened, self._seen = Database(self.directory), None
            return self._opened

    def _explain(self, jobs: Sequence[Job]) -> None:
        """Say, once each, what is done differently from what the jobs ask for."""
        room = Room(self._capacity)
        for job in jobs:
            if room.exceeded(job.vcpus or 1, job.memory or 0):
                self._say(
                    "too big", f"{job.name!r} asks for more than there is here, so it gets everything and runs alone"
                )
            if job.image is not None and self._containers is None:
                self._say(
                    "image", f"{job.name!r} names an image; its command runs directly, since no containers= is given"
                )
            if job.gpus:
                self._say("gpus", f"{job.name!r} asks for GPUs, which are not counted here")

    def _say(self, topic: str, text: str) -> None:
        if topic not in self._said:
            self._said.add(topic)
            sys.stderr.write(f"local engine: {text}\n")


def _check_positive(option: str, value: object) -> None:
    if value is not None and not (isinstance(value, int | float) and value > 0):
        raise InvalidInput(f"{option}={value!r}: give a positive number, or leave it out for the whole machine")
