"""The doctor on AWS by moto: all is well, then one thing is broken, and it is that which is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from batch_helpers.aws_client import AWSAccess
from batch_helpers.cli import main
from batch_helpers.doctor.facts import Unknown
from batch_helpers.doctor.gathering import Asker
from batch_helpers.doctor.gathering.account import account as ask_account
from batch_helpers.doctor.gathering.roles import forbidden
from batch_helpers.finding import Finding, Verdict, problems
from batch_helpers.serve import serve
from tests.cli.conftest import CommandLine, cli, saved
from tests.doctor.account import ECR, Account, trust
from tests.servers import session

__all__ = ["cli"]

pytestmark = pytest.mark.slow


def of(findings: list[Finding], check: str) -> list[Finding]:
    return [item for item in findings if item.check == check]


def test_where_nothing_is_wrong_only_what_moto_lacks_is_unknown(account: Account) -> None:
    account.logs.create_log_group(logGroupName="/aws/batch/job")
    found = account.find(queues=("spot", "fargate"), images=(f"{ECR}:1",), writes=("s3://results/cohort",))
    assert problems(found) == []
    unknown = {item.check: item.text for item in found if item.verdict is Verdict.UNKNOWN}
    assert set(unknown) == {"permissions", "role"}
    assert "simulate the policies" in unknown["permissions"]
    assert {item.check for item in found} >= {"credentials", "clock", "logs", "queue", "environment", "network"}
    assert [item.text for item in of(found, "image")] == [f"{ECR}:1 is in ECR"]
    assert account.s3.list_multipart_uploads(Bucket="results").get("Uploads", []) == []
    assert account.s3.list_objects_v2(Bucket="results")["KeyCount"] == 0


def queue_off(account: Account) -> None:
    account.batch.update_job_queue(jobQueue="spot", state="DISABLED")


def environment_off(account: Account) -> None:
    account.batch.update_compute_environment(computeEnvironment="machines", state="DISABLED")


def route_gone(account: Account) -> None:
    account.ec2.delete_route(RouteTableId=account.table, DestinationCidrBlock="0.0.0.0/0")


def addresses_gone(account: Account) -> None:
    account.ec2.modify_subnet_attribute(SubnetId=account.subnet, MapPublicIpOnLaunch={"Value": False})


def role_untrusted(account: Account) -> None:
    account.iam.update_assume_role_policy(RoleName="batch", PolicyDocument=trust("lambda.amazonaws.com"))


def role_gone(account: Account) -> None:
    account.iam.delete_role(RoleName="batch")


def profile_empty(account: Account) -> None:
    account.iam.remove_role_from_instance_profile(InstanceProfileName="instances", RoleName="instances")


def image_gone(account: Account) -> None:
    account.ecr.batch_delete_image(repositoryName="tools/bwa", imageIds=[{"imageTag": "1"}])


def bucket_gone(account: Account) -> None:
    account.s3.delete_bucket(Bucket="results")


def bucket_far(account: Account) -> None:
    bucket_gone(account)
    account.s3.create_bucket(Bucket="results", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})


BROKEN: list[tuple[Callable[[Account], None], str, str]] = [
    (queue_off, "queue", "batch-helpers job-queue enable spot"),
    (environment_off, "environment", "batch-helpers compute-environment enable machines"),
    (route_gone, "network", "no route out"),
    (addresses_gone, "network", "no public address"),
    (role_untrusted, "role", "may not be assumed by batch.amazonaws.com"),
    (role_gone, "role", "does not exist"),
    (profile_empty, "role", "does not exist"),
    (image_gone, "image", "tools/bwa"),
    (bucket_gone, "bucket", "aws s3 mb s3://results"),
    (bucket_far, "bucket", "is in eu-west-1"),
]


@pytest.mark.parametrize(("broken", "check", "words"), BROKEN, ids=[item[0].__name__ for item in BROKEN])
def test_the_one_thing_that_is_broken_is_told(
    account: Account, broken: Callable[[Account], None], check: str, words: str
) -> None:
    broken(account)
    found = problems(account.find(images=(f"{ECR}:1",), writes=("s3://results/cohort",)))
    assert [item.check for item in found] == [check]
    assert words in f"{found[0].text} -> {found[0].remedy}"


def test_a_family_of_instance_types_is_looked_up(account: Account) -> None:
    from batch_helpers.doctor.needs import Need

    account.environment("many", "EC2", instanceTypes=["c5", "m5.large"], minvCpus=0, instanceRole="instances")
    account.queue("both", "many")
    fits = of(account.find(queues=("both",), needs=(Need("big", "both", vcpus=16, memory=20_000),)), "room")
    assert (fits[0].verdict, "fits on c5." in fits[0].text) == (Verdict.OK, True)
    gpus = of(account.find(queues=("both",), needs=(Need("deep", "both", gpus=1),)), "room")
    assert (gpus[0].verdict, "1 GPUs" in gpus[0].text) == (Verdict.PROBLEM, True)


def test_without_credentials_it_stops_and_says_so(
    account: Account, cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    ended = cli("doctor", "--queue", "spot")
    assert (ended.exit_code, ended.stderr) == (1, "")
    assert "problem  credentials" in ended.stdout
    assert "queue" not in ended.stdout


def test_without_a_region_it_stops_and_says_so(
    account: Account, cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    ended = cli("doctor")
    assert ended.exit_code == 1
    assert "problem  region" in ended.stdout
    assert "AWS_DEFAULT_REGION" in ended.stdout


def test_where_it_looks_may_stand_before_the_command(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    ended = CliRunner().invoke(main, ["--queue", "spot", "--region", "us-east-1", "doctor", "--json"])
    found = json.loads(ended.stdout)["findings"]
    assert [item["text"] for item in found if item["check"] == "queue"] == ["spot is ENABLED and VALID"]


def test_without_a_queue_it_looks_at_all(account: Account, cli: CommandLine) -> None:
    found = json.loads(cli.good("doctor", "--json"))["findings"]
    assert [item["text"] for item in found if item["check"] == "queue"] == [
        "spot is ENABLED and VALID",
        "fargate is ENABLED and VALID",
    ]


def test_a_size_is_asked_about(account: Account, cli: CommandLine) -> None:
    assert "fits on c5.xlarge" in cli.good("doctor", "-q", "spot", "--vcpus", "4", "--memory", "4096")
    ended = cli("doctor", "-q", "spot", "--vcpus", "17")
    assert ended.exit_code == 1
    assert "maxvCpus=17" in ended.stdout


def test_what_cannot_be_asked_is_refused(account: Account, cli: CommandLine) -> None:
    assert "--vcpus 0" in cli.bad(2, "doctor", "-q", "spot", "--vcpus", "0")
    assert "say in which queue" in cli.bad(2, "doctor", "--vcpus", "1")
    assert "--bucket gs://x" in cli.bad(2, "doctor", "--bucket", "gs://x")
    assert "--bucket" in cli.bad(2, "doctor", "--bucket", "s3://")


def test_a_service_that_cannot_be_reached_is_asked_once(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:

    asker = Asker(AWSAccess(session=session(), endpoint_url="http://127.0.0.1:9"))
    first = asker.ask("iam", "get_role", "look up x", RoleName="x")
    asker.access = account.access
    assert isinstance(first, Unknown)
    assert asker.ask("iam", "get_role", "look up y", RoleName="y") == first
    assert not isinstance(asker.ask("sts", "get_caller_identity", "ask"), Unknown)


def test_nothing_is_asked_twice(account: Account) -> None:
    from botocore.client import BaseClient

    asked: list[str] = []
    plain = BaseClient._make_api_call

    def noted(client: Any, operation: str, request: Any) -> Any:
        asked.append(f"{operation} {request!r}")
        return plain(client, operation, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", noted)
        account.find(queues=("spot", "fargate"), images=(f"{ECR}:1",), writes=("s3://results/a", "s3://results/b"))
    again = {question for question in asked if asked.count(question) > 1}
    assert again == set()


def test_the_clock_is_that_of_the_answers(account: Account) -> None:
    import time

    early = Asker(account.access, clock=lambda: time.time() - 1000)
    skew = ask_account(early).skew
    assert isinstance(skew, float)
    assert skew == pytest.approx(1000, abs=5)


ANN = "arn:aws:iam::123456789012:user/ann"
SIMULATED = """<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
<SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults>
<member><EvalActionName>batch:SubmitJob</EvalActionName><EvalDecision>allowed</EvalDecision></member>
<member><EvalActionName>logs:GetLogEvents</EvalActionName><EvalDecision>implicitDeny</EvalDecision></member>
<member><EvalActionName>s3:PutObject</EvalActionName><EvalResourceName>arn:aws:s3:::r/x</EvalResourceName>
<EvalDecision>explicitDeny</EvalDecision></member>
</EvaluationResults></SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"""


def answering(asker: Asker, body: str, status: int = 200) -> None:
    """Let IAM answer a simulation, which moto does not know, as the service's documentation has it."""
    from io import BytesIO

    from botocore.awsrequest import AWSResponse

    class Body(BytesIO):
        def stream(self, **_: Any) -> Any:
            yield self.read()

    def answer(request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, status, {}, Body(body.encode()))

    asker.client("iam").meta.events.register("before-send.iam.SimulatePrincipalPolicy", answer)


def test_what_a_simulation_denies_is_told(account: Account) -> None:
    asker = Asker(AWSAccess(session=session()))
    answering(asker, SIMULATED)
    assert forbidden(asker, ANN, ["batch:SubmitJob"]) == ("logs:GetLogEvents", "s3:PutObject")
    assert "s3:PutObject on arn:aws:s3:::r/x" in forbidden(asker, ANN, ["s3:PutObject"], ["arn:aws:s3:::r/x"])


def test_a_simulation_that_is_denied_is_unknown(account: Account) -> None:
    refusal = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>"
    asker = Asker(AWSAccess(session=session()))
    answering(asker, refusal, 403)
    found = forbidden(asker, ANN, ["batch:SubmitJob"])
    assert isinstance(found, Unknown)
    assert found.why.startswith("no permission: could not simulate")


# A job, on an endpoint that has queues of waiting jobs and snapshots of them.


def test_a_job_in_a_queue_is_told_its_place(account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two jobs that want the whole machine: the second waits, and the doctor says behind what."""
    from batch_helpers.doctor import examine
    from batch_helpers.doctor.gathering import Questions
    from tests.serve.fixtures import client, define, end_all

    with serve(tmp_path / "serve") as endpoint:
        batch = client(endpoint)
        name = define(batch, command=["sleep", "60"], resourceRequirements=_all_of_the_machine())
        first, second = (
            batch.submit_job(jobName=f"job-{number}", jobQueue="local", jobDefinition=name)["jobId"]
            for number in range(2)
        )
        try:
            _until(lambda: batch.describe_jobs(jobs=[first])["jobs"][0]["status"] == "RUNNING")
            _until(lambda: batch.describe_jobs(jobs=[second])["jobs"][0]["status"] == "RUNNABLE")
            for variable, value in endpoint.environment.items():
                monkeypatch.setenv(variable, value)
            found = list(examine(AWSAccess(session=session()), Questions(job_id=second)))
        finally:
            end_all(batch)
        assert "job-1 is RUNNABLE in local" in of(found, "job")[0].text
        assert of(found, "place")[0].text.startswith("number 1 in local")
        assert [item.text for item in of(found, "queue")] == ["local is ENABLED and VALID"]


def _all_of_the_machine() -> list[dict[str, str]]:
    import os

    return [{"type": "VCPU", "value": str(os.cpu_count())}, {"type": "MEMORY", "value": "64"}]


def _until(true: Callable[[], bool], patience: float = 30) -> None:
    import time

    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


# Preflight.


def test_a_plan_is_looked_at_before_anything_is_submitted(account: Account, cli: CommandLine, tmp_path: Path) -> None:
    file = saved(tmp_path / "w.json", {"a": {"command": "true", "image": f"{ECR}:1"}})
    told = cli.good("plan", file, "--queue", "spot", "--preflight")
    assert "a: submit" in told.replace("w-a", "a")
    assert f"ok       image        {ECR}:1 is in ECR" in told
    assert "preflight" not in cli.good("plan", file, "--queue", "spot", "--json")
    image_gone(account)
    ended = cli("plan", file, "--queue", "spot", "--preflight", "--json")
    assert ended.exit_code == 1
    looked = json.loads(ended.stdout)["preflight"]
    assert [item["check"] for item in looked if item["verdict"] == "problem"] == ["image"]
    assert account.batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"] == []


def test_a_preflight_looks_at_definitions_roles_buckets_and_room(account: Account) -> None:
    from batch_helpers import AWSBatchHelper, Job

    account.define("good", executionRoleArn=account.arn("execution"), jobRoleArn=account.arn("task"))
    account.define("gone", image=f"{ECR}:2")
    helper = AWSBatchHelper("spot", session=account.access.session, endpoint_url=account.access.endpoint_url)
    good = [Job(f"a-{number}", "good", outputs=[f"s3://results/x/{number}"]) for number in range(50)]
    looked = helper.plan(good, preflight=True).preflight
    assert problems(looked) == []
    assert len(of(list(looked), "room")) == 1
    assert {item.check for item in looked} >= {"queue", "environment", "network", "room", "role", "image", "bucket"}
    bad = [
        Job("b", "gone", outputs=["s3://nowhere/b"]),
        Job("c", "good", vcpus=64),
        Job("d", "good", job_queue="fargate", inputs=["s3://results/in"]),
    ]
    told = problems(helper.preflight(bad))
    assert sorted(item.check for item in told) == ["bucket", "image", "network", "room", "room"]
    unknown = problems(helper.preflight([Job("e", "never-registered")]))
    assert [item.check for item in unknown] == ["definition"]
    assert helper.plan(good).preflight == ()


def test_a_preflight_with_nothing_to_submit_asks_nothing(account: Account) -> None:
    from batch_helpers import AWSBatchHelper, Job

    account.s3.put_object(Bucket="results", Key="done", Body=b"")
    helper = AWSBatchHelper("spot", session=account.access.session, endpoint_url=account.access.endpoint_url)
    plan = helper.plan([Job("a", "d", outputs=["s3://results/done"])], preflight=True)
    assert [item.verdict for item in plan.preflight] == [Verdict.OK]
    assert "nothing to look at" in plan.preflight[0].text
