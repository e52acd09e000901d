"""What one seed stands for: a cohort of three stages, and everything that goes wrong while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from batch_helpers.job import Job
from batch_helpers.serve.faults import Fault

BUCKET = "bucket"
MORE_THAN_THE_SERVICE_TAKES = 22
RETENTION = 200.0
"""Seconds: longer than any doubt lasts about one job, as the service's week is, and shorter than a slow poll."""

_OPERATIONS = (
    "SubmitJob", "SubmitJob", "SubmitJob", "ListJobs", "ListJobs", "DescribeJobs", "RegisterJobDefinition",
    "DescribeJobDefinitions", "DescribeJobQueues", "CancelJobs", "CancelJob", "*", "*",
)  # fmt: skip
_KINDS = ("drop", "cut-headers", "cut-body", "throttle", "error", "unavailable", "short-page", "empty-page")
_EITHER_WAY = ("drop", "error", "unavailable")


@dataclass(frozen=True)
class Badly:
    """How a job's first `times` tries end (None: all of them): it fails, or succeeds and leaves nothing."""

    times: int | None
    hollow: bool = False


@dataclass(frozen=True)
class Scenario:
    """One run.

    present: outputs that are there from the start. badly: jobs that do not go well, by name. rules: the faults of the
    service. slow: how likely S3 refuses or loses a request, of the first hundred. drivers: scripts that are started at
    about the same time. kills: for each, after how many calls it is killed, one for each time that it is started.
    retention: seconds for which ended jobs are known. interval: seconds between polls. lag: whether listings may not
    show new jobs yet.
    patient: jobs wait in the queue until the scripts that run have had one look; what they do see twice, they heal.
    array: whether the scripts submit array jobs.
    """

    seed: int
    jobs: tuple[Job, ...]
    present: frozenset[str]
    badly: dict[str, Badly]
    rules: tuple[Fault, ...]
    slow: float
    drivers: int
    kills: tuple[tuple[int, ...], ...]
    retention: float
    interval: float
    lag: bool
    patient: bool
    array: bool

    @property
    def strict(self) -> bool:
        """Whether no work may be done twice: only jobs that start before anybody could see them may be."""
        return self.patient or (self.drivers == 1 and not self.lag)

    def __str__(self) -> str:
        kinds = ", ".join(f"{rule.kind} {rule.operation}" for rule in self.rules)
        return (
            f"{len(self.jobs)} jobs, {len(self.present)} outputs there, {self.drivers} drivers, kills {self.kills}, "
            f"polls {self.interval:g} s apart, retention {self.retention:g} s, S3 {self.slow:.0%}, "
            f"{'patient' if self.patient else 'at once'}, {'arrays, ' if self.array else ''}"
            f"badly {self.badly or 'none'}, faults: {kinds or 'none'}"
        )


def scenario(seed: int) -> Scenario:
    """The same one for the same seed, always."""
    random = Random(seed)
    jobs = _cohort(random)
    drivers = 2 if random.random() < 0.35 else 1
    lag, forgetful = random.random() < 0.25, random.random() < 0.15
    rules = [_rule(random) for _ in range(random.choice((0, 1, 1, 2, 2, 3, 4)))]
    if lag:
        rules.append(_lag(random, forgetful))
    return Scenario(
        seed=seed,
        jobs=tuple(jobs),
        present=_present(random, jobs),
        badly=_badly(random, jobs),
        rules=tuple(rules),
        slow=random.choice((0.0, 0.0, 0.1, 0.3)),
        drivers=drivers,
        kills=tuple(_kills(random) for _ in range(drivers)),
        retention=RETENTION if forgetful else 7 * 86400.0,
        interval=2.5 * RETENTION if forgetful else 10.0,
        lag=lag,
        patient=random.random() < (0.8 if lag or drivers > 1 else 0.3),
        array=seed % 3 == 0,
    )


def _cohort(random: Random) -> list[Job]:
    """Samples through two stages, and a third that gathers them all or goes on by sample."""
    samples = MORE_THAN_THE_SERVICE_TAKES if random.random() < 0.08 else random.randint(2, 6)
    intermediate, either_way = random.random() < 0.2, random.random() < 0.2
    first = [_job(f"a{n}", [], intermediate, either_way and n == 0) for n in range(samples)]
    crossed = random.random() < 0.15 and samples < 10
    second = [_job(f"b{n}", first if crossed else [job], False, either_way and n == 1) for n, job in enumerate(first)]
    if random.random() < 0.6:
        return [*first, *second, _job("c", second)]
    return [*first, *second, *(_job(f"c{n}", [job]) for n, job in enumerate(second))]


def _job(name: str, needs: list[Job], intermediate: bool = False, either_way: bool = False) -> Job:
    outputs = [f"s3://{BUCKET}/run/{name}/{part}" for part in ("x", "y")[: 1 + (name[0] == "b")]]
    return Job(
        name, image="busybox", command=["make", name], outputs=outputs, depends_on=needs,
        intermediate=intermediate, run_dependents_on_fail=either_way, vcpus=1, memory=64, stage=name[0],
    )  # fmt: skip


def _present(random: Random, jobs: list[Job]) -> frozenset[str]:
    share = random.choice((0.0, 0.0, 0.2, 0.6, 0.95))
    return frozenset(uri for job in jobs for uri in job.outputs if random.random() < share)


def _badly(random: Random, jobs: list[Job]) -> dict[str, Badly]:
    if random.random() < 0.6:
        return {}
    unlucky = random.sample(jobs, min(len(jobs), random.randint(1, 2)))
    return {job.name: Badly(random.choice((1, 1, 2, None)), random.random() < 0.3) for job in unlucky}


def _rule(random: Random) -> Fault:
    kind = random.choice(_KINDS)
    after = kind in _EITHER_WAY and random.random() < 0.6
    if random.random() < 0.5:
        chance, times, skip = random.choice((0.05, 0.2, 0.4)), random.randint(1, 30), 0
    else:
        chance, times, skip = 1.0, random.randint(1, 8), random.randint(0, 25)
    return Fault(kind, random.choice(_OPERATIONS), after, skip=skip, times=times, probability=chance)  # type: ignore[arg-type]


def _lag(random: Random, forgetful: bool) -> Fault:
    """New jobs are not listed for a while, which is shorter than the minute after which one counts as lost."""
    chance, times = random.choice((0.2, 0.6, 1.0)), random.randint(1, 20)
    if random.random() < 0.5 and not forgetful:
        return Fault("hide", "SubmitJob", times=times, probability=chance, listings=random.randint(1, 4))
    return Fault("hide", "SubmitJob", times=times, probability=chance, seconds=random.choice((1.0, 5.0, 20.0)))


def _kills(random: Random) -> tuple[int, ...]:
    if random.random() < 0.55:
        return ()
    return tuple(random.randint(1, 90) for _ in range(random.randint(1, 3)))
