"""Runs of any size that look like real ones: two stages a sample, one job that gathers, waits, reclaims, failures."""

from __future__ import annotations

import random

from batch_helpers.events import Entry, RunRecord
from batch_helpers.job import Attempt, Job, JobDetail, Status
from batch_helpers.plan import Action

START = 1_700_000_000.0
SPOT = "Host EC2 (instance i-{:017x}) terminated."
OOM = "OutOfMemoryError: Container killed due to memory usage"
EXITED = "Essential container in task exited"
REASONS = ((OOM, 137), (EXITED, 1), (SPOT, None), ("CannotPullContainerError: i/o timeout", None),
           ("Something that nobody has ever seen", None))  # fmt: skip


def run(jobs: int, *, seed: int = 7, failing: float = 0.06, active: float = 0.0, names: str = "s{}") -> RunRecord:
    """A run of about this many jobs; `active`: the share of them that have not ended."""
    chance = random.Random(seed)
    entries: dict[str, Entry] = {}
    slots = max(4, jobs // 40)
    free = [START] * slots
    for number in range(jobs):
        stage = "align" if number < jobs * 0.6 else "call" if number < jobs - 1 else "gather"
        entry = _entry(chance, stage, number, names, free, failing, active)
        entries[entry.job_id] = entry
    latest = max(entry.stopped or START for entry in entries.values())
    return RunRecord(
        name="cohort", engine="aws", began=START, latest=latest, ended=not active, entries=entries,
        skipped={"align": jobs // 10}, decisions={Action.SUBMIT: jobs, Action.SKIP: jobs // 10},
    )  # fmt: skip


def _entry(
    chance: random.Random, stage: str, number: int, names: str, free: list[float], failing: float, active: float
) -> Entry:
    name = f"{stage}-{names.format(number)}" if stage != "gather" else "gather"
    job = Job(name, image=f"{stage}:1.2", stage=stage, command=[stage, str(number)], vcpus=4, memory=8192,
              job_queue="spot")  # fmt: skip
    slot = number % len(free)
    begin = max(START + number * 0.02, free[slot])
    attempts: list[Attempt] = []
    if chance.random() < 0.04:
        lost = begin + chance.expovariate(1 / 400)
        attempts.append(Attempt(1, None, SPOT.format(number), begin + 20, lost + 20))
        begin = lost + 40
    starting, started = begin, begin + chance.uniform(5, 40)
    stopped = started + chance.lognormvariate(6.2, 0.5)
    free[slot] = stopped
    created = START + number * 0.02
    job_id = f"{number:08x}-0000-4000-8000-{chance.getrandbits(48):012x}"
    seen = ((Status.RUNNABLE, created), (Status.STARTING, starting), (Status.RUNNING, started))
    if chance.random() < active:
        detail = JobDetail(job_id, job.full_name, Status.RUNNABLE, "spot", created_at=created)
        return Entry(detail, job, None, seen[:1])
    status, reason, code = Status.SUCCEEDED, EXITED, 0
    if chance.random() < failing:
        status = Status.FAILED
        reason, code = REASONS[chance.randrange(len(REASONS))]  # type: ignore[assignment]
        reason = reason.format(number)
    attempts.append(Attempt(len(attempts) + 1, code, reason, started, stopped, f"{stage}/default/{job_id}"))
    detail = JobDetail(job_id, job.full_name, status, "spot", reason, f"bh-{stage}:1", code, created, started, stopped,
                       tuple(attempts))  # fmt: skip
    return Entry(detail, job, None, seen)
