"""From what a service says of a failed job to its cause."""

from __future__ import annotations

import pytest

from batch_helpers.diagnose import Cause, diagnose, why_waiting
from batch_helpers.job import Attempt, JobDetail, Status

ESSENTIAL = "Essential container in task exited"


def failed(reason: str = "", exit_code: int | None = None, *attempts: Attempt) -> JobDetail:
    return JobDetail("id", "align-s1-0123456789abcdef", Status.FAILED, reason=reason, exit_code=exit_code,
                     attempts=attempts)  # fmt: skip


SAID = [
    ("Host EC2 (instance i-0abc12de34f567890) terminated.", Cause.SPOT_RECLAIM),
    ("Your Spot Task was interrupted.", Cause.SPOT_RECLAIM),
    ("OutOfMemoryError: Container killed due to memory usage", Cause.OUT_OF_MEMORY),
    (f"{ESSENTIAL}; OutOfMemoryError: Container killed due to memory usage", Cause.OUT_OF_MEMORY),
    ("CannotPullContainerError: pull image manifest has been retried 5 time(s): i/o timeout", Cause.IMAGE_PULL),
    ("CannotPullContainerError: Error response from daemon: manifest for x:1 not found", Cause.IMAGE_PULL),
    ("CannotPullContainerError: pull access denied for x, repository does not exist", Cause.IMAGE_PULL),
    ("CannotPullContainerError: toomanyrequests: You have reached your pull rate limit.", Cause.IMAGE_PULL),
    ("CannotPullContainerError: write /var/lib/docker/tmp/1: no space left on device", Cause.DISK),
    ("no space left on device", Cause.DISK),
    ("Task failed to start", Cause.START),
    ("Task failed to start; CannotPullContainerError: i/o timeout", Cause.IMAGE_PULL),
    ("CannotStartContainerError: exec: \"alin\": executable file not found in $PATH", Cause.START),
    ("ResourceInitializationError: failed to initialize logging driver", Cause.START),
    ("ResourceInitializationError: unable to pull secrets: User is not authorized to perform: ecr:X", Cause.ROLE),
    ("ECS was unable to assume the role 'arn:aws:iam::123456789012:role/x'", Cause.ROLE),
    ("Job attempt duration exceeded timeout", Cause.TIMEOUT),
    ("Dependent Job failed", Cause.UPSTREAM),
    ("Dependent Job failed: align-s1; this job was not submitted", Cause.UPSTREAM),
    ("missing outputs: s3://b/k and 2 more", Cause.MISSING_OUTPUTS),
    ("lost: the service has forgotten this job, and it declares no outputs to judge by; run it again", Cause.LOST),
    ("cancelled by the user", Cause.CANCELLED),
    ("terminated by the user", Cause.CANCELLED),
    ("host terminated: the supervisor of these jobs died", Cause.HOST_LOST),
    ("Container Overrides length must be at most 8192", Cause.LIMIT),
    ("Canceled by JobStateTimeLimit action due to reason: CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY", Cause.CAPACITY),
    ("CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY", Cause.CAPACITY),
    ("MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE", Cause.CONFIGURATION),
    ("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT", Cause.CONFIGURATION),
    ("MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS", Cause.ROLE),
    ("ACTION_REQUIRED - Job queue is disabled", Cause.CONFIGURATION),
    ("UNDETERMINED - Job is blocked", Cause.UNKNOWN),
    # Azure
    ("upstream failed", Cause.UPSTREAM),
    ("ContainerInvalidImage: The container image was invalid", Cause.IMAGE_PULL),
    ("BlobAccessDenied: Access was denied when trying to download a resource file", Cause.ROLE),
    ("CommandProgramNotFound: The specified command program is not found", Cause.START),
    ("The node was preempted", Cause.SPOT_RECLAIM),
    ("TaskEnded: the task was ended by user request", Cause.CANCELLED),
    ("TaskEnded: maxWallClockTime has passed", Cause.TIMEOUT),
    ("DiskFull: There is not enough disk space on the node", Cause.DISK),
    ("Something that nobody has ever seen", Cause.UNKNOWN),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "cause"), SAID)
@pytest.mark.parametrize("exit_code", [None, 1, 137])
def test_a_reason_tells_its_cause_whatever_the_exit_code(reason: str, cause: Cause, exit_code: int | None) -> None:
    found = diagnose(failed(reason, exit_code))
    assert found.cause is cause
    assert found.evidence == reason
    assert found.remedy
    assert "\n" not in found.remedy


def test_an_exit_of_the_command_is_told_by_the_reason_and_its_code() -> None:
    found = diagnose(failed(ESSENTIAL, 3))
    assert (found.cause, found.evidence) == (Cause.APPLICATION, f"{ESSENTIAL} (exit code 3)")
    assert not found.passing


@pytest.mark.parametrize("exit_code", [0, None])
def test_a_container_that_did_not_fail_is_no_failure_of_the_application(exit_code: int | None) -> None:
    assert diagnose(failed(ESSENTIAL, exit_code)).cause is Cause.UNKNOWN


@pytest.mark.parametrize("exit_code", [1, 137])
def test_an_exit_code_alone_tells_nothing(exit_code: int) -> None:
    found = diagnose(failed("", exit_code))
    assert (found.cause, found.evidence) == (Cause.UNKNOWN, f"no reason given, exit code {exit_code}")


def test_a_killed_command_is_not_called_out_of_memory_but_the_remedy_says_that_it_may_be() -> None:
    found = diagnose(failed(ESSENTIAL, 137))
    assert found.cause is Cause.APPLICATION
    assert "memory" in found.remedy


def test_what_the_last_attempt_says_counts_beside_the_general_words_of_the_job() -> None:
    attempt = Attempt(1, exit_code=137, reason="OutOfMemoryError: Container killed due to memory usage")
    assert diagnose(failed(ESSENTIAL, 137, attempt)).cause is Cause.OUT_OF_MEMORY


def test_the_last_attempt_decides_and_the_earlier_ones_are_told() -> None:
    reclaimed = Attempt(1, reason="Host EC2 (instance i-1) terminated.")
    exited = Attempt(2, exit_code=2, reason=ESSENTIAL)
    found = diagnose(failed(ESSENTIAL, 2, reclaimed, exited))
    assert found.cause is Cause.APPLICATION
    assert found.attempts == (Cause.SPOT_RECLAIM, Cause.APPLICATION)


def test_an_earlier_attempt_is_heard_when_nothing_newer_says_anything() -> None:
    found = diagnose(failed("", None, Attempt(1, reason="Your Spot Task was interrupted."), Attempt(2)))
    assert found.cause is Cause.SPOT_RECLAIM
    assert found.attempts == (Cause.SPOT_RECLAIM, Cause.UNKNOWN)


def test_of_earlier_attempts_the_newer_one_is_heard() -> None:
    earlier = (Attempt(1, reason="no space left on device"), Attempt(2, reason="Your Spot Task was interrupted."))
    assert diagnose(failed("", None, *earlier, Attempt(3))).cause is Cause.SPOT_RECLAIM


def test_an_unknown_reason_of_the_last_attempt_is_not_explained_by_an_earlier_one() -> None:
    found = diagnose(failed("Strange", None, Attempt(1, reason="no space left on device"), Attempt(2)))
    assert (found.cause, found.evidence) == (Cause.UNKNOWN, "Strange")


def test_a_reason_of_ten_megabytes_is_cut_and_costs_nothing() -> None:
    found = diagnose(failed("x" * 10_000_000))
    assert found.cause is Cause.UNKNOWN
    assert len(found.evidence) < 500


@pytest.mark.parametrize(
    ("reason", "passing"),
    [("Your Spot Task was interrupted.", True), ("CannotPullContainerError: i/o timeout", True),
     ("CannotPullContainerError: manifest unknown", False), ("Task failed to start", True),
     ("CannotStartContainerError: executable file not found", False), ("OutOfMemoryError: x", False)],
)  # fmt: skip
def test_what_may_pass_by_itself_is_told_from_what_will_not(reason: str, passing: bool) -> None:
    assert diagnose(failed(reason)).passing is passing


def test_a_job_that_is_stuck_says_why_and_one_that_only_waits_does_not() -> None:
    def waiting(reason: str) -> JobDetail:
        return JobDetail("id", "n", Status.RUNNABLE, reason=reason)

    found = why_waiting(waiting("MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - raise it"))
    assert found is not None
    assert found.cause is Cause.CONFIGURATION
    undetermined = why_waiting(waiting("UNDETERMINED"))
    assert undetermined is not None
    assert undetermined.cause is Cause.UNKNOWN
    assert why_waiting(waiting("")) is None
    assert why_waiting(waiting("in its turn")) is None
    assert why_waiting(failed("CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY")) is None
