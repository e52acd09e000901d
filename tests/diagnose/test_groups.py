"""Thousands of failures in a few lines."""

from __future__ import annotations

import pytest

from batch_helpers.diagnose import Cause, Failures, group_failures
from batch_helpers.diagnose.groups import memory_text
from batch_helpers.diagnose.messages import signature
from batch_helpers.job import Job, JobDetail, Status

OOM = "OutOfMemoryError: Container killed due to memory usage"


def failed(number: int, reason: str, **fields: object) -> JobDetail:
    return JobDetail(f"id-{number}", f"align-s{number}-0123456789abcdef", Status.FAILED, reason=reason, **fields)  # type: ignore[arg-type]


def test_failures_are_counted_by_cause_definition_and_message_the_largest_first() -> None:
    job = Job("align-s7", job_definition="align:3", command=["a"], memory=8192)
    many = [(failed(7 + number, OOM, job_definition="align:3"), job) for number in range(812)]
    few = [(failed(9000 + number, f"Host EC2 (instance i-{number:017x}) terminated."), None) for number in range(30)]
    groups = group_failures([*few, *many])
    assert [(group.cause, group.count, group.definition) for group in groups] == [
        (Cause.OUT_OF_MEMORY, 812, "align:3"),
        (Cause.SPOT_RECLAIM, 30, ""),
    ]
    assert str(groups[0]) == (
        "812 x out of memory at 8 GiB, e.g. align-s7: raise memory to 16 GiB or pass memory_growth=2"
    )


def test_jobs_that_asked_for_different_memory_are_different_groups() -> None:
    asked = [Job(f"a{size}", command=["a"], memory=size) for size in (1024, 2048)]
    groups = group_failures([(failed(number, OOM), job) for number, job in enumerate(asked)])
    assert [group.memory for group in groups] == [1024, 2048]


def test_memory_counts_only_where_it_is_the_cause() -> None:
    asked = [Job(f"a{size}", command=["a"], stage="s", memory=size) for size in (1024, 2048)]
    assert len(group_failures([(failed(n, "no space left on device"), job) for n, job in enumerate(asked)])) == 1


def test_different_definitions_are_different_groups_and_a_stage_stands_in_for_none() -> None:
    groups = group_failures(
        [
            (failed(1, "Strange", job_definition="a:1"), None),
            (failed(2, "Strange", job_definition="b:1"), None),
            (failed(3, "Strange"), Job("sort-s3", command=["x"])),
        ]
    )
    assert [group.definition for group in groups] == ["a:1", "b:1", "sort"]


@pytest.mark.parametrize(
    "reason",
    [
        "missing outputs: {} and 2 more",
        "Dependent Job failed: {}; this job was not submitted",
        "lost: the service has forgotten this job, and outputs are missing: {}; run it again",
    ],
)
def test_names_in_our_own_reasons_do_not_make_a_group_for_each_job(reason: str) -> None:
    names = ["simulate-AL", "simulate-AK", "summarise-WY"]
    assert [g.count for g in group_failures([(failed(n, reason.format(x)), None) for n, x in enumerate(names)])] == [3]


def test_a_job_is_counted_once_and_can_be_taken_back() -> None:
    failures = Failures()
    for number in range(3):
        failures.put(failed(number, "Strange"))
        failures.put(failed(number, "Strange"))
    assert len(failures) == 3
    assert "id-1" in failures
    failures.discard("id-0")
    failures.discard("nobody")
    (group,) = failures.groups()
    assert (group.count, group.example, group.job_id) == (2, "align-s1", "id-1")
    failures.discard("id-1")
    failures.discard("id-2")
    assert failures.groups() == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Host EC2 (instance i-0abc1) terminated.", "Host EC2 (instance …) terminated."),
        ("cannot read s3://bucket/a/b.bam, gave up", "cannot read …, gave up"),
        ("open /data/in/s7.fq: no such file", "open …: no such file"),
        ("role arn:aws:iam::123456789012:role/x is missing", "role … is missing"),
        ("sample align-s7 failed after 12.5 s", "sample … failed after … s"),
        ("and/or this either/or that", "and/or this either/or that"),
        ("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT", "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"),
    ],
)
def test_a_signature_keeps_the_words_and_drops_what_is_particular(text: str, shown: str) -> None:
    assert signature(text) == shown


@pytest.mark.parametrize(("size", "text"), [(512, "512 MiB"), (1024, "1 GiB"), (1536, "1.5 GiB"), (16384, "16 GiB")])
def test_memory_is_said_as_a_person_says_it(size: int, text: str) -> None:
    assert memory_text(size) == text
