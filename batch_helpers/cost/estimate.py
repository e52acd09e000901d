"""What jobs will probably use, from how long their stages took in an earlier run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import quantiles

from batch_helpers.cost.prices import Rate
from batch_helpers.cost.usage import Usage, usage
from batch_helpers.events.record import RunRecord
from batch_helpers.job import Job, Status

_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Estimate:
    """low, typical, high: if every job took as long as the 10th, 50th and 90th of a hundred of its stage did.

    jobs: how many are estimated. unknown: stages of which the earlier run tells nothing, with how many jobs.
    """

    jobs: int
    low: Usage
    typical: Usage
    high: Usage
    unknown: Mapping[str, int]
    currency: str = ""
    labels: tuple[str, ...] = ()


def estimate(jobs: Iterable[Job], earlier: RunRecord, rates: Mapping[str, Rate] | None = None) -> Estimate:
    """Estimate jobs that are yet to run. rates: by queue, and under "" for queues that have none of their own."""
    rates = rates or {}
    known = stage_seconds(earlier)
    sums = [Usage(), Usage(), Usage()]
    counted, unknown = 0, dict[str, int]()
    for job in jobs:
        if job.group not in known:
            unknown[job.group] = unknown.get(job.group, 0) + 1
            continue
        counted += 1
        rate = rates.get(job.job_queue or "", rates.get(""))
        sums = [total + usage(job, seconds, rate) for total, seconds in zip(sums, known[job.group], strict=True)]
    currency, labels = named(rates)
    low, typical, high = sums
    return Estimate(counted, low, typical, high, unknown, currency, labels)


@dataclass(frozen=True, slots=True)
class Bound:
    """used: if every job ran once, until its timeout. jobs: how many have one. unknown: how many have none."""

    jobs: int
    used: Usage
    unknown: int
    currency: str = ""
    labels: tuple[str, ...] = ()


def bound(jobs: Iterable[Job], rates: Mapping[str, Rate] | None = None) -> Bound:
    """The most that jobs will use, one attempt each, as far as they have timeouts. rates: as those of estimate()."""
    rates = rates or {}
    counted, unknown, used = 0, 0, Usage()
    for job in jobs:
        if job.timeout is None:
            unknown += 1
            continue
        counted += 1
        used += usage(job, job.timeout, rates.get(job.job_queue or "", rates.get("")))
    currency, labels = named(rates)
    return Bound(counted, used, unknown, currency, labels)


def named(rates: Mapping[str, Rate]) -> tuple[str, tuple[str, ...]]:
    """The currency and the labels of rates."""
    currency = next((rate.currency for rate in rates.values()), "")
    return currency, tuple(dict.fromkeys(rate.label for rate in rates.values()))


def stage_seconds(record: RunRecord) -> dict[str, tuple[float, float, float]]:
    """For each stage the 10th, 50th and 90th percentile of how long its good jobs ran, in seconds."""
    found: dict[str, list[float]] = {}
    for entry in record:
        seconds = entry.run_seconds
        if entry.status is Status.SUCCEEDED and seconds is not None:
            found.setdefault(entry.stage, []).append(seconds)
    return {stage: _percentiles(times) for stage, times in found.items()}


def _percentiles(times: list[float]) -> tuple[float, float, float]:
    if len(times) < _FEWEST:
        return times[0], times[0], times[0]
    tenths = quantiles(times, n=10, method="inclusive")
    return tenths[0], tenths[4], tenths[8]
