"""Carries plans out: submits in the order of dependencies, holds back, releases, and pauses."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from batch_helpers.deduplication import Deduplication
from batch_helpers.duplicates import Twins, by_key, twins
from batch_helpers.engines.base import Engine
from batch_helpers.healing import Healing
from batch_helpers.hold import release
from batch_helpers.job import Job, JobDetail, Status
from batch_helpers.monitor import Watch
from batch_helpers.plan import Action, Plan
from batch_helpers.recovery import Recovery, Tries, Trip, circuit
from batch_helpers.roster import Roster, fresh
from batch_helpers.run import Held

_HELD = "held:"


class Conductor:
    """Moves the jobs of one run. `bind` settles a job's queue; `say` takes what a person should know.

    recovery: what is tried again. max_failures: the share of the jobs that may fail alike before the run is paused,
    or None. trip: why it is paused.
    """

    def __init__(
        self,
        engine: Engine,
        watch: Watch,
        bind: Callable[[Job, Collection[str]], Job],
        say: Callable[[str], None],
        recovery: Recovery | None = None,
    ) -> None:
        self._engine, self._watch, self._bind, self._say = engine, watch, bind, say
        self._roster = Roster(engine, watch, bind, say)
        self._deduplication = Deduplication(self._roster)
        self._healing = Healing(self._roster, Tries(recovery or Recovery()))
        self.run, self._active = self._roster.run, self._roster.active
        self._asked: set[str] = set()
        self._doubled: dict[str, Twins] = {}
        self.max_failures: float | None = None
        self.trip: Trip | None = None

    @property
    def busy(self) -> bool:
        """Whether anything of this run may still change; held jobs of a paused run do not."""
        return bool(self._watch.open or (self.trip is None and (self.run.held or self._healing.waiting)))

    @property
    def held_back(self) -> int:
        """How many jobs are yet to be submitted, for the first time or once more."""
        return len(self.run.held) + self._healing.held_back

    def active(self, queues: Collection[str]) -> Mapping[str, JobDetail]:
        """Active jobs by key; each queue is asked once in a run, and what this run submits is added."""
        new = set(queues) - self._asked
        if new:
            for key, group in by_key(self._engine.active(new)).items():
                found = twins(group)
                self._active[key] = found.kept
                if found.others:
                    self._doubled[key] = found
            self._asked |= new
        return self._active

    def forget_active(self) -> None:
        """What was active is old news after a while: the next plan asks again."""
        self._asked.clear()
        self._doubled.clear()
        held = {held.job.key for held in self.run.held.values()}
        for key in self._active.keys() - held:
            del self._active[key]

    def carry_out(self, decided: Plan) -> list[str | None]:
        """Submit and hold what a plan says; the jobIds and placeholders of its decisions."""
        if self.trip is not None:
            decided = decided.held_back("the run is paused, because too many of its jobs failed alike")
        ids: list[str | None] = [None] * len(decided)
        self.run.count(decided)
        for place, decision in enumerate(decided):
            if decision.action is not Action.SUBMIT:
                ids[place] = f"{_HELD}{decision.job.key}" if decision.action is Action.HOLD else decision.job_id
                self.run.record(decision, ids[place])
        self._reuse(decided, ids)
        for batch in decided.batches():
            self._submit_batch(decided, batch, ids)
        self._hold(decided, ids)
        return ids

    def step(self) -> bool:
        """After a poll: heal duplicates and failures, submit held jobs that may start, conclude those that never will.

        Whether anything changed.
        """
        changed = self._deduplication.look()
        self._healing.look()
        self._break()
        if self.trip is not None:
            return changed
        changed |= self._healing.mend()
        return changed if self._healing.waiting else self._release() or changed

    def resume(self, max_failures: float | None, *, end_duplicates: bool = False) -> None:
        """Go on with a run that was paused, up to this share of failures that are alike."""
        circuit((), 0, max_failures)  # refuses a share that is none
        self._deduplication.end_started = end_duplicates
        self.trip, self.max_failures = None, max_failures

    def cancel(self, reason: str) -> None:
        """Submit nothing more of what is held back."""
        self._healing.forget()
        for placeholder in list(self.run.held):
            self.conclude(placeholder, reason)

    def _break(self) -> None:
        """Pause the run when too much of it has failed alike."""
        if self.max_failures is None or self.trip is not None:
            return
        total = len(self._watch) + len(self.run.held)
        self.trip = circuit(self._healing.lasting.groups(), total, self.max_failures)
        if self.trip is not None:
            self._say(self.trip.text(self.held_back))

    def _release(self) -> bool:
        held = len(self.run.held)
        while self.run.held:
            verdict = release(self.run, self._watch, self._engine)
            for placeholder, reason in verdict.doomed.items():
                self.conclude(placeholder, reason)
            self._submit_held(verdict.ready)
            if not verdict.doomed:
                break
        return len(self.run.held) != held

    def conclude(self, placeholder: str, reason: str) -> None:
        """A held job that is never submitted counts as a failed one."""
        job = self._bind(self.run.held[placeholder].job, ())
        self.run.release(placeholder, placeholder)
        self._active.pop(job.key, None)
        self._watch.add(job, fresh(job, placeholder, Status.FAILED, reason))

    def _reuse(self, decided: Plan, ids: Sequence[str | None]) -> None:
        for place, decision in enumerate(decided):
            if decision.action is Action.REUSE and decision.job_id is not None and decision.job_id not in self.run.held:
                needs = self._needs(decided, place, ids)
                self._watch.add(self._bind(decision.job, needs), self._active[decision.job.key])
        if self._doubled:
            reused = [item.job.key for item in decided if item.action is Action.REUSE]
            self._deduplication.settle([self._doubled.pop(key) for key in reused if key in self._doubled])

    def _submit_batch(self, decided: Plan, batch: Sequence[int], ids: list[str | None]) -> None:
        needs = {place: self._needs(decided, place, ids) for place in batch}
        ready = [place for place in batch if self.run.held.keys().isdisjoint(needs[place])]
        bound = [self._bind(decided.decisions[place].job, needs[place]) for place in ready]
        earlier = self._earlier(decided, ready)
        for number, job_id in self._roster.submit(bound):
            ids[ready[number]] = job_id
            if ready[number] in earlier:
                self._roster.supersede(earlier[ready[number]], job_id)
            self.run.record(decided.decisions[ready[number]], job_id)
            self._roster.track(bound[number], job_id)
        for place in batch:
            if ids[place] is None:
                ids[place] = placeholder = f"{_HELD}{decided.decisions[place].job.key}"
                self.run.record(decided.decisions[place], placeholder)
                self._hold_back(decided.decisions[place].job, placeholder, needs[place])

    def _earlier(self, decided: Plan, places: Sequence[int]) -> dict[int, str]:
        """The jobIds that did the same work before in this run, and have ended."""
        if not self.run.settled:
            return {}
        found = {place: self.run.settled.get(decided.decisions[place].job) for place in places}
        return {place: job_id for place, job_id in found.items() if job_id is not None}

    def _needs(self, decided: Plan, place: int, ids: Sequence[str | None]) -> list[str]:
        """The jobIds that a decision waits for; jobs that are known to have succeeded need no waiting."""
        upstream = [ids[item] if isinstance(item, int) else item for item in decided.decisions[place].upstream]
        return self._roster.unfinished(item for item in upstream if item is not None)

    def _hold(self, decided: Plan, ids: Sequence[str | None]) -> None:
        for place, decision in enumerate(decided):
            placeholder = ids[place]
            if decision.action is Action.HOLD and placeholder is not None:
                self._hold_back(decision.job, placeholder, self._needs(decided, place, ids))

    def _hold_back(self, job: Job, placeholder: str, needs: Iterable[str]) -> None:
        self.run.held[placeholder] = Held(job, tuple(needs))
        self._active[job.key] = fresh(self._bind(job, ()), placeholder, Status.PENDING)

    def _submit_held(self, ready: Mapping[str, Sequence[str]]) -> None:
        waiting = []
        for placeholder, needs in ready.items():
            job = self._bind(self.run.held[placeholder].job, needs)
            if not self._roster.adopt(placeholder, job):
                waiting.append((placeholder, job))
        for number, job_id in self._roster.submit_patiently([job for _, job in waiting]):
            placeholder, job = waiting[number]
            self.run.release(placeholder, job_id)
            self._roster.track(job, job_id)
