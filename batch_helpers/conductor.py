"""Carries plans out: submits in the order of dependencies, holds back, releases, and heals duplicates."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from batch_helpers.diagnose import Cause, diagnose
from batch_helpers.duplicates import Twins, kept_instead, twins
from batch_helpers.engines.base import Engine
from batch_helpers.errors import SubmitFailed
from batch_helpers.hold import release
from batch_helpers.job import Job, JobDetail, Status
from batch_helpers.monitor import Watch
from batch_helpers.plan import Action, Plan
from batch_helpers.run import Held, Run

_HELD = "held:"


class Conductor:
    """Moves the jobs of one run. `bind` settles a job's queue; `say` takes what a person should know."""

    def __init__(
        self, engine: Engine, watch: Watch, bind: Callable[[Job, Collection[str]], Job], say: Callable[[str], None]
    ) -> None:
        self.run = Run()
        self._engine, self._watch, self._bind, self._say = engine, watch, bind, say
        self._active: dict[str, JobDetail] = {}
        self._asked: set[str] = set()

    @property
    def busy(self) -> bool:
        """Whether anything of this run may still change."""
        return bool(self._watch.open or self.run.held)

    def active(self, queues: Collection[str]) -> Mapping[str, JobDetail]:
        """Active jobs by key; each queue is asked once in a run, and what this run submits is added."""
        new = set(queues) - self._asked
        if new:
            groups: dict[str, list[JobDetail]] = {}
            for detail in self._engine.active(new):
                if detail.key:
                    groups.setdefault(detail.key, []).append(detail)
            self._active.update((key, twins(group).kept) for key, group in groups.items())
            self._asked |= new
        return self._active

    def forget_active(self) -> None:
        """What was active is old news after a while: the next plan asks again."""
        self._asked.clear()
        held = {held.job.key for held in self.run.held.values()}
        self._active = {key: detail for key, detail in self._active.items() if key in held}

    def carry_out(self, decided: Plan) -> list[str | None]:
        """Submit and hold what a plan says; the jobIds and placeholders of its decisions."""
        ids: list[str | None] = [None] * len(decided)
        self.run.count(decided)
        for place, decision in enumerate(decided):
            if decision.action is Action.HOLD:
                ids[place] = f"{_HELD}{decision.job.key}"
            elif decision.action is Action.REUSE and decision.job_id is not None:
                ids[place] = decision.job_id
                if decision.job_id not in self.run.held:
                    self._watch.add(self._bind(decision.job, ()), self._active[decision.job.key])
            if decision.action is not Action.SUBMIT:
                self.run.record(decision, ids[place])
        for batch in decided.batches():
            self._submit_batch(decided, batch, ids)
        self._hold(decided, ids)
        return ids

    def step(self) -> bool:
        """After a poll: heal duplicates, submit held jobs that may start, conclude those that never will.

        Whether anything changed.
        """
        healed = self._heal()
        held = len(self.run.held)
        while self.run.held:
            verdict = release(self.run, self._watch, self._engine)
            for placeholder, reason in verdict.doomed.items():
                self.conclude(placeholder, reason)
            self._submit_held(verdict.ready)
            if not verdict.doomed:
                break
        return healed or len(self.run.held) != held

    def conclude(self, placeholder: str, reason: str) -> None:
        """A held job that is never submitted counts as a failed one."""
        job = self._bind(self.run.held[placeholder].job, ())
        self.run.release(placeholder, placeholder)
        self._active.pop(job.key, None)
        self._watch.add(job, _fresh(job, placeholder, Status.FAILED, reason))

    def _submit_batch(self, decided: Plan, batch: Sequence[int], ids: list[str | None]) -> None:
        bound = [self._bind(decided.decisions[place].job, self._needs(decided, place, ids)) for place in batch]
        for number, job_id in self._submit(bound):
            ids[batch[number]] = job_id
            self.run.record(decided.decisions[batch[number]], job_id)
            self._track(bound[number], job_id)

    def _submit(self, jobs: Sequence[Job]) -> Iterable[tuple[int, str]]:
        """The positions and jobIds of what was accepted; SubmitFailed is raised after they have been taken."""
        failure: SubmitFailed | None = None
        try:
            accepted = dict(enumerate(self._engine.submit(jobs)))
        except SubmitFailed as exc:
            failure, accepted = exc, exc.submitted
        yield from accepted.items()
        if failure is not None:
            raise failure

    def _needs(self, decided: Plan, place: int, ids: Sequence[str | None]) -> list[str]:
        """The jobIds that a decision waits for; jobs that are known to have succeeded need no waiting."""
        upstream = [ids[item] if isinstance(item, int) else item for item in decided.decisions[place].upstream]
        return self._unfinished(item for item in upstream if item is not None)

    def _unfinished(self, job_ids: Iterable[str]) -> list[str]:
        real = dict.fromkeys(map(self.run.real, job_ids))
        known = {job_id: self._watch.detail(job_id) for job_id in real}
        return [job_id for job_id, seen in known.items() if seen is None or seen.status is not Status.SUCCEEDED]

    def _hold(self, decided: Plan, ids: Sequence[str | None]) -> None:
        for place, decision in enumerate(decided):
            placeholder = ids[place]
            if decision.action is Action.HOLD and placeholder is not None:
                self.run.held[placeholder] = Held(decision.job, tuple(self._needs(decided, place, ids)))
                job = self._bind(decision.job, ())
                self._active[job.key] = _fresh(job, placeholder, Status.PENDING)

    def _submit_held(self, ready: Mapping[str, Sequence[str]]) -> None:
        waiting = []
        for placeholder, needs in ready.items():
            job = self._bind(self.run.held[placeholder].job, needs)
            if not self._adopt(placeholder, job):
                waiting.append((placeholder, job))
        for number, job_id in self._submit([job for _, job in waiting]):
            placeholder, job = waiting[number]
            self.run.release(placeholder, job_id)
            self._track(job, job_id)

    def _track(self, job: Job, job_id: str) -> None:
        self._active[job.key] = detail = _fresh(job, job_id, Status.SUBMITTED)
        self._watch.add(job, detail)

    def _adopt(self, job_id: str, job: Job) -> bool:
        """Watch a live job of the same work in the place of `job_id`, if the last poll has seen one."""
        group = self._watch.seen.get(job.key)
        if not group:
            return False
        self._swap(job_id, job, twins(group).kept)
        return True

    def _swap(self, job_id: str, job: Job, kept: JobDetail) -> None:
        self._watch.drop(job_id)
        self.run.release(job_id, kept.job_id)
        self._active[job.key] = kept
        self._watch.add(job, kept)

    def _heal(self) -> bool:
        """End duplicates that have not started; follow, or submit again, what hung on a job that was ended as one."""
        changed = False
        for group in [group for group in self._watch.seen.values() if len(group) > 1]:
            changed |= self._settle(twins(group))
        for job_id in self._watch.newly_failed:
            changed |= self._follow(job_id)
        return changed

    def _settle(self, found: Twins) -> bool:
        ours = [other for other in (found.kept, *found.others) if self._watch.job(other.job_id)]
        if not ours:
            return False
        job = self._watch.job(ours[0].job_id)
        if found.rivals:
            names = ", ".join(other.job_id for other in found.rivals)
            self._say(f"{found.kept.short_name} was submitted twice: {found.kept.job_id} is kept, {names} cancelled")
            self._engine.cancel([other.job_id for other in found.rivals], found.reason())
        for other in found.others:
            if job is not None and self._watch.job(other.job_id):
                self._swap(other.job_id, job, found.kept)
        return True

    def _follow(self, job_id: str) -> bool:
        """A job that was ended as a duplicate, or that fell with one, gives its place to its twin or a new one."""
        job, detail = self._watch.job(job_id), self._watch.detail(job_id)
        if job is None or detail is None:
            return False
        needs = [self.run.real(str(item)) for item in job.depends_on]
        kept = kept_instead(detail)
        if kept is None and needs == list(job.depends_on) and not self._fell_alone(detail, needs):
            return False
        if self._adopt(job_id, job):
            return True
        known = self._engine.describe([kept]) if kept else {}
        if kept in known and (known[kept].status.active or known[kept].status is Status.SUCCEEDED):
            self._swap(job_id, job, known[kept])
            return True
        if self._watch.redeem(job_id):
            return True
        again = self._bind(job, self._unfinished(needs))
        for _, new_id in self._submit([again]):
            self._say(f"{detail.short_name} fell with a duplicate and is submitted again as {new_id}")
            self._swap(job_id, again, _fresh(again, new_id, Status.SUBMITTED))
        return True

    def _fell_alone(self, detail: JobDetail, needs: Sequence[str]) -> bool:
        """Whether a job failed with an upstream that is not ours: its twin's, which was ended as a duplicate."""
        if diagnose(detail).cause is not Cause.UPSTREAM:
            return False
        seen = [self._watch.detail(job_id) for job_id in needs]
        if any(upstream is None or upstream.status is Status.FAILED for upstream in seen):
            return False
        # The picture may be older than the failure: the upstream was listed as active, and then both of them failed.
        now = self._engine.describe([upstream.job_id for upstream in seen if upstream and upstream.status.active])
        return all(upstream.status is not Status.FAILED or kept_instead(upstream) for upstream in now.values())


def _fresh(job: Job, job_id: str, status: Status, reason: str = "") -> JobDetail:
    return JobDetail(job_id, job.full_name, status, queue=job.job_queue or "", reason=reason)
