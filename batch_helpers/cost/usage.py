"""What a run used: by stage, by sample, and how much of it was for nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from batch_helpers.cost.prices import Rate
from batch_helpers.diagnose import Cause, diagnose
from batch_helpers.events.record import Entry, RunRecord, spent
from batch_helpers.job import Attempt, Job, Status


@dataclass(frozen=True, slots=True)
class Usage:
    """Hours that attempts ran, times what they asked for. money: None where there is no price for any of it.

    unknown: attempts that ran, but whose vCPUs or memory nobody here knows (they stand in the job definition): they
    are in `hours`, and in nothing else.
    """

    attempts: int = 0
    hours: float = 0.0
    vcpu_hours: float = 0.0
    gib_hours: float = 0.0
    gpu_hours: float = 0.0
    money: float | None = None
    unknown: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.attempts + other.attempts,
            self.hours + other.hours,
            self.vcpu_hours + other.vcpu_hours,
            self.gib_hours + other.gib_hours,
            self.gpu_hours + other.gpu_hours,
            _plus(self.money, other.money),
            self.unknown + other.unknown,
        )


@dataclass(frozen=True, slots=True)
class Costs:
    """What a run used. wasted: on attempts that failed, by cause. labels: where the prices come from."""

    total: Usage = field(default_factory=Usage)
    stages: Mapping[str, Usage] = field(default_factory=dict)
    samples: Mapping[str, Usage] = field(default_factory=dict)
    wasted: Mapping[Cause, Usage] = field(default_factory=dict)
    currency: str = ""
    labels: tuple[str, ...] = ()

    @property
    def all_wasted(self) -> Usage:
        """Everything that was for nothing."""
        return sum(self.wasted.values(), Usage())


def costs(record: RunRecord, rates: Mapping[str, Rate] | None = None) -> Costs:
    """Add up a run. rates: by queue, and under "" for the queues that have none of their own."""
    rates = rates or {}
    sums = _Sums()
    for entry in record.entries.values():
        rate = _rate(entry, rates)
        causes = _causes(entry)
        for attempt, cause in zip(entry.tries, causes, strict=True):
            seconds = spent(attempt)
            if seconds is not None:
                sums.add(entry, usage(entry.job, seconds, rate), cause)
    labels = tuple(dict.fromkeys(rate.label for rate in rates.values()))
    currency = next((rate.currency for rate in rates.values()), "")
    return Costs(sums.total, sums.stages, sums.samples, sums.wasted, currency, labels)


def usage(job: Job | None, seconds: float, rate: Rate | None = None) -> Usage:
    """One attempt of a job that ran for so long."""
    hours = seconds / 3600
    if job is None or job.vcpus is None or job.memory is None:
        return Usage(1, hours, unknown=1)
    gib = job.memory / 1024
    money = rate.money(job.vcpus, gib, job.gpus, seconds) if rate is not None else None
    return Usage(1, hours, hours * job.vcpus, hours * gib, hours * job.gpus, money)


def usage_of(entry: Entry, rates: Mapping[str, Rate] | None = None) -> Usage:
    """Everything that one job used, in all its attempts that have ended."""
    rate = _rate(entry, rates or {})
    lengths = [spent(attempt) for attempt in entry.tries]
    return sum((usage(entry.job, seconds, rate) for seconds in lengths if seconds is not None), _NOTHING)


class _Sums:
    def __init__(self) -> None:
        self.total = Usage()
        self.stages: dict[str, Usage] = {}
        self.samples: dict[str, Usage] = {}
        self.wasted: dict[Cause, Usage] = {}

    def add(self, entry: Entry, used: Usage, cause: Cause | None) -> None:
        self.total += used
        stage, sample = entry.stage, entry.sample
        self.stages[stage] = self.stages.get(stage, _NOTHING) + used
        self.samples[sample] = self.samples.get(sample, _NOTHING) + used
        if cause is not None:
            self.wasted[cause] = self.wasted.get(cause, _NOTHING) + used


_NOTHING = Usage()


def _rate(entry: Entry, rates: Mapping[str, Rate]) -> Rate | None:
    return rates.get(entry.detail.queue, rates.get(""))


def _causes(entry: Entry) -> Iterable[Cause | None]:
    """For each attempt the cause of its failure, or None when it was good, or may yet be."""
    tries: tuple[Attempt, ...] = entry.tries
    if entry.status is Status.SUCCEEDED and len(tries) <= 1:
        return [None] * len(tries)
    return list(_told_causes(entry, len(tries)))


def _told_causes(entry: Entry, number: int) -> Iterator[Cause | None]:
    found = diagnose(entry.detail)
    earlier = found.attempts[: number - 1] if found.attempts else ()
    yield from earlier
    if number:
        yield found.cause if entry.status is Status.FAILED else None


def _plus(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return one if other is None else other
    return one + other
