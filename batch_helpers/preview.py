"""A plan with what it takes: the calls, the time to submit, the hours and the money; as text and as JSON."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from batch_helpers.engines.base import Capabilities
from batch_helpers.errors import InvalidInput
from batch_helpers.plan import Decision, Plan
from batch_helpers.words import duration, printable

if TYPE_CHECKING:
    from batch_helpers.cost import Bound, Estimate, Rate
    from batch_helpers.events import RunRecord

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Preview(Plan):
    """A plan that tells of itself: print it, or see calls, seconds, estimate() and explain().

    capabilities: of the engine that it is for. queue: that of jobs which name none.
    """

    capabilities: Capabilities = field(default_factory=Capabilities)
    queue: str | None = None

    @property
    def calls(self) -> int:
        """Requests to the service that submitting takes at the most; polling comes on top."""
        each = self.capabilities.jobs_per_request
        images = {job.image for job in self.wanted if job.image is not None}
        return math.ceil(len(self.wanted) / each) + len(images) if each else 0

    @property
    def seconds(self) -> float | None:
        """How long submitting takes at the rate of requests that is allowed; None where there is no such rate."""
        rate = self.capabilities.request_rate
        return self.calls / rate if rate else None

    def estimate(
        self, earlier: RunRecord | None = None, rates: Mapping[str, Rate] | None = None
    ) -> tuple[Estimate | None, Bound]:
        """What its jobs will use: as long as their stages took in an earlier run, and the most, by their timeouts."""
        from batch_helpers.cost import bound, estimate

        jobs = [job.bound(job.job_queue or self.queue, ()) for job in self.wanted]
        return estimate(jobs, earlier, rates) if earlier is not None else None, bound(jobs, rates)

    def __str__(self) -> str:
        return self.text()

    def text(self, earlier: RunRecord | None = None, rates: Mapping[str, Rate] | None = None) -> str:
        """The decisions with their reasons, and what it takes."""
        from batch_helpers.report import plan_table

        return "\n".join([plan_table(self.decisions), "", *self.lines(earlier, rates)])

    def lines(self, earlier: RunRecord | None = None, rates: Mapping[str, Rate] | None = None) -> list[str]:
        """What it takes, a line for each; hours only from an earlier run or from timeouts, money only with a rate."""
        from batch_helpers.cost.words import bound_lines, estimate_lines

        found, most = self.estimate(earlier, rates)
        known = estimate_lines(found) if found is not None else []
        return [self._submission(), *known, *bound_lines(most, labelled=found is None)]

    def _submission(self) -> str:
        number = len(self.wanted)
        if not number:
            return "nothing to submit"
        if not self.calls:
            return f"to submit {number:,} jobs: no calls to a service"
        told = f"to submit {number:,} jobs: at most {self.calls:,} API calls"
        if self.seconds is None:
            return told
        return f"{told}, {duration(self.seconds)} at {self.capabilities.request_rate:g} a second"

    def find(self, name: str) -> Decision:
        """The decision about a job, by its name; InvalidInput with names that are like it."""
        for item in self.decisions:
            if name in (item.job.name, item.job.full_name, item.job.key):
                return item
        from difflib import get_close_matches

        close = get_close_matches(name, [item.job.name for item in self.decisions], n=3)
        hint = f"; did you mean {', '.join(close)}?" if close else f"; there are {len(self.decisions):,} jobs"
        raise InvalidInput(f"no job of this plan is called {name!r}{hint}")

    def upstream_of(self, item: Decision) -> Iterator[tuple[str, str]]:
        """What a job waits for: names with their decisions, and jobIds."""
        for other in item.upstream:
            if isinstance(other, int):
                yield self.decisions[other].job.name, str(self.decisions[other])
            else:
                yield other, "submitted before"


def explain(plan: Preview, name: str) -> dict[str, Any]:
    """All that is known of one job of a plan, as JSON takes it. parts: what its fingerprint is made of."""
    item = plan.find(name)
    waits = [{"job": other, "decision": told} for other, told in plan.upstream_of(item)]
    found = {
        "job": item.job.name,
        "action": str(item.action),
        "reason": item.reason,
        "job_id": item.job_id,
        "waits_for": waits,
        "fingerprint": item.job.fingerprint,
        "full_name": item.job.full_name,
        "parts": item.job.work,
    }
    return {key: value for key, value in found.items() if value is not None}


def explain_text(plan: Preview, name: str) -> str:
    """The same as lines. A hash beside each part tells which of them differs between two runs."""
    found = explain(plan, name)
    lines = [f"{found['job']}: {found['action']}: {found['reason']}"]
    lines += [f"  as {found['job_id']}"] if "job_id" in found else []
    lines += [f"  waits for {item['job']} ({item['decision']})" for item in found["waits_for"]]
    lines += [f"  fingerprint {found['fingerprint']}, made of"]
    lines += [f"    {part:<12} {_hash(value)}  {_short(value)}" for part, value in found["parts"].items()]
    lines += [f"  submitted as {found['full_name']}"]
    return "\n".join(printable(line) for line in lines)


def as_dict(plan: Preview, earlier: RunRecord | None = None, rates: Mapping[str, Rate] | None = None) -> dict[str, Any]:
    """A plan as JSON takes it."""
    found, most = plan.estimate(earlier, rates)
    usages = {name: getattr(found, name) for name in ("low", "typical", "high")} if found else {}
    told = {
        name: _usage(used) for name, used in {**usages, "at_most": most.used if most.jobs else None}.items() if used
    }
    return {
        "jobs": [{"job": item.job.name, "action": str(item.action), "reason": item.reason} for item in plan],
        "counts": {str(action): number for action, number in plan.counts.items()},
        "api_calls": plan.calls,
        "seconds_to_submit": plan.seconds,
        **({"estimate": {**told, "currency": most.currency, "prices": list(most.labels)}} if told else {}),
    }


def _usage(used: Any) -> dict[str, float | None]:
    return {name: getattr(used, name) for name in ("vcpu_hours", "gib_hours", "gpu_hours", "money", "unknown")}


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"


def previewed(plan: Plan, capabilities: Capabilities, queue: str | None) -> Preview:
    """A plan, for an engine."""
    return Preview(plan.decisions, plan.places, plan.preflight, capabilities, queue)


def joined(decisions: Iterable[Decision], capabilities: Capabilities, queue: str | None) -> Preview:
    """The plan of all that a dry run has decided, one after the other."""
    listed = tuple(decisions)
    return Preview(listed, range(len(listed)), capabilities=capabilities, queue=queue)
