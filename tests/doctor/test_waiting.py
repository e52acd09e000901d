"""Why a job does not start: the reason code in words, how long, its place, and the command that helps."""

from __future__ import annotations

from typing import Any

import pytest

from batch_helpers.doctor.checks.waiting import check_job
from batch_helpers.doctor.facts import Absent, Unknown
from batch_helpers.finding import Finding, Verdict, problem
from batch_helpers.job import JobDetail, Status
from tests.doctor.data import facts, waiting

OK, PROBLEM, UNKNOWN = Verdict
SERVICE = "aws batch update-compute-environment --compute-environment machines --compute-resources "


def found(job: Any, others: tuple[Finding, ...] = ()) -> dict[str, Finding]:
    return {item.check: item for item in check_job(facts(job=job), others)}


@pytest.mark.parametrize(
    ("code", "words", "command"),
    [
        ("CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - no c5", "no machine of the environment's types free", SERVICE),
        ("MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE", "more vCPUs than", f"{SERVICE}maxvCpus=2"),
        ("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - memory", "large enough", f"{SERVICE}instanceTypes="),
        ("MISCONFIGURATION:EC2_INSTANCE_CONFIGURATION_UNSUPPORTED", "EC2 refuses", "describe machines"),
        ("MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS", "service role lacks", "policy/service-role/AWSBatchServiceRole"),
        ("ACTION_REQUIRED - CE is disabled", "only you can make", "compute-environment describe machines"),
        ("UNDETERMINED - blocked", "not by what", "describe-scaling-activities"),
    ],
)
def test_a_reason_code_is_told_in_words_with_its_command(code: str, words: str, command: str) -> None:
    reason = found(waiting(code, place=1))["reason"]
    assert reason.verdict is PROBLEM
    assert words in reason.text
    assert code in reason.text
    assert command in reason.remedy


def test_a_code_that_is_new_is_still_told() -> None:
    reason = found(waiting("MISCONFIGURATION:SOMETHING_NEW"))["reason"]
    assert (reason.verdict, "SOMETHING_NEW" in reason.text) == (PROBLEM, True)


def test_how_long_and_where_in_the_queue() -> None:
    told = found(waiting(place=7, at_place=1_000_000.0 - 90))
    assert "RUNNABLE in spot, submitted 3 h 0 min ago" in told["job"].text
    assert told["place"].text == "number 7 in spot, for 1 min 30 s"
    assert (told["reason"].verdict, told["reason"].text) == (OK, "6 jobs start before it")


def test_beyond_the_first_hundred_it_says_so() -> None:
    assert "not among the first 100" in found(waiting())["place"].text


def test_a_place_that_cannot_be_asked_for_is_unknown() -> None:
    place = found(waiting(place=Unknown("no permission: GetJobQueueSnapshot")))["place"]
    assert (place.verdict, "no permission" in place.text) == (UNKNOWN, True)


def test_a_job_that_has_just_come_is_no_problem() -> None:
    assert found(waiting(place=1, hours=0.1))["reason"].verdict is OK


def test_without_any_reason_what_remains_is_said() -> None:
    reason = found(waiting(place=1))["reason"]
    assert reason.verdict is UNKNOWN
    assert "quota" in reason.text
    assert "describe-scaling-activities" in reason.remedy


def test_without_a_reason_what_is_wrong_around_it_is_likely() -> None:
    reason = found(waiting(place=1), (problem("network", "no route out", "make one"),))["reason"]
    assert (reason.verdict, reason.remedy) == (PROBLEM, "make one")
    assert "likely: no route out" in reason.text


def test_a_job_that_waits_for_others_or_starts_is_no_problem() -> None:
    told = found(waiting(status=Status.PENDING))
    assert list(told) == ["job"]
    assert "waits for the jobs that it depends on" in told["job"].text
    assert list(found(waiting(status=Status.RUNNING))) == ["job"]


def test_a_job_that_has_ended_is_diagnosed() -> None:
    failed = JobDetail("id", "align", Status.FAILED, reason="OutOfMemoryError: Container killed due to memory usage")
    told = found(failed)["job"]
    assert told.verdict is PROBLEM
    assert "out of memory" in told.text
    assert "memory" in told.remedy
    assert found(JobDetail("id", "align", Status.SUCCEEDED))["job"].verdict is OK


def test_a_job_that_nobody_knows() -> None:
    assert found(Absent("the service knows no job x"))["job"].verdict is PROBLEM
    assert found(Unknown("no permission"))["job"].verdict is UNKNOWN
    assert found(None) == {}
