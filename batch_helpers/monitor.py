"""Watching jobs until they have ended: one poll for all of them, as snapshots."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from batch_helpers.diagnose import FailureGroup, Failures
from batch_helpers.duplicates import by_key
from batch_helpers.engines.base import ArrayEngine, Engine
from batch_helpers.errors import AccessDenied, CredentialsError, InvalidInput, NotFound, ServiceError
from batch_helpers.job import Job, JobDetail, Status
from batch_helpers.plan import Action
from batch_helpers.stores.base import Store
from batch_helpers.validity import survey

LOST_AFTER = 60.0
"""Seconds after which a job that the service does not know any more gets its verdict from its outputs."""

BLIND_AFTER = 3600.0
"""Seconds of nothing but failed polls after which watching ends with the last error; the jobs go on."""

DESCRIBED_AT_ONCE = 5000
"""Jobs that are described, and judged by their outputs, before the next ones are."""

QUICKEST = 1 / 8
"""Of the interval: how soon after one poll the next one comes while things change."""

_DISTANCE = 20

_FINAL_ERRORS = (CredentialsError, AccessDenied, NotFound, InvalidInput)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything known of the run at one poll.

    elapsed: seconds since watching began. stages: watched jobs by stage and status. jobs: details by jobId.
    held: jobs that are yet to be submitted. skipped: jobs by stage that had nothing to do. decisions: how all jobs of
    this run were decided. finished: how many ended while they were watched. failures: the failed jobs, grouped by
    cause, definition and what their reasons share, the largest group first. warning: why this picture is an older one.
    paused: why nothing more is submitted, and what is held back. detached: watching was ended by Ctrl-C.
    """

    elapsed: float = 0.0
    stages: Mapping[str, Mapping[Status, int]] = field(default_factory=dict)
    jobs: Mapping[str, JobDetail] = field(default_factory=dict)
    held: tuple[Job, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)
    decisions: Mapping[Action, int] = field(default_factory=dict)
    finished: int = 0
    failures: Sequence[FailureGroup] = ()
    warning: str = ""
    paused: str = ""
    detached: bool = False

    @property
    def counts(self) -> Mapping[Status, int]:
        """Jobs by status, every status present."""
        total: Counter[Status] = Counter()
        for by_status in self.stages.values():
            total.update(by_status)
        return {status: total[status] for status in Status}

    @property
    def active(self) -> int:
        """How many jobs have not ended, those that are held among them."""
        return sum(number for status, number in self.counts.items() if status.active) + len(self.held)

    @property
    def failed(self) -> list[JobDetail]:
        """The jobs that failed, in the order in which they were added."""
        return [detail for detail in self.jobs.values() if detail.status is Status.FAILED]

    @property
    def rate(self) -> float:
        """Jobs ended per second while they were watched; 0 in the first second, which tells nothing yet."""
        return self.finished / self.elapsed if self.elapsed >= 1 else 0.0

    @property
    def remaining(self) -> float | None:
        """Seconds until the last job ends if they go on ending at this rate; None when nothing has ended yet."""
        if not self.active:
            return 0.0
        return self.active / self.rate if self.rate else None

    @property
    def exit_code(self) -> int:
        """0: every job succeeded. 1: a job failed. 130: watching was ended by Ctrl-C. 3: jobs are still active."""
        if self.detached:
            return 130
        if self.counts[Status.FAILED]:
            return 1
        return 3 if self.active else 0


class Watch:
    """The jobs that are being watched. poll() asks the engine once for all that have not ended.

    A job that left the active set is described once; one that the service has forgotten gets a verdict by its outputs
    after LOST_AFTER seconds; one that SUCCEEDED without its outputs becomes FAILED, `missing outputs`.
    After a poll `seen` holds every active job of the watched queues by the key in its name, and `newly_failed` the
    jobIds of those that were found to have failed.
    """

    def __init__(self, engine: Engine, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine, self._store, self._clock = engine, store, clock
        self._jobs: dict[str, Job] = {}
        self._details: dict[str, JobDetail] = {}
        self._open: dict[str, None] = {}
        self._absent_since: dict[str, float] = {}
        self._asked: dict[str, float] = {}
        self._at_once = DESCRIBED_AT_ONCE
        self._stages: dict[str, Counter[Status]] = {}
        self._failures = Failures()
        self._began: float | None = None
        self._blind_since: float | None = None
        self._finished = 0
        self._told: dict[str, Status] = {}
        self.seen: Mapping[str, Sequence[JobDetail]] = {}
        self.newly_failed: list[str] = []

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def jobs(self) -> Mapping[str, Job]:
        """The watched jobs by jobId, as they were submitted."""
        return MappingProxyType(self._jobs)

    @property
    def open(self) -> Collection[str]:
        """The jobIds of those that have not ended."""
        return self._open.keys()

    def add(self, job: Job, detail: JobDetail) -> None:
        """Watch one more job."""
        if detail.job_id in self._jobs:
            return
        self._jobs[detail.job_id] = job
        self._put(detail)
        if detail.status.active:
            self._open[detail.job_id] = None

    def drop(self, job_id: str) -> None:
        """Watch this job no more, and count it no more; unknown ones are no error."""
        if (job := self._jobs.pop(job_id, None)) is not None:
            detail = self._details.pop(job_id)
            self._stages[job.group][detail.status] -= 1
            self._finished -= job_id not in self._open
            self._open.pop(job_id, None)
            self._failures.discard(job_id)

    def redeem(self, job_ids: Iterable[str]) -> list[str]:
        """Count those of these failed jobs as succeeded whose outputs are all there, made by others of the same work.

        Their jobIds. Outputs are looked for once for all of them.
        """
        wanted = {job_id: job for job_id in job_ids if (job := self._jobs[job_id]).outputs}
        seen = survey(self._store, wanted.values())
        good = [job_id for job_id, job in wanted.items() if not seen.lacking(job)]
        reason = "its outputs are there, made by another job of the same work"
        for job_id in good:
            self._put(replace(self._details[job_id], status=Status.SUCCEEDED, reason=reason))
        return good

    def job(self, job_id: str) -> Job | None:
        """A watched job, as it was submitted."""
        return self._jobs.get(job_id)

    def detail(self, job_id: str) -> JobDetail | None:
        """The newest that is known of a watched job."""
        return self._details.get(job_id)

    def poll(self) -> Snapshot:
        """Ask once for everything that has not ended.

        A poll that fails leaves the older picture, with a warning; errors that waiting cannot mend, and an hour of
        nothing but failures, are raised.
        """
        now = self._clock()
        self._began = now if self._began is None else self._began
        try:
            self._refresh(now)
        except _FINAL_ERRORS:
            raise
        except ServiceError as exc:
            self._blind_since = now if self._blind_since is None else self._blind_since
            if now - self._blind_since >= BLIND_AFTER:
                raise
            return self.snapshot(warning=f"this picture is an older one: {exc}")
        self._blind_since = None
        return self.snapshot()

    def snapshot(self, warning: str = "") -> Snapshot:
        """The picture as it is now, without asking anybody."""
        told = {job_id: status for job_id, status in self._told.items() if job_id in self._open}
        return Snapshot(
            elapsed=self._clock() - self._began if self._began is not None else 0.0,
            stages=self._counted(told),
            jobs=MappingProxyType(dict(self._details)),
            finished=self._finished + len(told),
            failures=tuple(self._failures.groups()),
            warning=warning,
        )

    def _counted(self, told: Mapping[str, Status]) -> Mapping[str, Mapping[Status, int]]:
        """The counts of each stage; `told` have ended as far as their number goes."""
        stages = {stage: Counter(counts) for stage, counts in self._stages.items()}
        for job_id, status in told.items():
            stages[self._jobs[job_id].group].subtract([self._details[job_id].status])
            stages[self._jobs[job_id].group].update([status])
        return MappingProxyType({stage: dict(counts) for stage, counts in stages.items()})

    def _look(self) -> list[JobDetail]:
        queues = {self._jobs[job_id].job_queue or "" for job_id in self._open}
        if isinstance(self._engine, ArrayEngine):
            return list(self._engine.look(queues, self.open))
        return list(self._engine.active(queues))

    def _refresh(self, now: float) -> None:
        self.seen, self.newly_failed = {}, []
        if not self._open:
            return
        everything = self._look()
        self.seen = by_key(everything)
        live = {detail.job_id: detail for detail in everything if detail.job_id in self._open}
        gone = [job_id for job_id in self._open if job_id not in live]
        self._told = {job_id: detail.status for job_id, detail in live.items() if not detail.status.active}
        for detail in live.values():
            if detail.job_id not in self._told:
                self._settle(detail)
        self._describe(gone, now)

    def _describe(self, gone: Sequence[str], now: float) -> None:
        """Ask about jobs that left the active set, in parts, so that what one part told stays when the next one fails.

        Those that were asked about longest ago come first, and after a failure parts are smaller: so nobody waits for
        ever behind, or beside, one that cannot be answered.
        """
        self._asked = {job_id: self._asked.get(job_id, -math.inf) for job_id in gone}
        self._absent_since = {job_id: since for job_id, since in self._absent_since.items() if job_id in self._asked}
        order = sorted(gone, key=self._asked.__getitem__)
        for start in range(0, len(order), self._at_once):
            part = order[start : start + self._at_once]
            self._asked.update(dict.fromkeys(part, now))
            try:
                verdicts = self._judged(part, now)
            except ServiceError:
                self._at_once = max(1, self._at_once // 2)
                raise
            self.newly_failed += [detail.job_id for detail in verdicts if detail.status is Status.FAILED]
            for detail in verdicts:
                self._settle(detail)
        self._at_once = DESCRIBED_AT_ONCE

    def _judged(self, gone: Sequence[str], now: float) -> list[JobDetail]:
        described = self._engine.describe(gone)
        for job_id in gone:
            if job_id in described:
                self._absent_since.pop(job_id, None)
            else:
                self._absent_since.setdefault(job_id, now)
        lost = [job_id for job_id in gone if now - self._absent_since.get(job_id, now) >= LOST_AFTER]
        return self._verdicts([described[job_id] for job_id in gone if job_id in described], lost)

    def _verdicts(self, described: Sequence[JobDetail], lost: Sequence[str]) -> list[JobDetail]:
        succeeded = [detail.job_id for detail in described if detail.status is Status.SUCCEEDED]
        seen = survey(self._store, [self._jobs[job_id] for job_id in (*succeeded, *lost)])
        missing = {job_id: seen.lacking(self._jobs[job_id]) for job_id in (*succeeded, *lost)}
        judged = [_forgotten(self._details[job_id], self._jobs[job_id], missing[job_id]) for job_id in lost]
        return [*(_checked(detail, missing.get(detail.job_id, [])) for detail in described), *judged]

    def _settle(self, detail: JobDetail) -> None:
        if not detail.status.active:
            del self._open[detail.job_id]
            self._finished += 1
        self._put(detail)

    def _put(self, detail: JobDetail) -> None:
        known = self._details.get(detail.job_id)
        self._details[detail.job_id] = detail
        if known is not None and known.status is detail.status:
            return
        counts = self._stages.setdefault(self._jobs[detail.job_id].group, Counter())
        if known is not None:
            counts[known.status] -= 1
        counts[detail.status] += 1
        if detail.status is Status.FAILED:
            self._failures.put(detail, self._jobs[detail.job_id])
        elif known is not None and known.status is Status.FAILED:
            self._failures.discard(detail.job_id)


def watch(
    watched: Watch,
    wait: Callable[[float], None],
    *,
    interval: float,
    busy: Callable[[], bool],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Snapshot]:
    """Poll until nobody is busy, waiting up to `interval` seconds between polls; at least one snapshot.

    The pause doubles from poll to poll while nothing changes, or nobody answers, and is halved when something did.
    `wait` may return early when something has changed; polls then still keep a distance of twenty times their cost.
    """
    pause, last = interval * QUICKEST, None
    while True:
        started = clock()
        yield (polled := watched.poll())
        if not busy():
            return
        changed, last = last is not None and polled.stages != last, polled.stages
        pause = max(pause / 2, interval * QUICKEST) if changed else min(pause * 2, interval)
        ready = clock()
        wait(pause)
        too_early = min(interval, _DISTANCE * (ready - started)) - (clock() - ready)
        if too_early > 0:
            sleep(too_early)


def _checked(detail: JobDetail, missing: Sequence[str]) -> JobDetail:
    if not missing:
        return detail
    return replace(detail, status=Status.FAILED, reason=f"missing outputs: {_some(missing)}")


def _forgotten(last: JobDetail, job: Job, missing: Sequence[str]) -> JobDetail:
    if job.outputs and not missing:
        reason = "the service has forgotten this job; its outputs are there"
        return replace(last, status=Status.SUCCEEDED, reason=reason)
    what = f"and outputs are missing: {_some(missing)}" if missing else "and it declares no outputs to judge by"
    return replace(last, status=Status.FAILED, reason=f"lost: the service has forgotten this job, {what}; run it again")


def _some(uris: Sequence[str]) -> str:
    return uris[0] if len(uris) == 1 else f"{uris[0]}, and {len(uris) - 1} more"
