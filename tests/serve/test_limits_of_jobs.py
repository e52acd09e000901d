"""What SubmitJob refuses, and what it accepts only to let it fail: one test for each limit, on both of its sides."""

from __future__ import annotations

from typing import Any

import pytest

from tests.serve.desk import Desk, Refused, needs


def refusal(desk: Desk, **more: Any) -> str:
    """Why a submission is refused; whatever happens, nothing was accepted."""
    with pytest.raises(Refused) as caught:
        desk.submit(**more)
    assert (caught.value.status, caught.value.code) == (400, "ClientException")
    assert desk.listed("SUBMITTED") == []
    return caught.value.message


@pytest.mark.parametrize("name", ["a", "A-b_9", "9" * 128])
def test_good_names_are_taken(desk: Desk, name: str) -> None:
    assert desk.job(desk.submit(name))["jobName"] == name


@pytest.mark.parametrize("name", ["", "-a", "_a", "a b", "a.b", "ä", "a\n", "x" * 129])
def test_names_outside_of_the_pattern_are_refused(desk: Desk, name: str) -> None:
    assert "name should match valid pattern" in refusal(desk, name=name)


def test_twenty_dependencies_are_taken_and_twenty_one_refused(desk: Desk) -> None:
    upstream = [{"jobId": desk.submit(f"up-{n}")} for n in range(21)]
    desk.submit(dependsOn=upstream[:20])
    with pytest.raises(Refused, match="Job cannot have more than 20 dependencies"):
        desk.submit(dependsOn=upstream)


@pytest.mark.parametrize("size", [2, 10_000])
def test_arrays_of_two_to_ten_thousand_are_taken(desk: Desk, size: int) -> None:
    assert desk.job(desk.submit(arrayProperties={"size": size}))["arrayProperties"]["size"] == size


@pytest.mark.parametrize("size", [0, 1, 10_001, -2])
def test_arrays_of_other_sizes_are_refused(desk: Desk, size: int) -> None:
    assert "Array size must be between 2 and 10000" in refusal(desk, arrayProperties={"size": size})


def test_an_array_without_a_size_is_refused(desk: Desk) -> None:
    assert "Array size" in refusal(desk, arrayProperties={})


def test_thirty_kib_are_taken_and_one_byte_more_refused(desk: Desk) -> None:
    body = '{"jobName":"j","jobQueue":"local","jobDefinition":"work","parameters":{"p":"%s"}}'
    room = 30 * 1024 - len(body % "")
    desk.post("submitjob", (body % ("x" * room)).encode())
    with pytest.raises(Refused, match="Job size must be less than 30 KiB, got 31 KiB"):
        desk.post("submitjob", (body % ("x" * (room + 1))).encode())


def test_overrides_of_8192_characters_run_and_one_more_is_accepted_and_fails(desk: Desk) -> None:
    frame = len('{"command":["x",""],"environment":[]}')
    fits = desk.submit(containerOverrides={"command": ["x", "y" * (8192 - frame)]})
    exceeds = desk.submit(containerOverrides={"command": ["x", "y" * (8193 - frame)]})
    desk.settle()
    assert desk.status(fits, exceeds) == ["SUCCEEDED", "FAILED"]
    assert desk.job(exceeds)["statusReason"] == "Container Overrides length must be at most 8192"
    assert "startedAt" not in desk.job(exceeds)


def test_parameters_count_as_overrides_where_the_command_takes_them(desk: Desk) -> None:
    desk.define("takes", container={"command": ["cat", "Ref::urls"]})
    parameters = {"urls": "u" * 9000}
    taken = desk.submit(jobDefinition="takes", parameters=parameters)
    unused = desk.submit(parameters=parameters)
    desk.settle()
    assert desk.status(taken, unused) == ["FAILED", "SUCCEEDED"]


def test_fifty_tags_are_taken_and_fifty_one_refused(desk: Desk) -> None:
    desk.submit(tags={f"t{n}": "" for n in range(50)})
    with pytest.raises(Refused, match="tags must be at most 50, got 51"):
        desk.submit(tags={f"t{n}": "" for n in range(51)})


@pytest.mark.parametrize("tags", [{"aws:x": "1"}, {"AWS:x": "1"}, {"k" * 129: "1"}, {"": "1"}, {"k": "v" * 257}])
def test_tags_outside_of_the_rules_are_refused(desk: Desk, tags: dict[str, str]) -> None:
    refusal(desk, tags=tags)


def test_more_than_fifty_tags_together_fail_the_job_only_where_they_are_propagated(desk: Desk) -> None:
    desk.define("tagged", tags={f"d{n}": "" for n in range(30)})
    tags = {f"j{n}": "" for n in range(21)}
    propagated = desk.submit(jobDefinition="tagged", tags=tags, propagateTags=True)
    kept = desk.submit(jobDefinition="tagged", tags=tags)
    fits = desk.submit(jobDefinition="tagged", tags={f"j{n}": "" for n in range(20)}, propagateTags=True)
    desk.settle()
    assert desk.status(propagated, kept, fits) == ["FAILED", "SUCCEEDED", "SUCCEEDED"]
    assert "tags must be at most 50, got 51" in desk.job(propagated)["statusReason"]


@pytest.mark.parametrize("attempts", [1, 10])
def test_one_to_ten_attempts_are_taken(desk: Desk, attempts: int) -> None:
    job_id = desk.submit(retryStrategy={"attempts": attempts})
    assert desk.job(job_id)["retryStrategy"] == {"attempts": attempts, "evaluateOnExit": []}


@pytest.mark.parametrize("attempts", [0, 11, -1])
def test_other_numbers_of_attempts_are_refused(desk: Desk, attempts: int) -> None:
    assert "RetryAttempts must be between 1 and 10" in refusal(desk, retryStrategy={"attempts": attempts})


def test_a_retry_strategy_without_attempts_is_refused(desk: Desk) -> None:
    assert "RetryAttempts must be provided" in refusal(desk, retryStrategy={"evaluateOnExit": []})


def test_five_rules_are_taken_and_six_refused(desk: Desk) -> None:
    rule = {"onExitCode": "1*", "action": "RETRY"}
    desk.submit(retryStrategy={"attempts": 2, "evaluateOnExit": [rule] * 5})
    with pytest.raises(Refused, match="at most 5 conditions"):
        desk.submit(retryStrategy={"attempts": 2, "evaluateOnExit": [rule] * 6})


@pytest.mark.parametrize(
    "rule",
    [
        {"onReason": "Out*Of"},
        {"onReason": "*memory"},
        {"onReason": "a" * 513},
        {"onReason": "under_score"},
        {"onStatusReason": "Host (x)"},
        {"onExitCode": "1a"},
        {"onExitCode": "-1"},
        {"onExitCode": "1**"},
    ],
)
def test_rules_with_patterns_that_the_service_does_not_know_are_refused(desk: Desk, rule: dict[str, str]) -> None:
    refusal(desk, retryStrategy={"attempts": 2, "evaluateOnExit": [{**rule, "action": "RETRY"}]})


@pytest.mark.parametrize(
    "rule", [{"onReason": "a" * 511 + "*"}, {"onStatusReason": "Host EC2*"}, {"onExitCode": "13*"}, {"onReason": "*"}]
)
def test_rules_with_one_star_at_the_end_are_taken(desk: Desk, rule: dict[str, str]) -> None:
    desk.submit(retryStrategy={"attempts": 2, "evaluateOnExit": [{**rule, "action": "exit"}]})


def test_a_timeout_of_sixty_seconds_is_taken_and_one_of_fifty_nine_refused(desk: Desk) -> None:
    assert desk.job(desk.submit(timeout={"attemptDurationSeconds": 60}))["timeout"] == {"attemptDurationSeconds": 60}
    with pytest.raises(Refused, match="AttemptDurationSeconds must be at least 60"):
        desk.submit(timeout={"attemptDurationSeconds": 59})


@pytest.mark.parametrize("name", ["AWS_BATCH", "AWS_BATCH_X", "AWS_BATCHES"])
def test_the_environment_of_the_service_cannot_be_set(desk: Desk, name: str) -> None:
    assert "cannot start with AWS_BATCH" in refusal(
        desk, containerOverrides={"environment": [{"name": name, "value": "1"}]}
    )


@pytest.mark.parametrize("name", ["", "A=B", "A\0"])
def test_environment_names_that_no_process_can_have_are_refused(desk: Desk, name: str) -> None:
    refusal(desk, containerOverrides={"environment": [{"name": name, "value": "1"}]})


@pytest.mark.parametrize("command", [[""], ["echo", ""], ["a\0b"]])
def test_a_command_with_an_empty_word_or_a_nul_is_refused(desk: Desk, command: list[str]) -> None:
    refusal(desk, containerOverrides={"command": command})


@pytest.mark.parametrize(
    "requirement",
    [
        {"type": "VCPU", "value": "0"},
        {"type": "VCPU", "value": "0.5"},
        {"type": "VCPU", "value": "many"},
        {"type": "MEMORY", "value": "3"},
        {"type": "MEMORY", "value": "1.5"},
        {"type": "GPU", "value": "0"},
    ],
)
def test_requirements_without_a_meaning_are_refused(desk: Desk, requirement: dict[str, str]) -> None:
    refusal(desk, containerOverrides={"resourceRequirements": [requirement]})


def test_a_requirement_is_given_once(desk: Desk) -> None:
    assert "only once" in refusal(desk, containerOverrides={"resourceRequirements": [*needs(), needs()[0]]})


@pytest.mark.parametrize("priority", [-1, 10_000])
def test_priorities_outside_of_the_range_are_refused(desk: Desk, priority: int) -> None:
    refusal(desk, schedulingPriorityOverride=priority)


def test_a_share_identifier_goes_with_a_fair_queue_only(desk: Desk) -> None:
    assert "no scheduling policy" in refusal(desk, shareIdentifier="a")
    policy = desk("CreateSchedulingPolicy", name="fair", fairsharePolicy={})["arn"]
    order = [{"order": 1, "computeEnvironment": "local"}]
    desk("CreateJobQueue", jobQueueName="fair", priority=1, computeEnvironmentOrder=order, schedulingPolicyArn=policy)
    assert "must be specified" in refusal(desk, jobQueue="fair")
    assert "alphanumeric" in refusal(desk, jobQueue="fair", shareIdentifier="a-b")
    assert "alphanumeric" in refusal(desk, jobQueue="fair", shareIdentifier="a" * 256)
    assert desk.job(desk.submit(jobQueue="fair", shareIdentifier="a" * 255 + "*"))["shareIdentifier"] == "a" * 255 + "*"


def test_a_queue_that_does_not_exist_is_named(desk: Desk) -> None:
    assert refusal(desk, jobQueue="nowhere") == "JobQueue nowhere not found."


def test_a_disabled_queue_accepts_nothing(desk: Desk) -> None:
    desk("UpdateJobQueue", jobQueue="local", state="DISABLED")
    assert "DISABLED" in refusal(desk)
    desk("UpdateJobQueue", jobQueue="local", state="ENABLED")
    desk.submit()


@pytest.mark.parametrize(
    "reference", ["nothing", "work:2", "work:x", "arn:aws:batch:us-east-1:1:job-definition/work:7"]
)
def test_a_definition_that_does_not_exist_is_named(desk: Desk, reference: str) -> None:
    assert f"JobDefinition name {reference} does not exist" in refusal(desk, jobDefinition=reference)


@pytest.mark.parametrize(
    "reference",
    [
        "work",
        "work:1",
        "arn:aws:batch:us-east-1:123456789012:job-definition/work",
        "arn:aws:batch:eu-west-1:999999999999:job-definition/work:1",
    ],
)
def test_a_definition_is_found_by_every_spelling(desk: Desk, reference: str) -> None:
    assert desk.job(desk.submit(jobDefinition=reference))["jobDefinition"].endswith("job-definition/work:1")


def test_a_dependency_must_exist(desk: Desk) -> None:
    assert "not found" in refusal(desk, dependsOn=[{"jobId": "00000000-0000-4000-8000-000000000000"}])


@pytest.mark.parametrize("kind", ["SEQUENTIAL", "N_TO_N"])
def test_the_kinds_of_array_dependencies_are_for_arrays(desk: Desk, kind: str) -> None:
    assert "only valid for array jobs" in refusal(desk, dependsOn=[{"type": kind}])


def test_a_sequential_dependency_has_no_job_and_every_other_has_one(desk: Desk) -> None:
    array = {"arrayProperties": {"size": 2}}
    assert "must have a jobId" in refusal(desk, dependsOn=[{"type": "N_TO_N"}], **array)
    assert "must have a jobId" in refusal(desk, dependsOn=[{}], **array)
    upstream = desk.submit(**array)
    with pytest.raises(Refused, match="can't have a jobId"):
        desk.submit(dependsOn=[{"type": "SEQUENTIAL", "jobId": upstream}], **array)


def test_n_to_n_needs_two_arrays_of_one_size(desk: Desk) -> None:
    single, array = desk.submit(), desk.submit(arrayProperties={"size": 3})
    for upstream in (single, array):
        with pytest.raises(Refused, match="needs an array job of size 2"):
            desk.submit(arrayProperties={"size": 2}, dependsOn=[{"jobId": upstream, "type": "N_TO_N"}])
    desk.submit(arrayProperties={"size": 3}, dependsOn=[{"jobId": array, "type": "N_TO_N"}])


@pytest.mark.parametrize("member", ["nodeOverrides", "eksPropertiesOverride", "consumableResourcePropertiesOverride"])
def test_what_this_endpoint_cannot_run_is_said_by_name(desk: Desk, member: str) -> None:
    with pytest.raises(Refused, match=member) as caught:
        desk.submit(**{member: {}})
    assert (caught.value.status, caught.value.code) == (501, "NotImplementedException")


def test_a_reason_has_at_most_1024_characters(desk: Desk) -> None:
    job_id = desk.submit()
    for operation in ("CancelJob", "TerminateJob"):
        with pytest.raises(Refused, match="at most 1024"):
            desk(operation, jobId=job_id, reason="r" * 1025)
        desk(operation, jobId=job_id, reason="r" * 1024)
