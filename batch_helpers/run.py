"""What one process knows of its run: which jobs it has decided, their jobIds, and those that it holds back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from batch_helpers.job import Job
from batch_helpers.plan import Action, Decision
from batch_helpers.uris import claimed_uri


@dataclass(frozen=True, slots=True)
class Held:
    """A job that is not submitted yet, and the jobIds and placeholders that it waits for."""

    job: Job
    upstream: tuple[str, ...]


class Settled(Mapping[Job, str | None]):
    """Jobs of this run and what to wait for: the same object, or another one that is the same work.

    Fingerprints are worked out when the first lookup needs them, not when a job is put in.
    """

    def __init__(self) -> None:
        self._by_job: dict[Job, str | None] = {}
        self._by_key: dict[str, str | None] = {}
        self._new: list[Job] = []

    def put(self, job: Job, job_id: str | None) -> None:
        self._by_job[job] = job_id
        self._new.append(job)

    def __getitem__(self, job: Job) -> str | None:
        if job in self._by_job:
            return self._by_job[job]
        for other in self._new:
            self._by_key[other.key] = self._by_job[other]
        self._new.clear()
        return self._by_key[job.key]

    def __iter__(self) -> Iterator[Job]:
        return iter(self._by_job)

    def __len__(self) -> int:
        return len(self._by_job)


class Run:
    """The ledger of a run. It decides nothing and asks nobody.

    replaced: by jobId the failed job, or the twin, whose place it has taken.
    """

    def __init__(self) -> None:
        self.settled = Settled()
        self.remade: set[str] = set()
        self.held: dict[str, Held] = {}
        self.decisions: Counter[Action] = Counter()
        self.skipped: Counter[str] = Counter()
        self.replaced: dict[str, str] = {}
        self._jobs: dict[str, Job] = {}
        self._real: dict[str, str] = {}
        self._claims: dict[str, Job] = {}
        self._unclaimed: list[Job] = []

    @property
    def claimed(self) -> Mapping[str, Job]:
        """Which job of this run writes an output, by claimed_uri."""
        for job in self._unclaimed:
            for uri in job.outputs:
                self._claims.setdefault(claimed_uri(uri), job)
        self._unclaimed.clear()
        return self._claims

    def count(self, decided: Iterable[Decision]) -> None:
        """Count the decisions of one plan; work that an earlier plan of this run has decided is not counted again."""
        first = not self.settled
        for decision in decided:
            if first or decision.job not in self.settled:
                self.decisions[decision.action] += 1
                if decision.action is Action.SKIP:
                    self.skipped[decision.job.group] += 1

    def record(self, decision: Decision, job_id: str | None) -> None:
        """Remember where a decision has led: a jobId, a placeholder, or None when nothing is to be waited for."""
        job = decision.job
        self.settled.put(job, job_id)
        self._unclaimed.append(job)
        if job_id is not None:
            self._jobs[job_id] = job
            if decision.remade:
                self.remade.add(job_id)

    def job(self, job_id: str) -> Job | None:
        """The job behind a jobId or placeholder of this run."""
        return self._jobs.get(job_id)

    def real(self, job_id: str) -> str:
        """The jobId that stands for this one now: of what a placeholder has become, or of the twin that was kept."""
        while job_id in self._real:
            job_id = self._real[job_id]
        return job_id

    def release(self, old_id: str, job_id: str) -> None:
        """A placeholder, or a job that gave way to another of the same work, is this job from now on."""
        self._jobs[job_id] = self._jobs[old_id]
        placeholder = self.held.pop(old_id, None)
        self._real.pop(job_id, None)
        if old_id != job_id:
            self._real[old_id] = job_id
            if not placeholder:
                self.replaced[job_id] = old_id
            if old_id in self.remade:
                self.remade.add(job_id)
