"""What holds of every plan: of any cohort, whatever is there already and whatever is active."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from batch_helpers.engines.base import Capabilities
from batch_helpers.job import Job, JobDetail, Status
from batch_helpers.plan import Action, Decision, Plan, World, plan

RUNS = (Action.SUBMIT, Action.HOLD)
LIMITS = (Capabilities(), Capabilities(failure_dependencies=True), Capabilities(max_dependencies=2))

quickly = settings(max_examples=80, deadline=None)
thoroughly = settings(max_examples=300, deadline=None)


@dataclass(frozen=True)
class Case:
    """A cohort, what of its outputs is there, which of its jobs are active, and what the engine takes."""

    jobs: list[Job]
    found: frozenset[str]
    active: frozenset[str]
    limits: Capabilities

    def plan(self, jobs: list[Job] | None = None) -> Plan:
        return decided(self.jobs if jobs is None else jobs, self.found, self.active, self.limits)


def decided(jobs: list[Job], found: frozenset[str], active: frozenset[str], limits: Capabilities) -> Plan:
    live = {job.key: JobDetail(f"id-{job.name}", job.full_name, Status.RUNNABLE) for job in jobs if job.name in active}
    return plan(jobs, World(found=found, active=live, capabilities=limits))


KINDS = ("plain", "two", "intermediate", "either way")


def case(seed: int) -> Case:
    """Drawing one number is what keeps these tests quick, and every case as likely as another."""
    random = Random(seed)
    jobs: list[Job] = []
    for number in range(random.randint(1, 8)):
        needs = random.sample(jobs, random.randint(0, min(3, len(jobs))))
        jobs.append(_job(number, random.choice(KINDS), needs))
    share, busy = random.choice((0.1, 0.5, 0.8)), random.choice((0.0, 0.2, 0.6))
    there = frozenset(uri for job in jobs for uri in job.outputs if random.random() < share)
    active = frozenset(job.name for job in jobs if random.random() < busy)
    random.shuffle(jobs)
    return Case(jobs, there, active, random.choice(LIMITS))


def _job(number: int, kind: str, needs: list[Job]) -> Job:
    outputs = [f"s3://b/{number}/{part}" for part in range(2 if kind == "two" else 1)]
    intermediate, either_way = kind == "intermediate", kind == "either way"
    return Job(
        f"j{number}", command=[str(number)], outputs=outputs, depends_on=needs, intermediate=intermediate,
        run_dependents_on_fail=either_way,
    )  # fmt: skip


cases = st.integers(0, 2**32).map(case)


def by_name(made: Plan) -> dict[str, Decision]:
    return {decision.job.name: decision for decision in made}


def upstream(job: Job) -> list[str]:
    return [item.name for item in job.depends_on if isinstance(item, Job)]


@quickly
@given(cases)
def test_nothing_is_skipped_whose_outputs_are_missing_and_wanted(case: Case) -> None:
    made = by_name(case.plan())
    for name, decision in made.items():
        if decision.action is Action.SKIP and not case.found.issuperset(decision.job.outputs):
            users = [other for other in made.values() if name in upstream(other.job)]
            assert decision.job.intermediate
            assert users
            assert all(other.action not in RUNS for other in users)


@thoroughly
@given(cases)
def test_a_job_whose_outputs_are_there_runs_exactly_when_what_it_is_made_from_is_made_anew(case: Case) -> None:
    made = by_name(case.plan())
    for decision in made.values():
        if case.found.issuperset(decision.job.outputs) and decision.action is not Action.REUSE:
            assert (decision.action in RUNS) == out_of_date(decision.job, made)


def out_of_date(job: Job, made: dict[str, Decision]) -> bool:
    """Whether something that a job is made from is made anew: intermediates only with what they are made from."""
    made_anew = [made[name] for name in upstream(job) if made[name].action is not Action.SKIP]
    return any(not item.job.intermediate or out_of_date(item.job, made) for item in made_anew)


@quickly
@given(cases)
def test_what_is_active_is_reused_and_never_submitted_beside_itself(case: Case) -> None:
    for name, decision in by_name(case.plan()).items():
        assert (decision.action is Action.REUSE) == (name in case.active)


@quickly
@given(cases)
def test_what_runs_waits_for_everything_that_it_needs_and_that_is_not_there(case: Case) -> None:
    made = case.plan()
    for decision in made:
        if decision.action in RUNS:
            waits = {made.decisions[item].job.name for item in decision.upstream if isinstance(item, int)}
            assert waits == {name for name in upstream(decision.job) if by_name(made)[name].action is not Action.SKIP}


@quickly
@given(cases)
def test_every_job_that_is_submitted_is_in_one_batch_behind_those_that_it_needs(case: Case) -> None:
    made, submitted = case.plan(), set[int]()
    for batch in made.batches():
        for place in batch:
            needs = [item for item in made.decisions[place].upstream if isinstance(item, int)]
            assert all(made.decisions[item].action is not Action.SUBMIT or item in submitted for item in needs)
        assert not submitted & set(batch)
        submitted |= set(batch)
    assert submitted == {place for place, item in enumerate(made) if item.action is Action.SUBMIT}


@quickly
@given(cases, st.integers(0, 99))
def test_the_same_is_decided_every_time_and_in_any_order(case: Case, order: int) -> None:
    first, again = case.plan(), case.plan()
    assert first == again
    assert gist(case.plan(Random(order).sample(case.jobs, len(case.jobs)))) == gist(first)


def gist(made: Plan) -> dict[str, object]:
    """What a plan says, apart from the positions in it."""
    return {
        item.job.name: (
            item.action, item.reason, item.job_id, item.remade,
            [made.decisions[other].job.name if isinstance(other, int) else other for other in item.upstream],
        )
        for item in made
    }  # fmt: skip


@quickly
@given(cases)
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(case: Case) -> None:
    ran = [item.job for item in case.plan() if item.action is not Action.SKIP]
    there = case.found.union(*(job.outputs for job in ran))
    assert decided(case.jobs, there, frozenset(), case.limits).counts[Action.SKIP] == len(case.jobs)


@quickly
@given(cases)
def test_a_plan_whose_jobs_are_all_submitted_submits_nothing_more(case: Case) -> None:
    first = by_name(case.plan())
    active = frozenset(name for name, item in first.items() if item.action is not Action.SKIP)
    second = by_name(decided(case.jobs, case.found, active, case.limits))
    assert {name for name, item in second.items() if item.action is Action.SKIP} == first.keys() - active
    assert {name for name, item in second.items() if item.action is Action.REUSE} == active


@quickly
@given(cases, st.integers(0, 99))
def test_however_often_it_is_cut_short_a_cohort_is_done_in_the_end(case: Case, seed: int) -> None:
    there, random = case.found, Random(seed)
    for _ in range(len(case.jobs) + 1):
        made = decided(case.jobs, there, frozenset(), case.limits)
        batches = list(made.batches())
        if not batches:
            break
        lasted = random.randint(1, len(batches[0]))
        there = there.union(*(made.decisions[place].job.outputs for place in batches[0][:lasted]))
    assert made.counts[Action.SKIP] == len(case.jobs)
