from __future__ import annotations

from batch_helpers.engines.aws.requests import submit_request
from batch_helpers.job import Job
from batch_helpers.serve.jobs.retrying import Failure, is_retried


def request(**fields: object) -> dict[str, object]:
    job = Job("align s1", **{"job_definition": "align:3", **fields})  # type: ignore[arg-type]
    return {**submit_request(job.bound("spot", fields.get("depends_on", ())), "align:3", "mark")}  # type: ignore[arg-type]


def test_a_bare_job_asks_for_nothing_that_its_definition_has() -> None:
    job = Job("align s1", job_definition="align:3")
    assert request() == {
        "jobName": f"align-s1-{job.key}",
        "jobQueue": "spot",
        "jobDefinition": "align:3",
        "tags": {"batch_helpers:fingerprint": job.fingerprint, "batch_helpers:submission": "mark"},
    }


def test_bug_7_environment_entries_are_pairs_of_name_and_value_not_text() -> None:
    overrides = request(environment={"SAMPLE": "s1", "LANES": 4})["containerOverrides"]
    assert overrides == {"environment": [{"name": "SAMPLE", "value": "s1"}, {"name": "LANES", "value": "4"}]}


def test_resources_are_texts_in_resource_requirements() -> None:
    overrides = request(vcpus=4.0, memory=8192, gpus=2)["containerOverrides"]
    assert overrides == {
        "resourceRequirements": [
            {"type": "VCPU", "value": "4"},
            {"type": "MEMORY", "value": "8192"},
            {"type": "GPU", "value": "2"},
        ]
    }
    assert request(vcpus=0.25)["containerOverrides"] == {"resourceRequirements": [{"type": "VCPU", "value": "0.25"}]}


def test_a_shell_command_becomes_the_words_that_run_it() -> None:
    assert request(command="echo a | wc -l")["containerOverrides"] == {"command": ["/bin/sh", "-c", "echo a | wc -l"]}


def test_parameters_dependencies_timeout_and_tags_go_where_the_service_wants_them() -> None:
    made = request(parameters={"in": "a"}, depends_on=["id-1", "id-2"], timeout=3600, tags={"team": "x"})
    assert made["parameters"] == {"in": "a"}
    assert made["dependsOn"] == [{"jobId": "id-1"}, {"jobId": "id-2"}]
    assert made["timeout"] == {"attemptDurationSeconds": 3600}
    assert made["tags"]["team"] == "x"  # type: ignore[index]
    assert len(made["tags"]) == 3  # type: ignore[arg-type]


def test_a_retry_strategy_is_sent_only_when_there_is_a_second_attempt() -> None:
    assert "retryStrategy" not in request(attempts=1)
    assert request(attempts=2)["retryStrategy"] == {"attempts": 2}


def test_a_machine_that_is_taken_back_costs_a_job_none_of_its_attempts() -> None:
    sent = submit_request(Job("a", command=["a"]).bound("spot", ()), "align:3", "mark", reclaims=3)["retryStrategy"]
    assert sent["attempts"] == 3
    spot = Failure(None, "", "Host EC2 (instance i-0123) terminated.")
    fargate = Failure(None, "", "Your Spot Task was interrupted.")
    assert all(is_retried(sent, 2, failure) for failure in (spot, fargate))
    for own in (
        Failure(1, "", "Essential container in task exited"),
        Failure(137, "OutOfMemoryError: x", "y"),
        Failure(),
    ):
        assert not is_retried(sent, 1, own)


def test_a_job_that_asks_for_attempts_gets_just_those() -> None:
    sent = submit_request(Job("a", command=["a"], attempts=2).bound("spot", ()), "align:3", "mark", reclaims=3)
    assert sent["retryStrategy"] == {"attempts": 2}


def test_a_tag_of_the_user_never_hides_the_fingerprint() -> None:
    made = request(tags={"batch_helpers:fingerprint": "forged"})
    assert made["tags"]["batch_helpers:fingerprint"] != "forged"  # type: ignore[index]
