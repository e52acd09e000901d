"""What is to be done with each job, and why. Pure: the world is given, decisions come back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Container, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from graphlib import CycleError as GraphCycle
from graphlib import TopologicalSorter
from typing import TypeVar

from batch_helpers.claims import folder_conflicts
from batch_helpers.engines.base import Capabilities
from batch_helpers.errors import CycleError, OutputConflict, UnknownDependency
from batch_helpers.finding import Finding
from batch_helpers.job import Job, JobDetail
from batch_helpers.uris import claimed_uri
from batch_helpers.validity import Survey, described

Name = TypeVar("Name", bound=Hashable)


class Action(StrEnum):
    """What happens to a job: left alone, waited for, submitted now, submitted later, or refused."""

    SKIP = "skip"
    REUSE = "reuse"
    SUBMIT = "submit"
    HOLD = "hold"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to one job, and the reason in words.

    job_id: the active job, when it is reused. upstream: what it waits for: jobIds, and positions in `Plan.decisions`.
    remade: its outputs are being made anew, so whatever was made from them is out of date.
    """

    job: Job
    action: Action
    reason: str
    job_id: str | None = None
    upstream: tuple[int | str, ...] = ()
    remade: bool = False

    def __str__(self) -> str:
        return f"{self.action}: {self.reason}"


@dataclass(frozen=True, slots=True)
class World:
    """What a plan is made from: the two places where state lives, and what this run has done before.

    found: the outputs that are there and count, as jobs spell them. survey: why others do not, and what is out of date.
    active: active jobs by the key in their name.
    settled: jobs planned earlier in this run: their jobId, or None when nothing is to be waited for.
    claimed: outputs of those jobs, by claimed_uri. remade, held: jobIds of theirs whose outputs are being made
    anew, and those that are placeholders.
    """

    found: Container[str] = frozenset()
    survey: Survey = field(default_factory=Survey)
    active: Mapping[str, JobDetail] = field(default_factory=dict)
    settled: Mapping[Job, str | None] = field(default_factory=dict)
    claimed: Mapping[str, Job] = field(default_factory=dict)
    remade: Container[str] = frozenset()
    held: Container[str] = frozenset()
    capabilities: Capabilities = field(default_factory=Capabilities)


@dataclass(frozen=True, slots=True)
class Plan:
    """One decision for each distinct job, and for each job given the position of its decision.

    preflight: what was found to keep those that are submitted from running; empty when nobody asked.
    """

    decisions: tuple[Decision, ...]
    places: Sequence[int]
    preflight: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        return len(self.decisions)

    def __iter__(self) -> Iterator[Decision]:
        return iter(self.decisions)

    @property
    def counts(self) -> Mapping[Action, int]:
        """How many decisions of each kind; kinds that do not occur are 0."""
        counted = Counter(decision.action for decision in self.decisions)
        return {action: counted[action] for action in Action}

    def check(self) -> None:
        """Raise OutputConflict when jobs conflict; its text names them all (the first ten)."""
        conflicts = [decision.reason for decision in self.decisions if decision.action is Action.CONFLICT]
        if conflicts:
            more = f"\n… and {len(conflicts) - 10} more" if len(conflicts) > 10 else ""
            raise OutputConflict("\n".join(dict.fromkeys(conflicts[:10])) + more)

    @property
    def wanted(self) -> list[Job]:
        """The jobs that are to be submitted, now or later."""
        return [item.job for item in self.decisions if item.action in (Action.SUBMIT, Action.HOLD)]

    def explained(self, earlier: Mapping[str, str]) -> Plan:
        """The same plan, with what became of earlier tries, by key, in the reasons of those that are submitted."""
        decisions = tuple(
            replace(decision, reason=f"{earlier[decision.job.key]}; {decision.reason}")
            if decision.action in (Action.SUBMIT, Action.HOLD) and decision.job.key in earlier
            else decision
            for decision in self.decisions
        )
        return replace(self, decisions=decisions)

    def held_back(self, reason: str) -> Plan:
        """The same plan, in which nothing is submitted yet."""
        decisions = tuple(
            replace(decision, action=Action.HOLD, reason=f"{reason}; {decision.reason}")
            if decision.action is Action.SUBMIT
            else decision
            for decision in self.decisions
        )
        return replace(self, decisions=decisions)

    def batches(self) -> Iterator[list[int]]:
        """Positions of the decisions to submit, in batches: each needs only jobs of the batches before it."""
        chosen = {place for place, decision in enumerate(self.decisions) if decision.action is Action.SUBMIT}
        waits = {
            place: [item for item in self.decisions[place].upstream if isinstance(item, int) and item in chosen]
            for place in sorted(chosen)
        }
        yield from _levels(waits)


def plan(jobs: Sequence[Job], world: World | None = None) -> Plan:
    """Decide what happens to each job.

    Raises CycleError and UnknownDependency; conflicts are decisions (see Plan.check).
    """
    world = world or World()
    distinct, places, conflicts = _distinct(jobs, world.claimed)
    upstream = _upstream(jobs, distinct, places, world)
    order = _order(distinct, upstream)
    actions = _Draft(distinct, upstream, world, conflicts)
    for place in order:
        actions.decide(place)
    actions.settle_intermediates(order)
    for place in order:
        actions.hold(place)
    return Plan(tuple(actions.decisions), places)


def submission_order(dependencies: Mapping[Name, Collection[Name]]) -> list[Name]:
    """The names, each after all that it depends on; otherwise in the order given.

    Raises CycleError with the cycle, and UnknownDependency with a name that is not a key of the mapping.
    """
    for name, upstream in dependencies.items():
        for other in upstream:
            if other not in dependencies:
                known = ", ".join(map(str, list(dependencies)[:10]))
                raise UnknownDependency(f"{name!r} depends on {other!r}, which does not exist; there are: {known}")
    place = {name: number for number, name in enumerate(dependencies)}
    numbered = {place[name]: [place[other] for other in upstream] for name, upstream in dependencies.items()}
    names = list(dependencies)
    try:
        return [names[number] for level in _levels(numbered) for number in level]
    except GraphCycle as exc:
        raise CycleError([str(names[number]) for number in reversed(exc.args[1])]) from exc


def _levels(waits: Mapping[int, Collection[int]]) -> Iterator[list[int]]:
    if not any(waits.values()):
        if waits:
            yield list(waits)
        return
    sorter = TopologicalSorter(waits)
    sorter.prepare()
    while ready := sorter.get_ready():
        yield sorted(ready)
        sorter.done(*ready)


def _distinct(jobs: Sequence[Job], claimed: Mapping[str, Job]) -> tuple[list[Job], list[int], dict[int, str]]:
    """Merge identical jobs, and find those that claim each other's outputs.

    Identical jobs share their outputs, so fingerprints are worked out only where an output is claimed twice or
    where there is none.
    """
    distinct: list[Job] = []
    places: list[int] = []
    conflicts: dict[int, str] = {}
    owners: dict[str, int] = {}
    for job in jobs:
        claims = [claimed_uri(uri) for uri in job.outputs] or [job.fingerprint]
        place = len(distinct)
        rivals = [owners[claim] for claim in claims if claim in owners]
        if rivals:
            place = next((rival for rival in rivals if distinct[rival].fingerprint == job.fingerprint), place)
        places.append(place)
        if place < len(distinct):
            continue
        distinct.append(job)
        if rivals or claimed:
            _find_conflicts(place, claims, distinct, owners, claimed, conflicts)
        for claim in claims:
            owners.setdefault(claim, place)
    for place, problem in folder_conflicts(distinct, claimed).items():
        conflicts.setdefault(place, problem)
    return distinct, places, conflicts


def _find_conflicts(
    place: int,
    claims: Sequence[str],
    distinct: Sequence[Job],
    owners: Mapping[str, int],
    claimed: Mapping[str, Job],
    conflicts: dict[int, str],
) -> None:
    job = distinct[place]
    for claim in claims:
        if claim in owners:
            rival = distinct[owners[claim]]
            conflicts[place] = f"{rival.name} and {job.name} both write {claim}"
            conflicts.setdefault(owners[claim], conflicts[place])
        elif claim in claimed and claimed[claim].fingerprint != job.fingerprint:
            conflicts[place] = f"{claimed[claim].name}, added before, and {job.name} both write {claim}"


def _upstream(
    jobs: Sequence[Job], distinct: Sequence[Job], places: Sequence[int], world: World
) -> list[tuple[int | str, ...]]:
    """For each distinct job what it waits for: positions, and jobIds from before; identical jobs wait for the sum."""
    if not any(job.depends_on for job in jobs):
        return [()] * len(distinct)
    found: list[dict[int | str, None]] = [{} for _ in distinct]
    by_identity = {id(job): place for job, place in zip(jobs, places, strict=True)}
    lookup = _Lookup(by_identity, {}, world.settled)
    for job, place in zip(jobs, places, strict=True):
        for item in job.depends_on:
            other = lookup.resolve(item, job, distinct)
            if other is not None:
                found[place][other] = None
    return [tuple(items) for items in found]


@dataclass(slots=True)
class _Lookup:
    by_identity: Mapping[int, int]
    by_key: dict[str, int]
    settled: Mapping[Job, str | None]

    def resolve(self, item: str | Job | None, job: Job, distinct: Sequence[Job]) -> int | str | None:
        if item is None or isinstance(item, str):
            return item
        place = self.by_identity.get(id(item))
        if place is not None:
            return place
        if item in self.settled:
            return self.settled[item]
        if not self.by_key:
            self.by_key.update((other.key, number) for number, other in enumerate(distinct))
        if item.key not in self.by_key:
            raise UnknownDependency(
                f"{job.name!r} depends on {item.name!r}, which is neither among the jobs given nor was added before; "
                f"give both in one add_jobs call, or add {item.name!r} first"
            )
        return self.by_key[item.key]


def _order(distinct: Sequence[Job], upstream: Sequence[Collection[int | str]]) -> Sequence[int]:
    if not any(upstream):
        return range(len(distinct))
    waits = {place: [item for item in items if isinstance(item, int)] for place, items in enumerate(upstream)}
    try:
        return [place for level in _levels(waits) for place in level]
    except GraphCycle as exc:
        raise CycleError([distinct[place].name for place in reversed(exc.args[1])]) from exc


class _Draft:
    """The decisions while they are being made: forward for what is out of date, backward for intermediates."""

    def __init__(
        self, jobs: Sequence[Job], upstream: Sequence[Sequence[int | str]], world: World, conflicts: Mapping[int, str]
    ) -> None:
        self.jobs, self.upstream, self.world, self.conflicts = jobs, upstream, world, conflicts
        self.decisions: list[Decision] = [_UNDECIDED] * len(jobs)
        self.wanted_by: list[list[int]] = [[] for _ in jobs] if any(upstream) else []
        for place, items in enumerate(upstream):
            for item in items:
                if isinstance(item, int):
                    self.wanted_by[item].append(place)
        self._complete: dict[int, str] = {}

    def decide(self, place: int) -> None:
        job = self.jobs[place]
        if place in self.conflicts:
            decision = Decision(job, Action.CONFLICT, self.conflicts[place])
        elif self.world.active and (detail := self.world.active.get(job.key)):
            where = f" in queue {detail.queue}" if detail.queue else ""
            reason = f"{_short(detail.job_id)} is {detail.status}{where}"
            remade = bool(job.outputs) and (not job.intermediate or self._remade_upstream(place) is not None)
            decision = Decision(job, Action.REUSE, reason, job_id=detail.job_id, remade=remade)
        else:
            decision = self._by_outputs(place, job)
        self.decisions[place] = decision

    def _by_outputs(self, place: int, job: Job) -> Decision:
        if not job.outputs:
            return Decision(job, Action.SUBMIT, "it declares no outputs, so it always runs")
        found = self.world.found
        missing = [uri for uri in job.outputs if uri not in found]
        stale = self._remade_upstream(place) if self.upstream[place] else None
        if stale is not None:
            return Decision(job, Action.SUBMIT, f"{stale} runs again, so its outputs are out of date", remade=True)
        survey = self.world.survey
        if not missing and job in survey.outdated:
            return Decision(job, Action.SUBMIT, survey.outdated[job], remade=True)
        if not missing:
            doubt = f"; {survey.undated[job]}" if job in survey.undated else ""
            return Decision(job, Action.SKIP, self._all_exist(len(job.outputs)) + doubt)
        reason = f"outputs missing: {described(missing[0], survey.wanting)} ({len(missing)} of {len(job.outputs)})"
        waits_for_dependants = job.intermediate and bool(self.wanted_by) and bool(self.wanted_by[place])
        return Decision(job, Action.SUBMIT, reason, remade=not waits_for_dependants)

    def _all_exist(self, number: int) -> str:
        return self._complete.setdefault(number, "its output exists" if number == 1 else f"all {number} outputs exist")

    def _remade_upstream(self, place: int) -> str | None:
        for item in self.upstream[place]:
            if isinstance(item, int):
                if self.decisions[item].remade:
                    return self.jobs[item].name
            elif item in self.world.remade:
                return _short(item)
        return None

    def settle_intermediates(self, order: Sequence[int]) -> None:
        """Backward: an intermediate that is missing, and that nobody who runs needs, is not made again."""
        if not self.wanted_by:
            return
        running = (Action.SUBMIT, Action.CONFLICT)
        for place in reversed(order):
            decision = self.decisions[place]
            if decision.action is not Action.SUBMIT or decision.remade or not decision.job.outputs:
                continue
            if not any(self.decisions[other].action in running for other in self.wanted_by[place]):
                reason = "intermediate, and every job that needs it is done or active"
                self.decisions[place] = replace(decision, action=Action.SKIP, reason=reason)

    def hold(self, place: int) -> None:
        """Forward: settle what the job waits for, and hold it when the engine cannot take that."""
        decision = self.decisions[place]
        if decision.action not in (Action.SUBMIT, Action.REUSE) or not self.upstream[place]:
            return
        waits = tuple(
            item
            for item in self.upstream[place]
            if isinstance(item, str) or self.decisions[item].action is not Action.SKIP
        )
        decision = replace(decision, upstream=waits)
        if decision.action is Action.SUBMIT and (problem := self._why_held(waits)):
            decision = replace(decision, action=Action.HOLD, reason=f"{problem}; {decision.reason}")
        self.decisions[place] = decision

    def _why_held(self, waits: Iterable[int | str]) -> str | None:
        limits = self.world.capabilities
        count = 0
        for item in waits:
            count += 1
            if isinstance(item, str):
                if item in self.world.held:
                    return f"waits for {_short(item)}, which is held"
                continue
            other = self.decisions[item]
            if other.action is Action.HOLD:
                return f"waits for {other.job.name}, which is held"
            if other.job.run_dependents_on_fail and not limits.failure_dependencies:
                return f"starts when {other.job.name} has ended, either way"
        if limits.max_dependencies is not None and count > limits.max_dependencies:
            return f"waits for {count} jobs, and the service takes {limits.max_dependencies}"
        return None


_UNDECIDED = Decision(Job("undecided"), Action.SKIP, "")


def _short(job_id: str) -> str:
    return job_id if len(job_id) <= 12 else f"{job_id[:8]}…"
