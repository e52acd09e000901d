"""The protocols: what is no request, and what can be no answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.model import DenormalizedStructureBuilder

from batch_helpers.serve.arns import Arns
from batch_helpers.serve.texts.details import DetailWriter, End, Times
from batch_helpers.serve.texts.proof import prove
from batch_helpers.serve.wire.errors import ApiError
from batch_helpers.serve.wire.messages import Request
from batch_helpers.serve.wire.model import operations
from batch_helpers.serve.wire.shapes import ShapeError, Shapes
from tests.serve.desk import Desk, Refused

GOOD = {"jobName": "j", "jobQueue": "local", "jobDefinition": "work"}


def problem(desk: Desk, **more: Any) -> str:
    """Why a submission with these members is not even looked at."""
    with pytest.raises(Refused) as caught:
        desk("SubmitJob", **{**GOOD, **more})
    assert (caught.value.status, caught.value.code) == (400, "ClientException")
    return caught.value.message


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"\xff\xfe",
        b'{"jobName": NaN}',
        b'{"jobName": Infinity}',
        b'{"jobName": "\\ud800"}',
        b"[" * 20_000,
        b'{"jobName": "a"} trailing',
    ],
)
def test_what_is_no_json_object_is_refused(desk: Desk, body: bytes) -> None:
    with pytest.raises(Refused) as caught:
        desk.post("submitjob", body)
    assert (caught.value.status, caught.value.code) == (400, "ClientException")
    assert "JSON" in caught.value.message


def test_an_empty_body_is_an_empty_request(desk: Desk) -> None:
    assert len(desk.post("describejobqueues", b"")["jobQueues"]) == 1


def test_a_member_that_is_null_was_not_sent(desk: Desk) -> None:
    desk("SubmitJob", **GOOD, tags=None, containerOverrides={"command": None})
    assert "jobName is required" in problem(desk, jobName=None)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"jobNam": "x"}, "there is no member 'jobNam'"),
        ({"containerOverrides": {"cmd": []}}, "containerOverrides: there is no member 'cmd'; known are vcpus"),
        ({"jobName": 5}, "jobName: expected a string, not 5"),
        ({"arrayProperties": {"size": "3"}}, "arrayProperties.size: expected an integer, not '3'"),
        ({"arrayProperties": {"size": 2.0}}, "arrayProperties.size: expected an integer, not 2.0"),
        ({"arrayProperties": {"size": True}}, "arrayProperties.size: expected an integer, not True"),
        ({"propagateTags": 1}, "propagateTags: expected true or false, not 1"),
        ({"containerOverrides": {"command": "echo"}}, "containerOverrides.command: expected a list, not 'echo'"),
        ({"containerOverrides": {"command": ["a", 1]}}, "containerOverrides.command[1]: expected a string, not 1"),
        ({"parameters": {"a": 1}}, "parameters.a: expected a string, not 1"),
        ({"parameters": []}, "parameters: expected an object, not []"),
        ({"tags": {"a": "v" * 257}}, "tags.a: at most 256 characters are allowed, not 257"),
        ({"tags": {"": "v"}}, "tags: at least 1 characters are needed, not 0"),
        (
            {"dependsOn": [{"jobId": "x", "type": "OTHER"}]},
            "dependsOn[0].type: 'OTHER' is not one of N_TO_N, SEQUENTIAL",
        ),
        ({"containerOverrides": {"resourceRequirements": [{"type": "VCPU"}]}}, "value is required"),
    ],
)
def test_what_does_not_fit_the_model_is_refused_with_its_path(desk: Desk, more: dict[str, Any], message: str) -> None:
    assert message in problem(desk, **more)


def test_a_required_member_is_named(desk: Desk) -> None:
    with pytest.raises(Refused, match="jobDefinition is required"):
        desk("SubmitJob", jobName="j", jobQueue="q")


@pytest.mark.parametrize("action", ["RETRY", "retry", "exit"])
def test_the_actions_of_rules_are_known_in_any_case(desk: Desk, action: str) -> None:
    desk("SubmitJob", **GOOD, retryStrategy={"attempts": 1, "evaluateOnExit": [{"action": action}]})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/submitjob"),
        ("POST", "/v1/submitjobs"),
        ("POST", "/"),
        ("PUT", "/v1/tags/x"),
        ("POST", "/v1/submitjob/"),
    ],
)
def test_a_path_that_is_no_operation_is_said_to_be_none(desk: Desk, method: str, path: str) -> None:
    with pytest.raises(ApiError) as caught:
        desk.gateway.call(Request(method, path, "", {"host": "localhost"}, b""))
    assert (caught.value.status, caught.value.code) == (404, "UnknownOperationException")
    assert f"{method} {path}" in caught.value.message


def test_every_operation_of_the_model_that_is_missing_says_its_name(desk: Desk) -> None:
    for name, operation in operations("batch").items():
        if ("batch", name) in desk.gateway._handlers:
            continue
        with pytest.raises(Refused, match=name) as caught:
            desk.post(operation.uri.removeprefix("/v1/"), b"{}", operation.method)
        assert (caught.value.status, caught.value.code) == (501, "NotImplementedException")


def test_the_operations_that_were_asked_for_are_there(desk: Desk) -> None:
    nouns = {"ComputeEnvironment", "JobQueue"}
    wanted = {f"{verb}{noun}" for verb in ("Create", "Update", "Delete") for noun in nouns}
    wanted |= {f"Describe{noun}s" for noun in nouns} | {"SubmitJob", "ListJobs", "DescribeJobs", "GetJobQueueSnapshot"}
    wanted |= {f"{verb}Job" for verb in ("Cancel", "Terminate")} | {
        "TagResource",
        "UntagResource",
        "ListTagsForResource",
    }
    wanted |= {f"{verb}SchedulingPolicy" for verb in ("Create", "Delete")} | {"DescribeSchedulingPolicies"}
    wanted |= {f"{verb}JobDefinition" for verb in ("Register", "Deregister")} | {"DescribeJobDefinitions"}
    assert wanted <= {name for service, name in desk.gateway._handlers if service == "batch"}


def test_the_logs_speak_their_own_dialect(desk: Desk) -> None:
    with pytest.raises(Refused) as caught:
        desk.logs("GetLogEvents", logGroupName="/aws/batch/job", logStreamName="none")
    assert (caught.value.status, caught.value.code) == (400, "ResourceNotFoundException")
    with pytest.raises(Refused) as caught:
        desk.logs("GetLogEvents", logGroupName="/aws/batch/job", logStreamName=5)
    assert caught.value.code == "InvalidParameterException"
    with pytest.raises(Refused, match="PutLogEvents is not implemented"):
        desk.logs("PutLogEvents", logGroupName="g", logStreamName="s", logEvents=[])
    with pytest.raises(ApiError, match="Nothing is not an operation"):
        desk.logs("Nothing")


def test_an_answer_that_does_not_fit_the_model_is_never_sent(desk: Desk) -> None:
    """A mistake of ours becomes a 500 that names it."""
    for wrong in ({"jobNam": "x"}, {"jobName": 5, "jobId": "x"}, {"jobName": "x"}):
        desk.gateway._handlers["batch", "SubmitJob"] = lambda _, answer=wrong: answer
        with pytest.raises(Refused, match="does not fit the model") as caught:
            desk("SubmitJob", **GOOD)
        assert caught.value.code == "ServerException"


def test_a_failure_of_ours_is_a_500_and_the_endpoint_goes_on(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    handlers = dict(desk.gateway._handlers)
    desk.gateway._handlers["batch", "SubmitJob"] = lambda _: {}["missing"]
    with pytest.raises(Refused, match="SubmitJob failed on the endpoint") as caught:
        desk("SubmitJob", **GOOD)
    assert caught.value.code == "ServerException"
    assert "KeyError" in caplog.text
    desk.gateway._handlers = handlers
    desk("SubmitJob", **GOOD)


@pytest.mark.parametrize(
    "member", ["jobQueue", "networkInterfaces", "taskArn", "exitCode", "statusSummary", "jobSummaryList"]
)
def test_the_writers_are_held_to_the_model_when_the_endpoint_starts(
    monkeypatch: pytest.MonkeyPatch, member: str
) -> None:
    """If a member had another name in the model, the endpoint would not start."""
    checks = {name: operations("batch")[name].check_answer for name in ("DescribeJobs", "ListJobs")}

    def renamed(name: str) -> Any:
        return lambda value: checks[name](json.loads(json.dumps(value).replace(f'"{member}":', '"misspelt":')))

    prove(Arns("us-east-1"))
    for name in checks:
        monkeypatch.setattr(operations("batch")[name], "check_answer", renamed(name))
    with pytest.raises(ShapeError):
        prove(Arns("us-east-1"))


def test_numbers_and_patterns_are_held_to_their_shapes() -> None:
    members = {
        "share": {"type": "double"},
        "name": {"type": "string", "pattern": "[a-z]+"},
        "size": {"type": "integer", "min": 2, "max": 3},
    }
    check = Shapes(constraints=True).check(DenormalizedStructureBuilder().with_members(members).build_model())
    check({"share": 1, "name": "a", "size": 3})
    check({"share": 0.5})
    for wrong, message in (
        ({"share": "1"}, "share: expected a number"),
        ({"share": True}, "share: expected a number"),
        ({"name": "A"}, "name: 'A' does not match"),
        ({"size": 1}, "size: at least 2 are needed, not 1"),
        ({"size": 4}, "size: at most 3 are allowed, not 4"),
    ):
        with pytest.raises(ShapeError, match=message):
            check(wrong)


def test_texts_that_json_must_escape_arrive_as_they_were(desk: Desk) -> None:
    odd = 'quote " backslash \\ line\n tab\t bell\x07 ä 漢 🧬'
    job_id = desk.submit(parameters={"p": odd}, tags={odd: odd}, containerOverrides={"command": ["echo", odd]})
    desk("TerminateJob", jobId=job_id, reason=odd)
    desk.settle()
    job = desk.job(job_id)
    assert (job["parameters"], job["tags"], job["statusReason"]) == ({"p": odd}, {odd: odd}, odd)
    assert job["container"]["command"] == ["echo", odd]
    (summary,) = desk("ListJobs", jobQueue="local", jobStatus="FAILED")["jobSummaryList"]
    assert summary["statusReason"] == odd


def test_a_writer_shows_an_attempt_without_a_start() -> None:
    text = DetailWriter(Arns("us-east-1")).attempt(Times(None, 2, 'a "reason"'), End(None, None, None, None))
    assert json.loads(text) == {"stoppedAt": 2, "statusReason": 'a "reason"', "container": {"networkInterfaces": []}}
