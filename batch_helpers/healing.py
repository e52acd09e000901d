"""What takes the place of jobs that failed: the twin that was kept, or the same work submitted once more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from batch_helpers.diagnose import Cause, Failures, diagnose
from batch_helpers.duplicates import kept_instead
from batch_helpers.errors import InvalidInput, NotFound
from batch_helpers.job import REPLACES_TAG, Job, JobDetail, Status
from batch_helpers.plan import submission_order
from batch_helpers.recovery import Resubmission, Tries
from batch_helpers.roster import Roster, fresh

_TAGS = 40
"""A job with more tags than this gets no other: the service takes 50, and the compute environment adds its own."""


class Healing:
    """Heals the run after each poll: look() at what the poll has found, then mend() it, unless the run is paused.

    lasting: failures that nothing takes the place of. waiting: whether something is yet to be done about others.
    held_back: how many of them are to be submitted again.
    """

    def __init__(self, roster: Roster, tries: Tries) -> None:
        self._roster, self._tries, self._say = roster, tries, roster.say
        self._fallen: dict[str, Resubmission | None] = {}
        self.lasting = Failures()

    @property
    def waiting(self) -> bool:
        return bool(self._fallen)

    @property
    def held_back(self) -> int:
        return sum(again is not None for again in self._fallen.values())

    def forget(self) -> None:
        """Let those that wait stay as they are: failed."""
        self._fallen.clear()

    def look(self) -> None:
        """Take note of what has failed."""
        watch = self._roster.watch
        for job_id in watch.newly_failed:
            job, detail = watch.job(job_id), watch.detail(job_id)
            if job is not None and detail is not None:
                self._fallen[job_id] = again = self._tries.after(job, detail)
                if again is None and kept_instead(detail) is None:
                    self.lasting.put(detail, job)

    def mend(self) -> bool:
        """Follow, or submit again, what failed and need not stay so: those first on which others hang.

        Whether anything may have changed.
        """
        changed = bool(self._fallen)
        early = self._early()
        for level in list(self._levels()):
            ready = [job_id for job_id in level if not self._needs(job_id) & (self._fallen.keys() | early)]
            orders = dict(self._orders(ready))
            for redeemed in self._roster.watch.redeem([job_id for job_id in orders if self._fallen[job_id] is None]):
                del orders[redeemed]
                self._done(redeemed)
            self._submit(orders)
        return changed

    def _early(self) -> set[str]:
        """Jobs that count as active and have failed since: what fell with them waits for the poll that tells of it."""
        watch = self._roster.watch
        needs = {need for job_id in self._fallen for need in self._needs(job_id) if need in watch.open}
        known = self._roster.engine.describe(sorted(needs)) if needs else {}
        return {job_id for job_id, detail in known.items() if detail.status is Status.FAILED}

    def _levels(self) -> Iterator[list[str]]:
        """The fallen jobs, each after those of them that it waits for."""
        waits = {job_id: self._needs(job_id) & self._fallen.keys() for job_id in self._fallen}
        depth: dict[str, int] = {}
        for job_id in submission_order(waits):
            depth[job_id] = 1 + max((depth[item] for item in waits[job_id]), default=0)
        for level in range(1, max(depth.values(), default=0) + 1):
            yield [job_id for job_id in depth if depth[job_id] == level]

    def _needs(self, job_id: str) -> set[str]:
        job = self._roster.watch.job(job_id)
        return {self._roster.run.real(str(item)) for item in job.depends_on} if job is not None else set()

    def _orders(self, job_ids: Sequence[str]) -> Iterator[tuple[str, Job]]:
        """What is to be submitted for each of these; those that are followed, or stay failed, are done with."""
        for job_id in job_ids:
            job, detail = self._roster.watch.job(job_id), self._roster.watch.detail(job_id)
            order = self._order(job, detail) if job is not None and detail is not None else None
            if order is None:
                self._done(job_id)
            else:
                yield job_id, order

    def _order(self, job: Job, detail: JobDetail) -> Job | None:
        again, kept = self._fallen[detail.job_id], kept_instead(detail)
        if self._roster.adopt(detail.job_id, job) or (kept and self._follow(detail.job_id, job, kept)):
            return None
        needs = [self._roster.run.real(str(item)) for item in job.depends_on]
        if again is None and kept is None and not self._fell(job, detail, needs):
            return None
        order = _linked(job if again is None else again.job, detail.job_id)
        bound = self._roster.bind(order, self._roster.unfinished(needs))
        return bound if again is None or self._accepted(bound, detail) else None

    def _fell(self, job: Job, detail: JobDetail, needs: Sequence[str]) -> bool:
        """Whether a job failed only with an upstream job that another has taken the place of, or that is not ours."""
        if detail.started_at is not None or detail.attempts:
            return False
        if any(self._dooms(job_id) for job_id in needs):
            return False
        return needs != list(job.depends_on) or self._fell_alone(detail, needs)

    def _fell_alone(self, detail: JobDetail, needs: Sequence[str]) -> bool:
        """Whether its upstream is its twin's, which was ended as a duplicate."""
        return diagnose(detail).cause is Cause.UPSTREAM and all(map(self._roster.watch.detail, needs))

    def _dooms(self, job_id: str) -> bool:
        seen, job = self._roster.watch.detail(job_id), self._roster.watch.job(job_id)
        return seen is not None and seen.status is Status.FAILED and not (job and job.run_dependents_on_fail)

    def _follow(self, job_id: str, job: Job, kept: str) -> bool:
        known = self._roster.engine.describe([kept]).get(kept)
        if known is None or known.status is Status.FAILED:
            return False
        self._roster.swap(job_id, job, known)
        return True

    def _accepted(self, job: Job, failed: JobDetail) -> bool:
        """Whether the engine can run what has been changed in the job."""
        try:
            self._roster.engine.check([job])
        except (InvalidInput, NotFound) as exc:
            self._say(f"{failed.short_name} stays failed, it cannot be submitted again: {exc}")
            self.lasting.put(failed, job)
            return False
        return True

    def _submit(self, orders: Mapping[str, Job]) -> None:
        told: Counter[str] = Counter()
        example: dict[str, str] = {}
        old_ids = list(orders)
        for number, new_id in self._roster.submit_patiently(list(orders.values())):
            old_id, job = old_ids[number], orders[old_ids[number]]
            what = self._told(old_id)
            told[what] += 1
            example.setdefault(what, f"{job.name} as {new_id}")
            self._roster.swap(old_id, job, fresh(job, new_id, Status.SUBMITTED))
            self._done(old_id)
        for what, count in told.items():
            self._say(f"submitted again: {count:,} x {what}, e.g. {example[what]}")

    def _told(self, job_id: str) -> str:
        again = self._fallen[job_id]
        return f"{again.cause}: {again.change}" if again else "fell with a job that another has taken the place of"

    def _done(self, job_id: str) -> None:
        self._fallen.pop(job_id, None)
        seen = self._roster.watch.detail(job_id)
        if seen is None or seen.status is not Status.FAILED:
            self.lasting.discard(job_id)


def _linked(job: Job, job_id: str) -> Job:
    """The same work, tagged with the jobId whose place it takes."""
    tags: Collection[str] = job.tags
    return replace(job, tags={**job.tags, REPLACES_TAG: job_id}) if len(tags) < _TAGS else job
