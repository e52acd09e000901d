"""An engine and a store that live in memory, for tests of scripts that use batch_helpers.

    store = MemoryStore()
    engine = MemoryEngine(store)
    helper = BatchHelper(engine, store)
    job_id = helper.add_job(name="align-s1", command=["align"], outputs=["memory://out/s1.bam"])
    engine.settle(job_id)                      # it succeeds, and its outputs are there
    assert helper.monitor().exit_code == 0

Both pass the contract suites that every engine and store of this package passes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from batch_helpers.engines.base import Capabilities
from batch_helpers.errors import NotFound, UnknownDependency
from batch_helpers.job import PROGRESS, Attempt, Job, JobDetail, Status
from batch_helpers.output import Output
from batch_helpers.stores.base import Found


class MemoryStore:
    """A Store in a dictionary; any URI is fine. `objects` maps URIs to their bytes, and may be changed at will."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.objects: dict[str, bytes] = {}
        self._modified: dict[str, float] = {}
        self._clock = clock

    def find(self, uris: Collection[str], *, measured: Collection[str] = ()) -> dict[str, Found]:  # noqa: ARG002
        return {uri: Found(len(self.objects[uri]), self._modified.get(uri)) for uri in uris if uri in self.objects}

    def count(self, folders: Mapping[str, int]) -> dict[str, int]:
        files = [uri for uri in self.objects if uri[-1] != "/"]
        return {folder: min(enough, sum(uri.startswith(folder) for uri in files)) for folder, enough in folders.items()}

    def read(self, uri: str) -> bytes:
        try:
            return self.objects[uri]
        except KeyError as exc:
            raise NotFound(f"{uri} does not exist") from exc

    def write(self, uri: str, data: bytes, *, only_if_absent: bool = False) -> bool:
        if only_if_absent and uri in self.objects:
            return False
        self.objects[uri], self._modified[uri] = bytes(data), self._clock()
        return True

    def delete(self, uris: Collection[str]) -> None:
        for uri in uris:
            self.objects.pop(uri, None)


class MemoryEngine:
    """An Engine whose jobs end when they are told to.

    settle() ends a job, advance() moves it on, forget() makes the service forget it. With `automatic=True` each wait()
    ends every job that is ready. Jobs that succeed write their outputs to `store`. `now` is the time, and wait()
    moves it on. With `unique=False` it takes the same work twice, as AWS Batch does.
    """

    name = "memory"

    def __init__(
        self,
        store: MemoryStore | None = None,
        *,
        automatic: bool = False,
        unique: bool = True,
        capabilities: Capabilities | None = None,
    ) -> None:
        self.store = store if store is not None else MemoryStore()
        self.capabilities = capabilities or Capabilities(failure_dependencies=True)
        self.automatic, self.unique = automatic, unique
        self.now = 0.0
        self.jobs: dict[str, Job] = {}
        self.submitted: list[Job] = []
        self.log_lines: dict[str, list[str]] = {}
        self._details: dict[str, JobDetail] = {}

    def check(self, jobs: Sequence[Job]) -> None:
        """Every job can run here."""

    def submit(self, jobs: Sequence[Job]) -> list[str]:
        for job in jobs:
            for item in job.depends_on:
                if item not in self._details:
                    raise UnknownDependency(f"{job.name!r} depends on {item!r}, which is not a jobId of this engine")
        return [self._submit(job) for job in jobs]

    def active(self, queues: Collection[str]) -> Iterator[JobDetail]:
        return iter([d for d in self._details.values() if d.status.active and d.queue in queues])

    def describe(self, job_ids: Sequence[str]) -> dict[str, JobDetail]:
        return {job_id: self._details[job_id] for job_id in job_ids if job_id in self._details}

    def terminate(self, job_ids: Sequence[str], reason: str) -> None:
        for job_id in job_ids:
            if job_id in self._details and self._details[job_id].status.active:
                self.settle(job_id, Status.FAILED, reason=reason)

    def cancel(self, job_ids: Sequence[str], reason: str) -> None:
        known = self.describe(job_ids)
        self.terminate(
            [job_id for job_id in known if PROGRESS[known[job_id].status] < PROGRESS[Status.STARTING]], reason
        )

    def failed(self, queues: Collection[str]) -> Iterator[JobDetail]:
        ended = [d for d in self._details.values() if d.status is Status.FAILED and d.queue in queues]
        return iter(sorted(ended, key=lambda detail: detail.stopped_at or 0, reverse=True))

    def logs(self, job_id: str, attempt: int | None = None) -> Iterator[str]:  # noqa: ARG002
        return iter(list(self.log_lines.get(job_id, ())))

    def wait(self, seconds: float) -> None:
        self.now += seconds
        if self.automatic:
            ready = (Status.RUNNABLE, Status.STARTING, Status.RUNNING)
            for detail in [item for item in self._details.values() if item.status in ready]:
                self.settle(detail.job_id)

    def settle(
        self, job_id: str, status: Status = Status.SUCCEEDED, *, reason: str = "", exit_code: int | None = None
    ) -> None:
        """End a job; when it succeeds its outputs appear in the store. What waits for it moves on or fails."""
        code = exit_code if exit_code is not None else int(status is Status.FAILED)
        if status is Status.SUCCEEDED:
            for uri in self.jobs[job_id].outputs:
                self._leave(uri)
        attempt = Attempt(1, exit_code=code, reason=reason, started_at=self.now, stopped_at=self.now)
        self._details[job_id] = replace(
            self._details[job_id],
            status=status,
            reason=reason,
            exit_code=code,
            stopped_at=self.now,
            attempts=(attempt,),
        )
        self._release()

    def advance(self, job_id: str, status: Status) -> None:
        """Move an active job to another active state."""
        self._details[job_id] = replace(self._details[job_id], status=status)

    def forget(self, job_id: str) -> None:
        """Behave as a service whose retention has passed: the job is not known any more."""
        del self._details[job_id]

    def _leave(self, uri: str) -> None:
        if not isinstance(uri, Output):
            self.store.write(uri, b"")
            return
        if uri.file is not None:
            self.store.write(uri.file, bytes(uri.min_size))
        for number in range(uri.least):
            self.store.write(f"{uri}part-{number:05}", b"")

    def _submit(self, job: Job) -> str:
        for detail in self._details.values() if self.unique else ():
            if detail.status.active and self.jobs[detail.job_id].fingerprint == job.fingerprint:
                return detail.job_id
        job_id = f"memory-{len(self.jobs) + 1}"
        self.jobs[job_id] = job
        self.submitted.append(job)
        self._details[job_id] = JobDetail(
            job_id, job.full_name, Status.SUBMITTED, queue=job.job_queue or "", created_at=self.now
        )
        self._release()
        return job_id

    def _release(self) -> None:
        """Settle what dependencies decide, until nothing changes."""
        changed = True
        while changed:
            changed = False
            for job_id, detail in list(self._details.items()):
                if PROGRESS[detail.status] < PROGRESS[Status.RUNNABLE]:
                    changed |= self._move(job_id, detail)

    def _move(self, job_id: str, detail: JobDetail) -> bool:
        blocker = self._blocker(self.jobs[job_id])
        if blocker == Status.FAILED:
            change = replace(detail, status=Status.FAILED, reason="Dependent Job failed", stopped_at=self.now)
        else:
            change = replace(detail, status=Status.RUNNABLE if blocker is None else Status.PENDING)
        self._details[job_id] = change
        return change.status is not detail.status

    def _blocker(self, job: Job) -> Status | None:
        """What keeps a job from starting: FAILED for ever, PENDING for now, None for nothing."""
        waiting = None
        for item in job.depends_on:
            detail = self._details.get(str(item))
            if detail is None or detail.status is Status.SUCCEEDED:
                continue
            if detail.status.active:
                waiting = Status.PENDING
            elif not self.jobs[detail.job_id].run_dependents_on_fail:
                return Status.FAILED
        return waiting
