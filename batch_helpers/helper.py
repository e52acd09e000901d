"""The conductor: plans jobs against outputs and active jobs, submits what is missing, and watches it to its end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TextIO

from batch_helpers.engines.base import Engine
from batch_helpers.errors import InvalidInput, InvalidJob, SubmitFailed, UnknownDependency
from batch_helpers.hold import release
from batch_helpers.job import Job, JobDetail, Status
from batch_helpers.monitor import Snapshot, Watch, watch
from batch_helpers.plan import Action, Decision, Plan, World, plan
from batch_helpers.run import Held, Run
from batch_helpers.stores.base import Store

if TYPE_CHECKING:
    import boto3

_HELD, _DRY = "held:", "dry-run:"


class BatchHelper:
    """Skips every job whose outputs exist, reuses identical active jobs, submits the rest.

    engine: where jobs run. store: where outputs lie. job_queue: the queue of jobs that name none. dry_run: plan, and
    submit nothing. Use one of its subclasses, or `connect`; this one is for engines of your own.
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        *,
        job_queue: str | None = None,
        dry_run: bool = False,
        clock: Callable[[], float] = time.monotonic,
        stdout: TextIO | None = None,
    ) -> None:
        self.engine, self.store = engine, store
        self.job_queue, self.dry_run = job_queue, dry_run
        self._clock, self._stdout = clock, stdout
        self._run = Run()
        self._watch = Watch(engine, store, clock)
        self._active: dict[str, JobDetail] = {}
        self._asked: set[str] = set()
        self._planned: list[Decision] = []

    def add_job(self, name: str, **fields: Any) -> str | None:
        """Add one job, given as the arguments of Job, and return its jobId; None when there is nothing to wait for."""
        return self.add_jobs([_job(name, fields)])[0]

    def add_jobs(self, jobs: Iterable[Job]) -> list[str | None]:
        """Add jobs, a whole DAG if need be, and return their jobIds in order; None where nothing is to be waited for.

        Everything is checked before anything is submitted: InvalidInput means that nothing was.
        """
        jobs = _jobs(jobs)
        decided = self.plan(jobs)
        decided.check()
        if self.dry_run:
            self._planned.extend(decided)
        else:
            wanted = [item.job for item in decided if item.action in (Action.SUBMIT, Action.HOLD)]
            self.engine.check([self._bound(job, ()) for job in wanted])
        ids = self._carry_out(decided)
        return [ids[place] for place in decided.places]

    def plan(self, jobs: Iterable[Job]) -> Plan:
        """What would happen to these jobs, and why; submits nothing.

        Conflicts are decisions here, and errors in add_jobs.
        """
        jobs = _jobs(jobs)
        self._check_ids(jobs)
        queues = {self._queue(job) for job in jobs}
        outputs = [uri for job in jobs for uri in job.outputs]
        # The engine first: a job that ends between the two questions is then seen as active, never as missing.
        active = self._active_jobs(queues)
        found = self.store.find(outputs) if outputs else {}
        world = World(
            found=found,
            active=active,
            settled=self._run.settled,
            claimed=self._run.claimed,
            remade=self._run.remade,
            held=self._run.held,
            capabilities=self.engine.capabilities,
        )
        return plan(jobs, world)

    def monitor(self, interval: float = 60) -> Snapshot:
        """Print how the run goes until it has ended, and return the last snapshot.

        interval: seconds between polls at the most; engines that can tell that something has changed are asked at
        once. Ctrl-C detaches: the jobs go on, and `exit_code` of what is returned is 130.
        """
        from batch_helpers.display import Display

        if not interval > 0:
            raise InvalidInput(f"interval={interval!r}: give a positive number of seconds")
        snapshot = self._picture(self._watch.snapshot())
        with Display(self._stdout or sys.stdout, interval, self.engine.logs) as display:
            if self.dry_run:
                display.plan(self._planned)
                return snapshot
            try:
                for polled in watch(
                    self._watch, self.engine.wait, interval=interval, busy=self._busy, clock=self._clock
                ):
                    snapshot = self._picture(self._watch.snapshot(polled.warning) if self._release() else polled)
                    display.show(snapshot)
            except KeyboardInterrupt:
                snapshot = replace(snapshot, detached=True)
            display.finish(snapshot)
        self._forget_active()
        return snapshot

    def cancel(self, jobs: Iterable[Job] | None = None, *, reason: str = "cancelled by the user") -> list[str]:
        """Terminate the active jobs of this run, or those of `jobs` wherever they were submitted; returns their jobIds.

        Held jobs are dropped.
        """
        if jobs is None:
            ids = list(self._watch.open)
            for placeholder in list(self._run.held):
                self._conclude(placeholder, reason)
        else:
            given = _jobs(jobs)
            active = self._active_jobs({self._queue(job) for job in given})
            ids = list(dict.fromkeys(active[job.key].job_id for job in given if job.key in active))
        if ids:
            self.engine.terminate(ids, reason)
        return ids

    def _carry_out(self, decided: Plan) -> list[str | None]:
        ids: list[str | None] = [None] * len(decided)
        self._run.count(decided)
        for place, decision in enumerate(decided):
            if decision.action is Action.REUSE and decision.job_id is not None:
                ids[place] = decision.job_id
                if decision.job_id not in self._run.held:
                    self._watch.add(self._bound(decision.job, ()), self._active[decision.job.key])
            elif self.dry_run and decision.action is not Action.SKIP:
                ids[place] = f"{_DRY}{decision.job.key}"
            elif decision.action is Action.HOLD:
                ids[place] = f"{_HELD}{decision.job.key}"
            if decision.action is not Action.SUBMIT or self.dry_run:
                self._run.record(decision, ids[place])
        if not self.dry_run:
            for batch in decided.batches():
                self._submit(decided, batch, ids)
            self._hold(decided, ids)
        return ids

    def _submit(self, decided: Plan, batch: Sequence[int], ids: list[str | None]) -> None:
        bound = [self._bound(decided.decisions[place].job, self._needs(decided, place, ids)) for place in batch]
        failure: SubmitFailed | None = None
        try:
            accepted = dict(enumerate(self.engine.submit(bound)))
        except SubmitFailed as exc:
            failure, accepted = exc, exc.submitted
        for number, job_id in accepted.items():
            ids[batch[number]] = job_id
            self._run.record(decided.decisions[batch[number]], job_id)
            self._track(bound[number], job_id)
        if failure is not None:
            raise failure

    def _needs(self, decided: Plan, place: int, ids: Sequence[str | None]) -> list[str]:
        """The jobIds that a decision waits for; jobs that are known to have succeeded need no waiting."""
        upstream = [ids[item] if isinstance(item, int) else item for item in decided.decisions[place].upstream]
        real = [self._run.real(item) for item in upstream if item is not None]
        return [item for item in dict.fromkeys(real) if not self._succeeded(item)]

    def _succeeded(self, job_id: str) -> bool:
        detail = self._watch.detail(job_id)
        return detail is not None and detail.status is Status.SUCCEEDED

    def _hold(self, decided: Plan, ids: Sequence[str | None]) -> None:
        for place, decision in enumerate(decided):
            placeholder = ids[place]
            if decision.action is Action.HOLD and placeholder is not None:
                self._run.held[placeholder] = Held(decision.job, tuple(self._needs(decided, place, ids)))
                self._active[decision.job.key] = self._fresh(decision.job, placeholder, Status.PENDING)

    def _track(self, job: Job, job_id: str) -> None:
        self._active[job.key] = detail = self._fresh(job, job_id, Status.SUBMITTED)
        self._watch.add(job, detail)

    def _fresh(self, job: Job, job_id: str, status: Status, reason: str = "") -> JobDetail:
        return JobDetail(job_id, job.full_name, status, queue=self._queue(job), reason=reason)

    def _release(self) -> bool:
        """Submit held jobs that may start, conclude those that never will; whether anything changed."""
        before = len(self._run.held)
        while self._run.held:
            verdict = release(self._run, self._watch, self.engine)
            for placeholder, reason in verdict.doomed.items():
                self._conclude(placeholder, reason)
            if verdict.ready:
                self._submit_held(verdict.ready)
            if not verdict.doomed:
                break
        return len(self._run.held) != before

    def _submit_held(self, ready: dict[str, tuple[str, ...]]) -> None:
        waiting = {}
        for placeholder, needs in ready.items():
            job = self._bound(self._run.held[placeholder].job, needs)
            if (twin := self._watch.seen.get(job.key)) is not None:
                self._run.release(placeholder, twin.job_id)
                self._watch.add(job, twin)
            else:
                waiting[placeholder] = job
        failure: SubmitFailed | None = None
        try:
            accepted = dict(enumerate(self.engine.submit(list(waiting.values()))))
        except SubmitFailed as exc:
            failure, accepted = exc, exc.submitted
        for number, (placeholder, job) in enumerate(waiting.items()):
            if number in accepted:
                self._run.release(placeholder, accepted[number])
                self._track(job, accepted[number])
        if failure is not None:
            raise failure

    def _conclude(self, placeholder: str, reason: str) -> None:
        """A held job that is never submitted counts as a failed one."""
        job = self._run.held[placeholder].job
        self._run.release(placeholder, placeholder)
        self._active.pop(job.key, None)
        self._watch.add(self._bound(job, ()), self._fresh(job, placeholder, Status.FAILED, reason))

    def _picture(self, snapshot: Snapshot) -> Snapshot:
        return replace(
            snapshot,
            held=tuple(held.job for held in self._run.held.values()),
            skipped=dict(self._run.skipped),
            decisions={action: self._run.decisions[action] for action in Action},
        )

    def _busy(self) -> bool:
        return bool(self._watch.open or self._run.held)

    def _queue(self, job: Job) -> str:
        queue = job.job_queue or self.job_queue
        if queue is None:
            raise InvalidJob(job.name, "job_queue", None, "no queue: give the job or the helper a job_queue")
        return queue

    def _bound(self, job: Job, needs: Collection[str]) -> Job:
        return job.bound(self._queue(job), needs)

    def _active_jobs(self, queues: Collection[str]) -> dict[str, JobDetail]:
        """Active jobs by key; each queue is asked once in a run, and what this run submits is added."""
        new = set(queues) - self._asked
        if new:
            for detail in self.engine.active(new):
                if detail.key:
                    self._active[detail.key] = detail
            self._asked |= new
        return self._active

    def _forget_active(self) -> None:
        """What was active is old news after a while: the next plan asks again."""
        self._asked.clear()
        held = {held.job.key for held in self._run.held.values()}
        self._active = {key: detail for key, detail in self._active.items() if key in held}

    def _check_ids(self, jobs: Sequence[Job]) -> None:
        """Every jobId that is depended on must be known to this run or to the engine."""
        given = {item: job for job in jobs for item in job.depends_on if isinstance(item, str)}
        strange = [item for item in given if self._run.job(item) is None]
        if not strange:
            return
        known = self.engine.describe(strange)
        for item in strange:
            if item not in known:
                hint = "; it is the name of a job of this call: pass the Job itself" if item in _names(jobs) else ""
                problem = f"{given[item].name!r} depends on {item!r}, which is no jobId that {self.engine.name!r} knows"
                raise UnknownDependency(problem + hint)


class LocalBatchHelper(BatchHelper):
    """Jobs as processes of this machine.

    directory: where the engine keeps its state and logs. containers: `docker`, `podman` or `apptainer` to run jobs that
    name an image in it; otherwise their commands run directly. vcpus, memory (MiB): how much of the machine to use.
    """

    def __init__(
        self,
        directory: str = ".batch",
        *,
        job_queue: str = "local",
        containers: str | None = None,
        vcpus: float | None = None,
        memory: int | None = None,
        dry_run: bool = False,
        **options: Any,
    ) -> None:
        from batch_helpers.engines.local import LocalEngine

        engine = LocalEngine(directory, containers=containers, vcpus=vcpus, memory=memory)
        super().__init__(engine, _stores(None), job_queue=job_queue, dry_run=dry_run, **options)


class AWSBatchHelper(BatchHelper):
    """Jobs on AWS Batch.

    job_queue: name or ARN of the queue of jobs that name none. session: a boto3.Session, or region and profile for one.
    endpoint_url: another endpoint for every service. Making one makes no call and needs no credentials.
    """

    def __init__(
        self,
        job_queue: str | None = None,
        *,
        session: boto3.Session | None = None,
        region: str | None = None,
        profile: str | None = None,
        endpoint_url: str | None = None,
        dry_run: bool = False,
        **options: Any,
    ) -> None:
        from batch_helpers.aws_client import AWSAccess
        from batch_helpers.engines.aws import AWSEngine

        access = AWSAccess(session=session, region=region, profile=profile, endpoint_url=endpoint_url)
        super().__init__(AWSEngine(access), _stores(access), job_queue=job_queue, dry_run=dry_run, **options)


_HELPERS: dict[str, type[BatchHelper]] = {"local": LocalBatchHelper, "aws": AWSBatchHelper}


def connect(engine: str, **options: Any) -> BatchHelper:
    """The helper of an engine, `local` or `aws`, made with the options of its class."""
    if engine not in _HELPERS:
        raise InvalidInput(f"engine {engine!r} is not known; there are: {', '.join(_HELPERS)}")
    return _HELPERS[engine](**options)


def _stores(access: Any) -> Store:
    from batch_helpers.stores import StoreRouter

    return StoreRouter(access)


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


def _names(jobs: Iterable[Job]) -> set[str]:
    return {job.name for job in jobs}
