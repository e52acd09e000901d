"""setup and teardown on AWS by moto: once, twice, over what is there, and back to nothing."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from batch_helpers.errors import InvalidInput, NotFound, ServiceError
from batch_helpers.provision import Choices, Did, Setup
from batch_helpers.provision.setup import PAUSE, TRIES
from tests.cli.conftest import ROOT, CommandLine, cli
from tests.provision.account import NOTHING, Account

__all__ = ["cli"]

pytestmark = pytest.mark.slow

HELLO = str(ROOT / "workflows" / "hello.json")


def done(steps: Any) -> dict[str, str]:
    return {f"{step.what} {step.name}": str(step.did) for step in steps}


def test_setup_run_and_teardown_leave_nothing(account: Account, cli: CommandLine, tmp_path: Path) -> None:
    """By the command line alone, with the settings that setup writes."""
    assert account.has() == NOTHING
    cli.good("setup", "--name", "lab", "--bucket", "results", "--spot", "--yes", "--write-settings")
    has = account.has()
    assert [len(items) for items in has.values()] == [4, 1, 1, 2, 2, 0]
    assert cli.good("config", "show", "queue", "taskRoleArn").split("\t")[1] == "lab"
    assert "hello\tSUCCEEDED" in cli.good("run", HELLO, "--queue", "lab-spot", "--interval", "0.1")
    [definition] = account.batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]
    assert definition["containerProperties"]["jobRoleArn"].endswith(":role/lab-task"), definition
    told = cli.good("teardown", "--name", "lab", "--yes")
    assert "remove  role lab-task" in told
    assert account.has() == NOTHING, told
    assert cli.good("teardown", "--name", "lab", "--yes") == ""


def test_a_second_setup_changes_nothing(account: Account) -> None:
    account.setup(spot=True, buckets=("results",))
    before = account.has()
    with account.watched() as changed:
        again = account.setup(spot=True, buckets=("results",))
    assert changed == []
    assert set(done(again.steps).values()) == {"keep"}
    assert account.has() == before


def test_a_dry_run_changes_nothing_and_prints_plan_policies_and_settings(account: Account, cli: CommandLine) -> None:
    with account.watched() as changed:
        told = cli.good("setup", "--name", "lab", "--bucket", "results", "--dry-run")
        data = json.loads(cli.good("setup", "--name", "lab", "--bucket", "results", "--dry-run", "--json"))
        cli.good("teardown", "--name", "lab", "--dry-run")
    assert changed == []
    assert account.has() == NOTHING
    assert "make    role lab-task: for ecs-tasks.amazonaws.com; may read and write results" in told
    assert json.loads(told[told.index("{") : told.rindex("}") + 1]) == data["policies"]
    assert data["policies"]["lab-task"]["policies"]["buckets"]["Statement"][1]["Resource"] == ["arn:aws:s3:::results/*"]
    assert data["settings"]["queue"] == "lab"


def test_everything_that_is_made_is_tagged_and_has_what_it_needs(account: Account) -> None:
    account.setup(spot=True, buckets=("results",))
    tag = {"batch_helpers:setup": "lab"}
    for raw in account.batch.describe_job_queues()["jobQueues"]:
        assert raw["tags"] == tag
    for raw in account.batch.describe_compute_environments()["computeEnvironments"]:
        assert raw["tags"] == tag
        assert raw["serviceRole"].endswith(":role/lab-service")
        assert len(raw["computeResources"]["subnets"]) == 6
    for name in account.has()["roles"]:
        assert account.iam.list_role_tags(RoleName=name)["Tags"] == [{"Key": "batch_helpers:setup", "Value": "lab"}]
    attached = account.iam.list_attached_role_policies(RoleName="lab-service")["AttachedPolicies"]
    assert [item["PolicyName"] for item in attached] == ["AWSBatchServiceRole"]
    assert account.iam.list_attached_role_policies(RoleName="lab-task")["AttachedPolicies"] == []


def test_other_choices_are_refused_until_they_are_to_be_updated(account: Account) -> None:
    account.setup(buckets=("results",))
    with account.watched() as changed:
        with pytest.raises(InvalidInput, match="policy buckets differs: use --update"):
            account.setup(buckets=("results", "more"))
        with pytest.raises(InvalidInput, match="maxvCpus 256 -> 8: use --update"):
            account.setup(buckets=("results",), max_vcpus=8)
    assert changed == []
    with account.watched() as changed:
        steps = done(account.setup(update=True, buckets=("results", "more"), max_vcpus=8, spot=True).steps)
    assert "UpdateComputeEnvironment" in changed  # which moto does not carry out
    assert steps["role lab-task"] == "change"
    assert steps["compute environment lab-fargate"] == "change"
    assert steps["compute environment lab-spot"] == "make"
    policy = account.iam.get_role_policy(RoleName="lab-task", PolicyName="buckets")["PolicyDocument"]
    assert "arn:aws:s3:::more" in policy["Statement"][0]["Resource"]
    account.setup(update=True, spot=True)
    assert account.iam.list_role_policies(RoleName="lab-task")["PolicyNames"] == []


def test_what_has_been_lost_is_made_again(account: Account) -> None:
    account.setup(spot=True)
    account.iam.remove_role_from_instance_profile(InstanceProfileName="lab-instance", RoleName="lab-instance")
    account.batch.update_job_queue(jobQueue="lab", state="DISABLED")
    account.batch.delete_job_queue(jobQueue="lab")
    steps = done(account.setup(spot=True).steps)
    assert {name for name, did in steps.items() if did != "keep"} == {"instance profile lab-instance", "job queue lab"}
    profile = account.iam.get_instance_profile(InstanceProfileName="lab-instance")["InstanceProfile"]
    assert [role["RoleName"] for role in profile["Roles"]] == ["lab-instance"]


def test_what_setup_only_found_stays(account: Account) -> None:
    theirs = account.make_role("theirs", "batch.amazonaws.com")
    account.make_role("lab-task", "ecs-tasks.amazonaws.com")
    before = account.has()
    steps = done(account.setup(roles={"service": theirs}).steps)
    assert (steps["role theirs"], steps["role lab-task"]) == ("use", "use")
    left = done(account.teardown())
    assert left["role lab-task"] == "leave"
    assert "role theirs" not in left
    assert account.has() == before


def test_roles_that_cannot_be_used_are_refused_before_anything_is_made(account: Account) -> None:
    account.make_role("lab-execution", "lambda.amazonaws.com")
    before = account.has()
    with pytest.raises(InvalidInput, match="lab-execution exists, and ecs-tasks"):
        account.setup()
    with pytest.raises(NotFound, match="--service-role nobody does not exist: leave it out"):
        account.setup(roles={"service": "nobody"})
    with pytest.raises(NotFound, match="--instance-role nobody"):
        account.setup(name="other", roles={"instance": "nobody"})
    assert account.has() == before


def test_without_a_default_vpc_it_says_what_to_give(account: Account) -> None:
    for subnet in account.ec2.describe_subnets()["Subnets"]:
        account.ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    vpc = account.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    with pytest.raises(NotFound, match="no default subnets: give --subnets"):
        account.setup()
    account.ec2.delete_vpc(VpcId=vpc)
    with pytest.raises(NotFound, match="create-default-vpc"):
        account.setup()
    vpcs = [account.ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"] for number in range(2)]
    subnets = [
        account.ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.{number}.1.0/24")["Subnet"]["SubnetId"]
        for number, vpc in enumerate(vpcs)
    ]
    with pytest.raises(InvalidInput, match="different VPCs"):
        account.setup(subnets=tuple(subnets))
    assert account.has() == NOTHING
    survey = account.setup(subnets=(subnets[0],))
    assert survey.network.subnets == (subnets[0],)
    assert len(survey.network.security_group_ids) == 1


# Roles that IAM has not spread yet.

REFUSED = "Error executing request, Exception : Batch is not authorized to assume the role lab-service"


@contextmanager
def refusing(account: Account, times: int, message: str = REFUSED) -> Iterator[list[str]]:
    """Refuse to create environments so many times, as AWS Batch does while a role is new."""
    from io import BytesIO

    from botocore.awsrequest import AWSResponse

    class Body(BytesIO):
        def stream(self, **_: Any) -> Any:
            yield self.read()

    asked: list[str] = []

    def answer(request: Any, **_: Any) -> AWSResponse | None:
        asked.append(request.url)
        if len(asked) > times:
            return None
        headers = {"x-amzn-ErrorType": "ClientException"}
        return AWSResponse(request.url, 400, headers, Body(json.dumps({"message": message}).encode()))

    event = "before-send.batch.CreateComputeEnvironment"
    client = account.access.client("batch", **_CONFIG)
    client.meta.events.register(event, answer)
    try:
        yield asked
    finally:
        client.meta.events.unregister(event, answer)


_CONFIG = {"max_pool_connections": 4, "retries": {"total_max_attempts": 1}, "connect_timeout": 10}


def test_a_role_that_is_new_is_waited_for_and_it_is_said(account: Account) -> None:
    with refusing(account, 3) as asked:
        account.setup()
    assert len(asked) == 4
    assert account.slept.count(PAUSE) == 3
    said = [line for line in account.said if "the new roles are not known everywhere yet" in line]
    assert len(said) == 3
    assert "not authorized to assume the role lab-service" in said[0]
    assert set(done(account.setup().steps).values()) == {"keep"}


def test_the_wait_for_a_role_has_an_end(account: Account) -> None:
    with refusing(account, 1000) as asked, pytest.raises(ServiceError, match="not authorized to assume"):
        account.setup()
    assert len(asked) == TRIES
    assert done(account.teardown())["role lab-service"] == "remove"
    assert account.has() == NOTHING


def test_other_refusals_are_not_waited_for(account: Account) -> None:
    with refusing(account, 1000, "You have reached the limit of compute environments") as asked:
        with pytest.raises(ServiceError, match="reached the limit"):
            account.setup()
        assert len(asked) == 1
    with refusing(account, 1000) as asked, pytest.raises(ServiceError, match="not authorized"):
        account.setup()  # its roles are there already, so it is no matter of waiting
    assert len(asked) == 1


def test_an_environment_that_became_invalid_is_looked_at_again(account: Account) -> None:
    """moto's environments are always VALID: its answers say otherwise until an update."""
    account.setup()
    client = account.access.client("batch", **_CONFIG)
    states = {"status": "INVALID", "statusReason": "not authorized to assume lab-service"}

    def sick(parsed: dict[str, Any], **_: Any) -> None:
        for raw in parsed["computeEnvironments"]:
            raw.update(states)

    def mended(**_: Any) -> None:
        states.update({"status": "VALID", "statusReason": "Healthy"})

    events = client.meta.events
    events.register("after-call.batch.DescribeComputeEnvironments", sick)
    events.register("after-call.batch.UpdateComputeEnvironment", mended)
    try:
        survey = account.setup()
    finally:
        events.unregister("after-call.batch.DescribeComputeEnvironments", sick)
        events.unregister("after-call.batch.UpdateComputeEnvironment", mended)
    [step] = [step for step in survey.steps if step.changes]
    assert (step.name, step.did) == ("lab-fargate", Did.CHANGE)
    assert "INVALID: not authorized" in step.why
    assert states["status"] == "VALID"


# Teardown that must leave something.


def test_active_jobs_keep_everything_unless_it_is_forced(account: Account, cli: CommandLine) -> None:
    from tests.engines.aws.account import moto_jobs

    account.setup()
    container = {
        "image": "x",
        "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "9"}],
    }
    account.batch.register_job_definition(jobDefinitionName="d", type="container", containerProperties=container)
    job = account.batch.submit_job(jobName="j", jobQueue="lab", jobDefinition="d")["jobId"]
    moto_jobs()[job].status = "RUNNING"
    before = account.has()
    assert "lab has 1 active job, and nothing was removed" in cli.bad(2, "teardown", "--name", "lab", "--yes")
    assert account.has() == before
    assert done(account.teardown(force=True))["job queue lab"] == "remove"
    assert {name: items for name, items in account.has().items() if items} == {"definitions": ["d"]}


def test_an_environment_that_others_use_stays_with_its_roles(account: Account) -> None:
    account.setup(spot=True)
    order = [{"order": 1, "computeEnvironment": "lab-spot"}]
    account.batch.create_job_queue(jobQueueName="theirs", state="ENABLED", priority=1, computeEnvironmentOrder=order)
    left = done(account.teardown())
    assert left["compute environment lab-spot"] == "leave"
    assert left["role lab-service"] == "leave"
    assert left["instance profile lab-instance"] == "leave"
    assert left["role lab-task"] == "remove"
    has = account.has()
    assert (has["environments"], has["queues"]) == (["lab-spot"], ["theirs"])
    assert sorted(has["roles"]) == ["lab-instance", "lab-service"]


def test_what_cannot_be_removed_is_told_and_its_roles_are_kept(account: Account) -> None:
    account.setup()
    from io import BytesIO

    from botocore.awsrequest import AWSResponse

    class Body(BytesIO):
        def stream(self, **_: Any) -> Any:
            yield self.read()

    def answer(request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, 400, {"x-amzn-ErrorType": "ClientException"}, Body(b'{"message": "not now"}'))

    client = account.access.client("batch", **_CONFIG)
    client.meta.events.register("before-send.batch.DeleteComputeEnvironment", answer)
    try:
        left = account.teardown()
    finally:
        client.meta.events.unregister("before-send.batch.DeleteComputeEnvironment", answer)
    failed = {step.name: step.why for step in left if step.did is Did.FAIL}
    assert "not now" in failed["lab-fargate"]
    assert failed["lab-service"] == "compute environment lab-fargate is still there"
    assert len(account.has()["roles"]) == 4
    account.teardown()
    assert account.has() == NOTHING


def test_the_setups_of_an_account_do_not_touch_each_other(account: Account) -> None:
    account.setup(name="one")
    before = account.has()
    account.setup(name="two")
    assert done(account.teardown("two")).keys().isdisjoint(done(account.teardown("nobody")))
    assert account.has() == before


def test_two_setups_at_once_make_one(account: Account) -> None:
    """Both have looked before either makes anything."""
    made = [Setup(account.access, Choices("lab", spot=True), sleep=account.slept.append) for _ in range(2)]
    surveys = [one.survey() for one in made]
    for one, survey in zip(made, surveys, strict=True):
        one.apply(survey)
    assert [len(items) for items in account.has().values()] == [4, 1, 0, 2, 2, 0]
    assert set(done(account.setup(spot=True).steps).values()) == {"keep"}


# The commands, and whoever answers them.


def test_a_person_is_asked_and_shown_the_plan(account: Account) -> None:
    """On a terminal of its own: buckets, Spot, and whether to do it."""
    told = at_a_terminal(["setup", "--name", "lab"], [b"results, more", b"n", b"n"])
    assert "Buckets that jobs read and write" in told
    assert "may read and write results, more" in told
    assert "nothing was done" in told
    assert account.has() == NOTHING
    at_a_terminal(["setup", "--name", "lab"], [b"results", b"y", b"y"])
    assert account.has()["queues"] == ["lab", "lab-spot"]
    assert "Remove these" in at_a_terminal(["teardown", "--name", "lab"], [b"y"])
    assert account.has() == NOTHING


def at_a_terminal(arguments: list[str], answers: list[bytes]) -> str:
    """What a command says at a terminal at which somebody answers its questions, one after the other."""
    import pty

    process, terminal = pty.fork()
    if not process:
        os.execv(sys.executable, [sys.executable, "-m", "batch_helpers", *arguments])
    said = b""
    try:
        while True:
            said += os.read(terminal, 4096)
            if answers and said.rstrip().endswith((b":", b"]")) and b"\n" not in said.rsplit(b"? ", 1)[-1]:
                os.write(terminal, answers.pop(0) + b"\n")
                said += b"\n"
    except OSError:  # it has ended
        os.waitpid(process, 0)
    return said.decode()


def test_where_nobody_can_say_yes_nothing_is_done(account: Account, cli: CommandLine) -> None:
    assert "give --yes" in cli.bad(2, "setup", "--name", "lab")
    assert account.has() == NOTHING
    account.setup()
    before = account.has()
    assert "give --yes" in cli.bad(2, "teardown", "--name", "lab")
    assert account.has() == before


def test_a_settings_file_that_cannot_be_used_is_told_before_anything_is_made(
    account: Account, cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config.toml"
    path.write_text("queue = [\n")
    monkeypatch.setenv("BATCH_HELPERS_CONFIG", str(path))
    assert "not TOML" in cli.bad(2, "setup", "--name", "lab", "--yes", "--write-settings")
    assert account.has() == NOTHING


def test_commands_tell_data_on_stdout(account: Account, cli: CommandLine) -> None:
    made = json.loads(cli.good("setup", "--name", "lab", "--yes", "--json"))
    assert {step["did"] for step in made["steps"]} == {"make"}
    assert made["settings"]["taskRoleArn"].endswith(":role/lab-task")
    gone = json.loads(cli.good("teardown", "--name", "lab", "--yes", "--json"))
    assert {step["did"] for step in gone["steps"]} == {"remove"}
