"""What is tried again, with what, and when a run pauses."""

from __future__ import annotations

import pytest

from batch_helpers.diagnose import Cause, Diagnosis, FailureGroup, diagnose
from batch_helpers.errors import InvalidInput
from batch_helpers.job import Attempt, Job, JobDetail, Status
from batch_helpers.recovery import Recovery, Tries, circuit, try_again

UPSTREAM = "6f0c0000-0000-4000-8000-000000000000"


def job(**fields: object) -> Job:
    given: dict[str, object] = {"command": ["a"], "memory": 4096, "job_queue": "spot", "depends_on": [UPSTREAM]}
    return Job("align-s1", **{**given, **fields})  # type: ignore[arg-type]


def failure(reason: str, *attempts: str, exit_code: int | None = None) -> Diagnosis:
    tries = tuple(Attempt(number, reason=text) for number, text in enumerate(attempts, start=1))
    return diagnose(JobDetail("id", "n", Status.FAILED, reason=reason, exit_code=exit_code, attempts=tries))


OOM = failure("OutOfMemoryError: Container killed due to memory usage")
SPOT = "Host EC2 (instance i-1) terminated."
PULL = failure("CannotPullContainerError: i/o timeout")


def test_a_job_out_of_memory_comes_back_with_more_and_is_the_same_work() -> None:
    first = job()
    again = try_again(first, [OOM], Recovery(memory_growth=2))
    assert again is not None
    assert (again.job.memory, again.change) == (8192, "memory 4 GiB -> 8 GiB")
    assert again.job.fingerprint == first.fingerprint
    assert (again.job.job_queue, again.job.depends_on) == ("spot", ())


def test_memory_stays_as_it_is_unless_growth_is_asked_for_and_the_memory_is_known() -> None:
    assert try_again(job(), [OOM], Recovery()) is None
    assert try_again(job(memory=None), [OOM], Recovery(memory_growth=2)) is None


def test_memory_grows_up_to_its_cap_and_no_further() -> None:
    policy = Recovery(memory_growth=1.5, memory_cap=5000)
    again = try_again(job(), [OOM], policy)
    assert again is not None
    assert again.job.memory == 5000
    assert try_again(again.job, [OOM, OOM], policy) is None


def test_without_a_cap_memory_grows_to_eight_times_what_was_asked_for() -> None:
    current, sizes = job(memory=1000), []
    for _ in range(10):
        again = try_again(current, [OOM], Recovery(memory_growth=3), asked=job(memory=1000))
        if again is None:
            break
        current = again.job
        sizes.append(current.memory)
    assert sizes == [3000, 8000]


def test_growth_is_rounded_up_to_whole_mebibytes() -> None:
    again = try_again(job(memory=3), [OOM], Recovery(memory_growth=1.1))
    assert again is not None
    assert again.job.memory == 4


def test_a_reclaimed_job_stays_in_its_queue_until_it_has_been_reclaimed_too_often() -> None:
    policy = Recovery(fallback_queue="on-demand", max_reclaims=2)
    once = try_again(job(), [failure(SPOT, SPOT)], policy)
    assert once is not None
    assert once.job.job_queue == "spot"
    twice = try_again(once.job, [failure(SPOT, SPOT), failure(SPOT, SPOT)], policy)
    assert twice is not None
    assert twice.job.job_queue == "on-demand"
    assert twice.job.fingerprint == once.job.fingerprint
    assert try_again(twice.job, [failure(SPOT)] * 3, policy) is None


def test_reclaims_that_the_service_retried_by_itself_count() -> None:
    policy = Recovery(fallback_queue="on-demand", max_reclaims=3)
    again = try_again(job(), [failure(SPOT, SPOT, SPOT, SPOT)], policy)
    assert again is not None
    assert again.change == "queue spot -> on-demand (3 x spot reclaim)"


def test_without_a_fallback_queue_reclaims_end() -> None:
    assert try_again(job(), [failure(SPOT)], Recovery(max_reclaims=2)) is not None
    assert try_again(job(), [failure(SPOT)] * 2, Recovery(max_reclaims=2)) is None


EXIT = "Essential container in task exited"


def test_reclaims_cost_the_application_none_of_its_attempts() -> None:
    """The service counts both alike: two of the three attempts were reclaimed, so the command has failed but once."""
    tries = Tries(Recovery())
    flaky = job(attempts=3)
    reclaimed = Attempt(1, reason=SPOT)
    failed = Attempt(2, exit_code=1, reason=EXIT)
    again = tries.after(flaky, JobDetail("id", "n", Status.FAILED, reason=EXIT, exit_code=1,
                                         attempts=(reclaimed, reclaimed, failed)))  # fmt: skip
    assert again is not None
    assert (again.job.attempts, again.change) == (2, "2 of its 3 attempts were lost to reclaims")
    last = JobDetail("id", "n", Status.FAILED, reason=EXIT, exit_code=1, attempts=(failed, failed))
    assert tries.after(again.job, last) is None


def test_after_a_reclaim_only_the_attempts_are_left_that_the_application_has_not_used() -> None:
    failed, reclaimed = Attempt(1, exit_code=1, reason=EXIT), Attempt(2, reason=SPOT)
    detail = JobDetail("id", "n", Status.FAILED, reason=SPOT, attempts=(failed, failed, reclaimed))
    again = Tries(Recovery()).after(job(attempts=3), detail)
    assert again is not None
    assert again.job.attempts == 1


def test_an_application_that_has_used_its_attempts_is_not_tried_again() -> None:
    failed = Attempt(1, exit_code=1, reason=EXIT)
    detail = JobDetail("id", "n", Status.FAILED, reason=EXIT, exit_code=1, attempts=(failed, failed))
    assert Tries(Recovery()).after(job(attempts=3), detail) is None, "no reclaim has cost it anything"


def test_a_lost_host_is_borne_as_a_reclaim_is() -> None:
    assert try_again(job(), [failure("host terminated: the supervisor of these jobs died")], Recovery()) is not None


def test_an_image_that_could_not_be_pulled_is_tried_a_few_times() -> None:
    policy = Recovery(start_retries=2)
    assert try_again(job(), [PULL], policy) is not None
    assert try_again(job(), [PULL, PULL], policy) is not None
    assert try_again(job(), [PULL, PULL, PULL], policy) is None


def test_failures_to_start_and_to_pull_are_counted_together() -> None:
    start = failure("Task failed to start")
    assert try_again(job(), [PULL, start], Recovery(start_retries=1)) is None


def test_other_failures_do_not_use_up_the_tries_of_a_pull() -> None:
    assert try_again(job(), [OOM, OOM, PULL], Recovery(start_retries=1)) is not None


def test_a_run_remembers_what_each_work_has_been_through() -> None:
    tries = Tries(Recovery(memory_growth=2, memory_cap=None, fallback_queue="on-demand", max_reclaims=2))
    first, other = job(memory=1000), job(memory=1000, command=["b"])
    reclaimed = JobDetail("id", "n", Status.FAILED, reason=SPOT)
    too_small = JobDetail("id", "n", Status.FAILED, reason="OutOfMemoryError: x")
    again = tries.after(first, reclaimed)
    assert again is not None
    assert again.job.job_queue == "spot"
    again = tries.after(again.job, too_small)
    assert again is not None
    assert (again.job.memory, again.job.job_queue) == (2000, "spot")
    again = tries.after(again.job, reclaimed)
    assert again is not None
    assert (again.job.memory, again.job.job_queue) == (2000, "on-demand")
    for memory in (4000, 8000):
        again = tries.after(again.job, too_small)
        assert again is not None
        assert again.job.memory == memory
    assert tries.after(again.job, too_small) is None
    assert tries.after(other, reclaimed) is not None


@pytest.mark.parametrize(
    "last",
    [
        failure("Essential container in task exited", exit_code=1),
        failure("CannotPullContainerError: manifest unknown"),
        failure("Job attempt duration exceeded timeout"),
        failure("missing outputs: s3://b/k"),
        failure("no space left on device"),
        failure("cancelled by the user"),
        failure("Strange"),
    ],
)
def test_what_would_fail_again_is_not_tried_again(last: Diagnosis) -> None:
    assert try_again(job(), [last], Recovery(memory_growth=2, fallback_queue="on-demand")) is None


@pytest.mark.parametrize(
    "fields",
    [{"memory_growth": 1}, {"memory_growth": float("nan")}, {"memory_growth": float("inf")}, {"memory_cap": 0},
     {"max_reclaims": -1}, {"start_retries": -1}],
)  # fmt: skip
def test_a_policy_that_cannot_work_is_refused_with_its_field(fields: dict[str, float]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(fields))):
        Recovery(**fields)  # type: ignore[arg-type]


def group(count: int, cause: Cause = Cause.APPLICATION) -> FailureGroup:
    return FailureGroup(cause, "align:3", "m", count, "align-s1", "id", "look at its log")


def test_a_run_pauses_when_the_share_that_failed_alike_is_reached() -> None:
    assert circuit([group(49)], 1000, 0.05) is None
    trip = circuit([group(3), group(50)], 1000, 0.05)
    assert trip is not None
    assert trip.text(900) == (
        "paused: 50 of 1,000 jobs (5.0%) failed alike: 50 x application exit, e.g. align-s1: look at its log. "
        "900 jobs are held back. Mend it and run the same script again; max_failures=None never pauses"
    )


def test_failures_that_are_not_alike_do_not_add_up() -> None:
    assert circuit([group(30), group(30)], 1000, 0.05) is None


def test_one_or_two_failures_never_pause_a_run_of_more() -> None:
    assert circuit([group(2)], 10, 0.05) is None
    assert circuit([group(3)], 10, 0.05) is not None
    assert circuit([group(2)], 2, 0.05) is not None


@pytest.mark.parametrize("cause", [Cause.UPSTREAM, Cause.CANCELLED])
def test_consequences_do_not_pause_a_run(cause: Cause) -> None:
    assert circuit([group(500, cause)], 1000, 0.05) is None


def test_none_never_pauses_and_an_empty_run_neither() -> None:
    assert circuit([group(1000)], 1000, None) is None
    assert circuit([], 0, 0.05) is None


@pytest.mark.parametrize("share", [0, -0.1, 1.5, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(InvalidInput, match="max_failures"):
        circuit([], 10, share)
