"""Which job stands for which work in a run: submitting, watching, and putting one job in the place of another."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from batch_helpers.duplicates import twins
from batch_helpers.engines.base import Engine
from batch_helpers.errors import ServiceError, SubmitFailed
from batch_helpers.job import Job, JobDetail, Status
from batch_helpers.monitor import Watch
from batch_helpers.run import Run

_PATIENCE = 10
"""How many submissions in a row may fail while a run is watched before that is an error."""


class Roster:
    """The jobs of one run, in the engine, in the watch and in the ledger at once.

    bind: settles a job's queue and the jobIds that it waits for. say: takes what a person should know.
    active: active jobs by key, as far as they are known.
    """

    def __init__(
        self, engine: Engine, watch: Watch, bind: Callable[[Job, Collection[str]], Job], say: Callable[[str], None]
    ) -> None:
        self.engine, self.watch, self.bind, self.say = engine, watch, bind, say
        self._refusals = 0
        self.run = Run()
        self.active: dict[str, JobDetail] = {}

    def submit(self, jobs: Sequence[Job]) -> Iterable[tuple[int, str]]:
        """The positions and jobIds of what was accepted; SubmitFailed is raised after they have been taken."""
        failure: SubmitFailed | None = None
        try:
            answered = enumerate(self.engine.submit(jobs))
            accepted = {number: job_id for number, job_id in answered if job_id is not None}
        except SubmitFailed as exc:
            failure, accepted = exc, exc.submitted
        yield from accepted.items()
        if failure is not None:
            raise failure

    def submit_patiently(self, jobs: Sequence[Job]) -> Iterable[tuple[int, str]]:
        """The same while watching: what the service did not take is left for the next poll, a few times in a row."""
        if not jobs:
            return
        try:
            yield from self.submit(jobs)
        except ServiceError as exc:
            self._refusals += 1
            if self._refusals >= _PATIENCE:
                raise
            self.say(f"jobs are left for the next poll, because they could not be submitted: {exc}")
        else:
            self._refusals = 0

    def track(self, job: Job, job_id: str) -> None:
        """Watch a job that has just been submitted."""
        self.active[job.key] = detail = fresh(job, job_id, Status.SUBMITTED)
        self.watch.add(job, detail)

    def adopt(self, job_id: str, job: Job) -> bool:
        """Watch a live job of the same work in the place of `job_id`, if the last poll has seen one."""
        group = self.watch.seen.get(job.key)
        if not group:
            return False
        self.swap(job_id, job, twins(group).kept)
        return True

    def swap(self, job_id: str, job: Job, kept: JobDetail) -> None:
        """From now on `kept` stands for the work of `job_id`."""
        self.watch.drop(job_id)
        self.run.release(job_id, kept.job_id)
        self.active[job.key] = kept
        self.watch.add(job, kept)

    def supersede(self, job_id: str, new_id: str) -> None:
        """A job that has ended counts no more, now that a new one does its work again."""
        old_id = self.run.real(job_id)
        seen = self.watch.detail(old_id)
        if seen is not None and not seen.status.active and old_id != new_id:
            self.watch.drop(old_id)
            self.run.release(old_id, new_id)

    def unfinished(self, job_ids: Iterable[str]) -> list[str]:
        """Those that must be waited for; jobs that are known to have succeeded need no waiting."""
        real = dict.fromkeys(map(self.run.real, job_ids))
        known = {job_id: self.watch.detail(job_id) for job_id in real}
        return [job_id for job_id, seen in known.items() if seen is None or seen.status is not Status.SUCCEEDED]


def fresh(job: Job, job_id: str, status: Status, reason: str = "") -> JobDetail:
    """What is known of a job before the engine has told anything of it."""
    return JobDetail(job_id, job.full_name, status, queue=job.job_queue or "", reason=reason)
