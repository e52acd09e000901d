"""The face of a run: plans jobs against outputs and active jobs, submits what is missing, and watches it to its end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TextIO

from batch_helpers.conductor import Conductor
from batch_helpers.diagnose import diagnose
from batch_helpers.engines.base import ArrayEngine, Engine
from batch_helpers.errors import InvalidInput, InvalidJob, UnknownDependency
from batch_helpers.finding import Finding, ok
from batch_helpers.job import Job, JobDetail
from batch_helpers.monitor import Snapshot, Watch, watch
from batch_helpers.plan import Action, Decision, Plan, World, plan
from batch_helpers.preview import Preview, joined, previewed
from batch_helpers.recovery import Recovery, policy
from batch_helpers.stores.base import Store
from batch_helpers.uncollected import uncollected
from batch_helpers.validity import survey
from batch_helpers.witnesses import Witnesses, witnesses
from batch_helpers.words import ago

if TYPE_CHECKING:
    from batch_helpers.aws_client import AWSAccess
    from batch_helpers.notify import Target

_DRY = "dry-run:"


class BatchHelper:
    """Skips every job whose outputs exist, reuses identical active jobs, submits the rest.

    engine: where jobs run. store: where outputs lie. job_queue: the queue of jobs that name none. dry_run: plan, and
    submit nothing. memory_growth: by what the memory of a job is multiplied that went over it, when it is submitted
    again, up to memory_cap (MiB; by default eight times what it asked for). fallback_queue: where a job goes that was
    reclaimed too often. recovery: all of that and more, as a Recovery. array: whether jobs that are alike are submitted
    as array jobs, by engines that know such. Use one of its subclasses, or `connect`; this one is for engines of your
    own.
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        *,
        job_queue: str | None = None,
        array: bool | None = None,
        dry_run: bool = False,
        memory_growth: float | None = None,
        memory_cap: int | None = None,
        fallback_queue: str | None = None,
        recovery: Recovery | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        stdout: TextIO | None = None,
    ) -> None:
        self.engine, self.store = engine, store
        if array is not None and isinstance(engine, ArrayEngine):
            engine.array = array
        self.job_queue, self.dry_run = job_queue, dry_run
        self.recovery = policy(recovery, memory_growth, memory_cap, fallback_queue)
        self._clock, self._sleep, self._stdout = clock, sleep, stdout
        self._watch = Watch(engine, store, clock)
        self._conductor = Conductor(engine, self._watch, self._bound, _say, self.recovery)
        self._planned: list[Decision] = []
        self._access: AWSAccess | None = None

    def add_job(self, name: str, **fields: Any) -> str | None:
        """Add one job, given as the arguments of Job, and return its jobId; None when there is nothing to wait for."""
        return self.add_jobs([_job(name, fields)])[0]

    def add_jobs(self, jobs: Iterable[Job], *, array: bool | None = None) -> list[str | None]:
        """Add jobs, a whole DAG if need be, and return their jobIds in order; None where nothing is to be waited for.

        array: whether those that are alike are submitted as array jobs, by default as the helper was told; it has no
        effect on engines that know none. Everything is checked before anything is submitted: InvalidInput means that
        nothing was.
        """
        with self._as_arrays(array):
            return self._add(_jobs(jobs))

    def _add(self, jobs: Sequence[Job]) -> list[str | None]:
        decided = self.plan(jobs)
        decided.check()
        if self.dry_run:
            ids = self._pretend(decided)
        else:
            wanted = decided.wanted
            self.engine.check([*(self._bound(job, ()) for job in wanted), *self._fallbacks(wanted)])
            ids = self._conductor.carry_out(decided)
        return [ids[place] for place in decided.places]

    def plan(self, jobs: Iterable[Job], *, preflight: bool = False) -> Preview:
        """What would happen to these jobs, why, and what it takes; submits nothing. Print it.

        Conflicts are decisions here, and errors in add_jobs. preflight: look at what would keep the jobs that are to be
        submitted from running, too: see `Plan.preflight`.
        """
        jobs = _jobs(jobs)
        run = self._conductor.run
        queues = self._queues(jobs)
        self._check_ids(jobs)
        # The engine first: a job that ends between the two questions is then seen as active, never as missing.
        active = self._conductor.active(queues)
        with uncollected():
            seen = survey(self.store, jobs)
            world = World(
                found=seen.found,
                survey=seen,
                active=active,
                settled=run.settled,
                claimed=run.claimed,
                remade=run.remade,
                held=run.held,
                capabilities=self.engine.capabilities,
            )
            decided = plan(jobs, world)
        decided = self._explained(decided, queues)
        decided = previewed(decided, self.engine.capabilities, self.job_queue)
        return replace(decided, preflight=self.preflight(decided.wanted)) if preflight else decided

    def preflight(
        self,
        jobs: Sequence[Job],
        definitions: Mapping[str, Mapping[str, Any]] | None = None,  # noqa: ARG002
    ) -> tuple[Finding, ...]:
        """What would keep these jobs from running, as far as it shows beforehand; changes nothing.

        definitions: those that will be registered for them, by name, as RegisterJobDefinition takes them.
        """
        return (ok("preflight", f"nothing to look at for {len(jobs)} jobs on engine {self.engine.name!r}"),)

    @property
    def planned(self) -> Preview:
        """What a dry run has decided so far."""
        return joined(self._planned, self.engine.capabilities, self.job_queue)

    def monitor(
        self,
        interval: float = 60,
        *,
        events: str | None = None,
        max_failures: float | None = None,
        notify: str | Target | Iterable[str | Target] = (),
        end_duplicates: bool = False,
    ) -> Snapshot:
        """Print how the run goes until it has ended, and return the last snapshot.

        interval: seconds between polls at the most; engines that can tell that something has changed are asked at
        once. events: a file to which one line is appended for each change, for `batch-helpers report`.
        max_failures: the share of the jobs (0.05 is 5 %) from which on failures that are alike pause the run: what has
        not been submitted is held back, what is active ends, and `paused` of what is returned tells why.
        notify: whom to tell of the end and of a pause: URLs of webhooks, ARNs of SNS topics, commands.
        end_duplicates: of two live jobs of the same work, as two scripts may submit at once, the later one is ended
        even if it has started; otherwise only those that wait are.
        Ctrl-C detaches: the jobs go on, and `exit_code` of what is returned is 130.
        """
        from batch_helpers.display import Display

        if not interval > 0:
            raise InvalidInput(f"interval={interval!r}: give a positive number of seconds")
        self._conductor.resume(max_failures, end_duplicates=end_duplicates)
        self._conductor.forget_active()
        snapshot = self._picture(self._watch.snapshot())
        with Display(self._stdout or sys.stdout, interval, self.engine.logs, self._clock) as display:
            if self.dry_run:
                display.plan(self.planned)
                return snapshot
            with witnesses(events, notify, engine=self.engine.name, access=self._access, say=_say) as told:
                try:
                    for snapshot in self._snapshots(interval, lambda: display.due, told):
                        display.show(snapshot)
                except KeyboardInterrupt:
                    snapshot = replace(snapshot, detached=True)
                told.end(snapshot)
                display.finish(snapshot)
        self._conductor.forget_active()
        return snapshot

    @contextmanager
    def _as_arrays(self, wanted: bool | None) -> Iterator[None]:
        if wanted is None or not isinstance(self.engine, ArrayEngine):
            yield
            return
        self.engine.array, usual = wanted, self.engine.array
        try:
            yield
        finally:
            self.engine.array = usual

    def _snapshots(self, interval: float, due: Callable[[], float], told: Witnesses) -> Iterator[Snapshot]:
        """Pictures of the run until it has ended; `due` tells how soon another one is wanted at the latest."""

        def wait(seconds: float) -> None:
            self.engine.wait(min(seconds, due()))

        busy, clock, sleep, replaced = self._busy, self._clock, self._sleep, self._conductor.run.replaced
        for polled in watch(self._watch, wait, interval=interval, busy=busy, clock=clock, sleep=sleep):
            # Before the step, which drops the tries that give way to others.
            told.see(self._picture(polled), self._watch.jobs, replaced)
            changed = self._conductor.step()
            snapshot = self._picture(self._watch.snapshot() if changed else polled)
            if changed or snapshot.paused:
                told.see(snapshot, self._watch.jobs, replaced)
            yield snapshot

    def cancel(self, jobs: Iterable[Job] | None = None, *, reason: str = "cancelled by the user") -> list[str]:
        """Terminate the active jobs of this run, or those of `jobs` wherever they were submitted; returns their jobIds.

        Held jobs are dropped.
        """
        if jobs is None:
            ids = list(self._watch.open)
            self._conductor.cancel(reason)
        else:
            given = _jobs(jobs)
            active = self._conductor.active(self._queues(given))
            ids = list(dict.fromkeys(active[job.key].job_id for job in given if job.key in active))
        if ids:
            self.engine.terminate(ids, reason)
        return ids

    def _pretend(self, decided: Plan) -> list[str | None]:
        run = self._conductor.run
        run.count(decided)
        self._planned.extend(decided)
        ids = [None if item.action is Action.SKIP else f"{_DRY}{item.job.key}" for item in decided]
        for decision, job_id in zip(decided, ids, strict=True):
            run.record(decision, job_id)
        return ids

    def _explained(self, decided: Plan, queues: Collection[str]) -> Plan:
        """The plan with what became of an earlier try in the reasons of those that are submitted again."""
        if not decided.counts[Action.SUBMIT] + decided.counts[Action.HOLD]:
            return decided
        last: dict[str, str] = {}
        for detail in self.engine.failed(queues):
            if detail.key:
                last.setdefault(detail.key, _last_time(detail))
        return decided.explained(last) if last else decided

    def _picture(self, snapshot: Snapshot) -> Snapshot:
        run, trip = self._conductor.run, self._conductor.trip
        return replace(
            snapshot,
            paused=trip.text(self._conductor.held_back) if trip else "",
            held=tuple(held.job for held in run.held.values()),
            skipped=dict(run.skipped),
            decisions={action: run.decisions[action] for action in Action},
        )

    def _busy(self) -> bool:
        return self._conductor.busy

    def _queue(self, job: Job) -> str:
        queue = job.job_queue or self.job_queue
        if queue is None:
            raise InvalidJob(job.name, "job_queue", None, "no queue: give the job or the helper a job_queue")
        return queue

    def _queues(self, jobs: Iterable[Job]) -> set[str]:
        """The queues in which these jobs may be active."""
        queues = {self._queue(job) for job in jobs}
        fallback = self.recovery.fallback_queue
        return queues | {fallback} if fallback and queues else queues

    def _fallbacks(self, jobs: Sequence[Job]) -> list[Job]:
        """One job in the fallback queue, so that a wrong one is told of before it is needed."""
        fallback = self.recovery.fallback_queue
        return [jobs[0].bound(fallback, ())] if fallback and jobs else []

    def _bound(self, job: Job, needs: Collection[str]) -> Job:
        return job.bound(self._queue(job), needs)

    def _check_ids(self, jobs: Sequence[Job]) -> None:
        """Every jobId that is depended on must be known to this run or to the engine."""
        given = {item: job for job in jobs for item in job.depends_on if isinstance(item, str)}
        strange = [item for item in given if self._conductor.run.job(item) is None]
        if not strange:
            return
        known = self.engine.describe(strange)
        for item in strange:
            if item not in known:
                hint = "; it is the name of a job of this call: pass the Job itself" if item in _names(jobs) else ""
                problem = f"{given[item].name!r} depends on {item!r}, which is no jobId that {self.engine.name!r} knows"
                raise UnknownDependency(problem + hint)


def _job(name: str, fields: dict[str, Any]) -> Job:
    try:
        return Job(name, **fields)
    except TypeError as exc:
        raise InvalidInput(f"job {name!r}: {exc}; see help(batch_helpers.Job) for its fields") from exc


def _jobs(jobs: Iterable[Job]) -> list[Job]:
    listed = list(jobs)
    for job in listed:
        if not isinstance(job, Job):
            raise InvalidInput(f"{job!r} is not a Job; make one with batch_helpers.Job(name, ...)")
    return listed


def _last_time(detail: JobDetail) -> str:
    when = ago(time.time() - detail.stopped_at) if detail.stopped_at else "before"
    return f"failed {when}, {diagnose(detail).cause}"


def _say(text: str) -> None:
    sys.stderr.write(f"batch_helpers: {text}\n")


def _names(jobs: Iterable[Job]) -> set[str]:
    return {job.name for job in jobs}
