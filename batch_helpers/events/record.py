"""What is known of a run, live or from its events: what every table, page and sum is made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from batch_helpers.diagnose import FailureGroup, Failures
from batch_helpers.job import Attempt, Job, JobDetail, Status
from batch_helpers.monitor import Snapshot
from batch_helpers.plan import Action

_SEPARATORS = "-_.:/ "


@dataclass(frozen=True, slots=True)
class Entry:
    """One submitted job. Times are seconds since the epoch, and never run backwards within a job.

    job: what was asked for; None for a job of somebody else's. replaces: the failed jobId whose work this one does
    again. seen: when each status was first seen, by the watcher's clock.
    """

    detail: JobDetail
    job: Job | None = None
    replaces: str | None = None
    seen: tuple[tuple[Status, float], ...] = ()

    @property
    def job_id(self) -> str:
        return self.detail.job_id

    @property
    def name(self) -> str:
        """What its owner calls it."""
        return self.job.name if self.job is not None else self.detail.short_name

    @property
    def status(self) -> Status:
        return self.detail.status

    @property
    def stage(self) -> str:
        """The group in which it is counted; for a stranger's job its definition, or the start of its name."""
        job, detail = self.job, self.detail
        if job is not None:
            return job.group
        return detail.job_definition or detail.short_name.split("-", maxsplit=1)[0] or detail.name

    @property
    def sample(self) -> str:
        """The tag `sample`, or what its name holds beside the stage's."""
        if self.job is not None and "sample" in self.job.tags:
            return self.job.tags["sample"]
        rest = self.name.removeprefix(self.stage)
        if rest == self.name:
            rest = self.name.partition("-")[2]
        return rest.strip(_SEPARATORS) or self.name

    @property
    def created(self) -> float | None:
        """When it was submitted."""
        if self.detail.created_at is not None:
            return self.detail.created_at
        return self.seen[0][1] if self.seen else None

    @property
    def starting(self) -> float | None:
        """When a host was found for its last attempt; known only if somebody watched it then."""
        found = dict(self.seen).get(Status.STARTING)
        return _later(found, self.created) if found is not None else None

    @property
    def started(self) -> float | None:
        """When its last attempt began to run."""
        first = self.detail.started_at
        last = self.detail.attempts[-1].started_at if self.detail.attempts else None
        found = last if last is not None else first
        return _later(found, self.created) if found is not None else None

    @property
    def stopped(self) -> float | None:
        """When it ended; None while it is active."""
        if self.status.active:
            return None
        found = self.detail.stopped_at
        if found is None:
            found = dict(self.seen).get(self.status)
        return _later(found, self.started, self.created) if found is not None else None

    @property
    def tries(self) -> tuple[Attempt, ...]:
        """Its attempts; one made from the job's own times where the engine tells none."""
        if self.detail.attempts or self.detail.started_at is None:
            return self.detail.attempts
        detail = self.detail
        return (Attempt(1, detail.exit_code, detail.reason, detail.started_at, self.stopped),)

    @property
    def wait_seconds(self) -> float | None:
        """From its submission to the beginning of its last attempt, or to its end if none has begun; else None."""
        begun = self.started if self.started is not None else self.stopped
        return begun - self.created if begun is not None and self.created is not None else None

    @property
    def run_seconds(self) -> float | None:
        """How long its attempts ran, all together; None when none has begun."""
        spans = [spent(attempt) for attempt in self.tries]
        known = [seconds for seconds in spans if seconds is not None]
        return sum(known) if known else None


@dataclass(frozen=True)
class RunRecord:
    """A run at one moment.

    began, latest: seconds since the epoch. entries: by jobId, in the order of submission. held: not submitted yet.
    superseded: jobIds whose work a later job has taken over. notes: what was said about the run as a whole.
    warnings: what is odd about the record itself. directory: where the script ran.
    """

    name: str = ""
    engine: str = ""
    directory: str = ""
    began: float | None = None
    latest: float | None = None
    ended: bool = False
    entries: Mapping[str, Entry] = field(default_factory=dict)
    held: tuple[Job, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)
    decisions: Mapping[Action, int] = field(default_factory=dict)
    superseded: Collection[str] = frozenset()
    notes: tuple[tuple[float, str], ...] = ()
    warnings: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Entry]:
        """The entries that count: one for each work, without those that another one replaces."""
        return (entry for job_id, entry in self.entries.items() if job_id not in self.superseded)

    @property
    def elapsed(self) -> float:
        """Seconds from the first to the last that is known of it."""
        if self.began is None or self.latest is None:
            return 0.0
        return max(0.0, self.latest - self.began)

    @cached_property
    def stages(self) -> Mapping[str, Mapping[Status, int]]:
        """Jobs by stage and status, the stages in the order in which they began."""
        found: dict[str, Counter[Status]] = {entry.stage: Counter() for entry in self.entries.values()}
        for entry in self:
            found[entry.stage][entry.status] += 1
        return found

    @cached_property
    def failures(self) -> list[FailureGroup]:
        """Failed jobs, grouped; the largest group first."""
        failures = Failures()
        for entry in self:
            if entry.status is Status.FAILED:
                failures.put(entry.detail, entry.job)
        return failures.groups()

    @cached_property
    def snapshot(self) -> Snapshot:
        """The same picture as the monitor's, for the tables that it prints."""
        current = {entry.job_id: entry.detail for entry in self}
        return Snapshot(
            elapsed=self.elapsed,
            stages=self.stages,
            jobs=current,
            held=self.held,
            skipped=self.skipped,
            decisions=self.decisions,
            finished=sum(not detail.status.active for detail in current.values()),
            failures=tuple(self.failures),
        )


def spent(attempt: Attempt) -> float | None:
    """Seconds that an attempt ran, never negative; None while it is not known."""
    if attempt.started_at is None or attempt.stopped_at is None:
        return None
    return max(0.0, attempt.stopped_at - attempt.started_at)


def _later(time: float, *others: float | None) -> float:
    return max([time, *(other for other in others if other is not None)])
