"""What really happened, written down where the work is done: the judge of every run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from batch_helpers.job import Job
from tests.faults.scenario import Scenario


@dataclass
class Work:
    """One job of the service that began. `good` once it has ended well, outputs and all."""

    job_id: str
    began: float
    ended: float | None = None
    good: bool = False


@dataclass
class Ledger:
    """The outputs that are there, since when, and all work that was done.

    violations: what should never be. story: all that happened, in words.
    """

    scenario: Scenario
    written: dict[str, float] = field(default_factory=dict)
    works: dict[str, list[Work]] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    story: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.written.update(dict.fromkeys(self.scenario.present, 0.0))
        self.jobs = {job.key: job for job in self.scenario.jobs}

    def begin(self, name: str, job_id: str, now: float) -> None:
        """A job of the service starts to work."""
        job = self.jobs[name.rpartition("-")[2]]
        works = self.works.setdefault(job.name, [])
        if self.scenario.strict:
            if running := [work.job_id for work in works if work.ended is None]:
                self.accuse(now, f"{job.name} runs twice at once: {job_id} beside {running[0]}")
            elif self.complete(job) and not self._remade(job, max(self.written[uri] for uri in job.outputs)):
                self.accuse(now, f"{job.name} runs although its outputs are there ({job_id})")
        works.append(Work(job_id, now))
        self.tell(now, f"{job.name} begins ({job_id})")

    def end(self, name: str, job_id: str, now: float, *, good: bool, hollow: bool) -> None:
        """It has ended; when it went well its outputs are there from now on, unless it is hollow."""
        job = self.jobs[name.rpartition("-")[2]]
        work = next(item for item in self.works[job.name] if item.job_id == job_id and item.ended is None)
        work.ended, work.good = now, good and not hollow
        self.tell(now, f"{job.name} ends {'well' if work.good else 'badly'} ({job_id})")
        if work.good:
            self.written.update(dict.fromkeys(job.outputs, now))
        else:
            self.failures[job.name] += 1

    def accuse(self, now: float, what: str) -> None:
        self.violations.append(f"{now:9.2f} s: {what}")
        self.tell(now, f"!!! {what}")

    def tell(self, now: float, what: str) -> None:
        self.story.append(f"{now:9.2f} s: {what}")

    def complete(self, job: Job) -> bool:
        return all(uri in self.written for uri in job.outputs)

    def done(self, job: Job) -> bool:
        """Whether nothing is left to do for it: its outputs are there, or nobody needs them any more."""
        if self.complete(job):
            return True
        users = [other for other in self.scenario.jobs if job in other.depends_on]
        return job.intermediate and bool(users) and all(self.complete(other) for other in users)

    def excused(self, job: Job) -> bool:
        """Whether a job that is not done could not be: it always fails, or hangs on such a one."""
        bad = self.scenario.badly.get(job.name)
        if bad is not None and bad.times is None and not self.complete(job):
            return True
        needs = [item for item in job.depends_on if isinstance(item, Job)]
        return any(self.excused(item) for item in needs if not item.run_dependents_on_fail)

    def _remade(self, job: Job, since: float) -> bool:
        """Whether something that a job is made from has been worked on since."""
        for item in job.depends_on:
            if not isinstance(item, Job):
                continue
            if item.run_dependents_on_fail and not self.complete(item):
                return True  # it was to be made anew, and its dependants start however it ends
            worked = any(work.ended is not None and work.ended >= since for work in self.works.get(item.name, ()))
            if worked and (not item.intermediate or self._remade(item, since)):
                return True
        return False
