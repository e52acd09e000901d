"""Compute environments, queues and definitions from the command line, on moto: the lines of ezbatch, and bad ones."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import boto3
import pytest
from click.testing import CliRunner, Result

from batch_helpers.aws_client import AWSAccess
from batch_helpers.cli import main
from batch_helpers.engines.aws import AWSEngine
from batch_helpers.engines.aws.images import content
from tests.cli.conftest import lines
from tests.engines.aws.account import moto_batch_without_docker
from tests.servers import moto_server, session

pytestmark = pytest.mark.slow


class Account(NamedTuple):
    """An account with a network and roles. subnets and groups: ids as they are written in a row on a command line."""

    environ: Mapping[str, str]
    access: AWSAccess
    subnets: str
    groups: str
    elsewhere: str
    role: str

    def __call__(self, line: str, answer: str = "", **environ: str) -> Result:
        """What `batch-helpers LINE` comes to; {subnets}, {groups} and {role} in it are filled."""
        fields = {"subnets": self.subnets, "groups": self.groups, "role": self.role, "elsewhere": self.elsewhere}
        words = line.format(**fields).split()
        return CliRunner(env={**self.environ, **environ}).invoke(main, words, input=answer, prog_name="batch-helpers")

    def good(self, line: str, answer: str = "") -> str:
        """Its stdout; it must have ended with 0."""
        ended = self(line, answer)
        assert ended.exit_code == 0, (line, ended.stdout, ended.stderr, ended.exception)
        return ended.stdout

    def bad(self, code: int, line: str, answer: str = "") -> str:
        """Its stderr; it must have ended with this code, in one line, and with nothing on stdout."""
        ended = self(line, answer)
        assert ended.exit_code == code, (line, ended.stdout, ended.stderr, ended.exception)
        assert isinstance(ended.exception, SystemExit)
        assert ended.stdout == ""
        return ended.stderr


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    shared = session()
    with moto_server() as url, pytest.MonkeyPatch.context() as patch:
        patch.setattr(boto3, "Session", lambda **_: shared)  # so that botocore's models are read once
        moto_batch_without_docker(url)
        access = AWSAccess(session=shared, endpoint_url=url)
        ec2, iam = access.client("ec2"), access.client("iam")
        subnets = [raw["SubnetId"] for raw in ec2.describe_subnets()["Subnets"]]
        groups = [raw["GroupId"] for raw in ec2.describe_security_groups()["SecurityGroups"]]
        vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        elsewhere = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
        for name in ("batch-service", "only-a-role"):
            iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
        iam.create_instance_profile(InstanceProfileName="ecsInstanceRole")
        environ = {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        role = iam.get_role(RoleName="batch-service")["Role"]["Arn"]
        yield Account(environ, access, " ".join(subnets[:2]), groups[0], elsewhere, role)


PLACE = "--subnets {subnets} --security-group-ids {groups} --service-role {role}"


def test_every_line_of_ezbatch_works(account: Account) -> None:
    """The flags of ezbatch 0.1.0, in the order and spelling of its argparse."""
    assert (
        account.good(
            "compute-environment create --name far --service-role {role} --type FARGATE --max-vcpus 16"
            " --subnets {subnets} --security-group-ids {groups} --tags project=x owner=me"
        )
        == "compute environment far: created\n"
    )
    row = ["far", "ENABLED", "VALID", "FARGATE", "16", "-"]
    assert lines(account.good("compute-environment list")) == [row]
    assert account.good("compute-environment toggle --name far") == "compute environment far: DISABLED\n"
    assert account.good("compute-environment toggle --name far") == "compute environment far: ENABLED\n"
    line = "job-queue create --name q --compute-environment far --tags project=x"
    assert account.good(line) == "job queue q: created\n"
    assert lines(account.good("job-queue list")) == [["q", "ENABLED", "VALID", "1", "far", "-"]]
    assert account.good("job-queue toggle --name q") == "job queue q: DISABLED\n"
    assert account.good("job-queue toggle --name q") == "job queue q: ENABLED\n"
    line = "job-definition create --name d --image busybox --platform EC2"
    assert account.good(line) == "job definition d: created\n"
    assert account.good("jobs submit --name j --queue q --definition d").strip()
    account.good("jobs list --queue q")
    account.access.client("batch").terminate_job(jobId=_only_job(account), reason="the test is over")
    assert account.good("job-queue delete --name q --force", "y\n").endswith("job queue q: deleted\n")
    assert account.good("compute-environment delete --name far", "y\n").endswith("compute environment far: deleted\n")
    assert "batch-helpers" in account.good("--version")
    assert account.good("-v") == account.good("--version")


def _only_job(account: Account) -> str:
    batch = account.access.client("batch")
    statuses = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")
    [found] = {
        raw["jobId"] for status in statuses for raw in batch.list_jobs(jobQueue="q", jobStatus=status)["jobSummaryList"]
    }
    return str(found)


def test_a_second_create_changes_nothing_or_tells_what_differs(account: Account) -> None:
    line = f"compute-environment create twice {PLACE} --max-vcpus 16"
    assert account.good(line) == "compute environment twice: created\n"
    assert account.good(line) == "compute environment twice: exists\n"
    assert json.loads(account.good(f"{line} --json")) == {"name": "twice", "result": "exists", "changed": []}
    assert "maxvCpus 16 -> 32: use --update" in account.bad(2, line.replace("16", "32"))
    updated = json.loads(account.good(f"{line.replace('16', '32')} --update --json"))
    assert (updated["result"], updated["changed"]) == ("updated", ["maxvCpus 16 -> 32"])


def test_spot_instances_have_all_that_is_asked_for(account: Account) -> None:
    account.good(
        f"compute-environment create all {PLACE} --type SPOT --instance-role ecsInstanceRole --instance-types g5 g4dn"
        " --gpu --launch-template mine:3 --bid-percentage 60 --allocation-strategy SPOT_CAPACITY_OPTIMIZED --tag a=b=c"
    )
    found = json.loads(account.good("compute-environment describe all --json"))
    resources = found["computeResources"]
    assert found["tags"] == {"a": "b=c"}
    assert (resources["type"], resources["instanceTypes"], resources["bidPercentage"]) == ("SPOT", ["g5", "g4dn"], 60)
    assert resources["launchTemplate"] == {"launchTemplateName": "mine", "version": "3"}
    assert resources["allocationStrategy"] == "SPOT_CAPACITY_OPTIMIZED"
    described = dict(lines(account.good("compute-environment describe --name all")))
    assert described["computeResources.instanceTypes"] == "g5, g4dn"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (f"create a!b {PLACE}", "name='a!b'"),
        (f"create x {PLACE} --tags ab", "--tags ab: write NAME=VALUE"),
        (f"create x {PLACE} --tags =b", "--tags =b: write NAME=VALUE"),
        (f"create x {PLACE} --tags a=1 a=2", "'a' is given twice, as '1' too"),
        (f"create x {PLACE} --instance-types m5", "instance_types=('m5',): FARGATE has no instances to choose"),
        (f"create x {PLACE} --type FARGAT", "did you mean 'FARGATE'"),
        ("create x --subnets {subnets} {elsewhere} --security-group-ids {groups}", "subnets: all must be of one VPC"),
        ("create x --subnets {elsewhere} --security-group-ids {groups}", "security_group_ids: all must be of one VPC"),
        ("create x --security-group-ids {groups}", "subnets=()"),
        (f"create x {PLACE} --type EC2", "instance_role=None: instances need one"),
        (f"create {PLACE}", "give a name, as NAME or as --name NAME"),
        (f"create x --name y {PLACE}", "two names, x and --name y"),
    ],
)
def test_bad_input_is_told_before_anything_is_made(account: Account, line: str, problem: str) -> None:
    assert problem in account.bad(2, f"compute-environment {line}")
    assert (
        account.access.client("batch").describe_compute_environments(computeEnvironments=["x"])["computeEnvironments"]
        == []
    )


def test_a_role_that_is_not_there_is_told_with_how_to_make_it(account: Account) -> None:
    told = account.bad(4, f"compute-environment create x {PLACE}-not")
    assert "role/batch-service-not' does not exist: leave it out, run `batch-helpers setup`" in told
    assert ", or: aws iam create-role --role-name batch-service-not --assume-role-policy-document '{" in told
    ec2 = f"compute-environment create x {PLACE} --type EC2 --instance-role"
    assert "instance_role='nope' does not exist: run `batch-helpers setup`, or: aws iam create-role" in account.bad(
        4, f"{ec2} nope"
    )
    assert "'only-a-role' is a role without an instance profile" in account.bad(4, f"{ec2} only-a-role")
    linked = "arn:aws:iam::123456789012:role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"
    told = account.bad(4, f"compute-environment create x {PLACE} --service-role {linked}")
    assert "create-service-linked-role" in told


def test_subnets_that_are_not_there_are_told(account: Account) -> None:
    told = account.bad(4, "compute-environment create x --subnets subnet-0123 --security-group-ids {groups}")
    assert "could not look up the subnets: " in told
    assert "subnet-0123" in told


def test_nothing_is_deleted_unless_somebody_says_yes(account: Account) -> None:
    account.good(f"compute-environment create kept {PLACE}")
    for answer in ("", "n\n"):
        assert "nothing was done" in account.bad(2, "compute-environment delete kept", answer)
    account.good("compute-environment describe kept")
    assert json.loads(account.good("compute-environment delete kept --yes --json")) == {
        "name": "kept",
        "result": "deleted",
        "detached": [],
    }
    assert "'kept' does not exist" in account.bad(4, "compute-environment delete kept --yes")


def test_an_invalid_row_says_why(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    from moto.batch.models import batch_backends

    account.good(f"compute-environment create sick {PLACE}")
    account.good("job-queue create sick --compute-environment sick")
    backend: Any = batch_backends["123456789012"]["us-east-1"]
    described = backend.describe_compute_environments

    def describe(environments: Any = None) -> Any:
        sick = {"status": "INVALID", "statusReason": "CLIENT_ERROR - Not authorized"}
        return [raw | sick if raw["computeEnvironmentName"] == "sick" else raw for raw in described(environments)]

    monkeypatch.setattr(backend, "describe_compute_environments", describe)
    rows = {row[0]: row for row in lines(account.good("compute-environment list"))}
    assert rows["sick"][2:] == ["INVALID", "FARGATE", "256", "CLIENT_ERROR - Not authorized"]
    told = account.bad(4, f"compute-environment create sick {PLACE}")
    assert "'sick' is INVALID: CLIENT_ERROR - Not authorized" in told


def test_what_a_command_leaves_out_comes_from_the_settings(
    account: Account, tmp_path_factory: pytest.TempPathFactory
) -> None:
    config = tmp_path_factory.mktemp("config") / "config.toml"
    subnets = json.dumps(account.subnets.split())
    config.write_text(
        f"[Settings]\nsubnets = {subnets}\nsecurityGroupIds = {json.dumps([account.groups])}\nmaxvCpus = 8\n"
        f'serviceRole = "{account.role}"\ninstanceRole = "ecsInstanceRole"\n'
        'executionRoleArn = "exec"\ntaskRoleArn = "task"\n'
    )
    given = {"BATCH_HELPERS_CONFIG": str(config)}
    for kind in ("FARGATE", "EC2"):
        ended = account(f"compute-environment create set-{kind} --type {kind}", **given)
        assert ended.exit_code == 0, ended.stderr
        assert (
            json.loads(account.good(f"compute-environment describe set-{kind} --json"))["computeResources"]["maxvCpus"]
            == 8
        )
    assert account("job-definition create set --image busybox", **given).exit_code == 0
    container = json.loads(account.good("job-definition describe set --json"))["containerProperties"]
    assert (container["executionRoleArn"], container["jobRoleArn"]) == ("exec", "task")


def test_definitions_are_made_listed_described_and_deregistered(account: Account) -> None:
    create = "job-definition create work --image busybox --platform EC2 --env A=1 B=x=y"
    assert account.good(f"{create} -- echo hi") == "job definition work: created\n"
    assert account.good(f"{create} -- echo hi") == "job definition work: exists\n"
    assert "command echo, hi -> echo, --tags" in account.bad(2, f"{create} -- echo --tags")
    assert account.good(f"{create} --update").startswith("job definition work: updated; command")
    rows = lines(account.good("job-definition list work"))
    assert rows == [[f"work:{n}", "ACTIVE", "EC2", "busybox", "1", "2048"] for n in (1, 2)]
    container = json.loads(account.good("job-definition describe work:1 --json"))["containerProperties"]
    assert container["command"] == ["echo", "hi"]
    assert container["environment"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "x=y"}]
    assert "which revision? give work:2" in account.bad(2, "job-definition deregister work --yes")
    assert account.good("job-definition deregister work:1 --yes") == "work:1\n"
    assert account.good("job-definition deregister work --all --yes") == "work:2\n"
    assert account.good("job-definition list work") == ""


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("--image busybox", "execution_role=None: Fargate needs one"),
        ("--image busybox --execution-role-arn r --vcpus 3", "Fargate does not pair 3 vCPUs with 2048 MiB"),
        ("--image busybox --execution-role-arn r --gpus 1", "Fargate has no GPUs"),
        ("--image busybox --execution-role-arn r --storage 20", "storage=20: give 21 to 200 GiB"),
        ("--image busybox --platform EC2 --storage 30", "storage=30: that is for platform FARGATE"),
        ("--image busybox --platform EC2 --assign-public-ip", "assign_public_ip=True: that is for platform FARGATE"),
        ("--image busybox --platform EC2 --vcpus 0.5", "on EC2 a job takes whole vCPUs"),
        ("--image busybox --platform EC2 --timeout 5", "timeout=5"),
        ("--image busybox --platform EC2 --attempts 11", "attempts=11"),
        ("--image busybox --platform EC2 --env AWS_BATCH_X=1", "AWS_BATCH"),
        ("--image busybox --arch ARM", "arch='ARM'; did you mean 'ARM64'"),
        ("--image busybox --platform ECS", "platform='ECS'; did you mean 'EC2'"),
    ],
)
def test_a_definition_that_cannot_work_is_told_before_it_is_registered(
    account: Account, line: str, problem: str
) -> None:
    assert problem in account.bad(2, f"job-definition create bad {line}")


def test_prune_leaves_what_is_not_ours(account: Account) -> None:
    account.good("job-definition create mine --image busybox --platform EC2")
    assert account.good("job-definition prune --older-than 0 --yes") == ""
    assert "nothing was done" in account.bad(2, "job-definition prune")
    assert "older_than" in account.bad(2, "job-definition prune --older-than -1 --yes")
    account.good("job-definition describe mine")


def test_definitions_prune_deregisters_old_ones_of_ours_and_tells_which(account: Account) -> None:
    name = AWSEngine(account.access).define("busybox", content("busybox"))
    assert account.good("definitions prune --dry-run --older-than 1") == ""
    assert account.good("definitions prune --dry-run --older-than 0") == f"{name}:1\n"
    account.good(f"job-definition describe {name}")
    assert account.good("definitions prune --older-than 0 --yes") == f"{name}:1\n"
    assert account.good("definitions prune --older-than 0 --yes") == ""
    assert AWSEngine(account.access).define("busybox", content("busybox")) == name
    account.good(f"job-definition describe {name}")
    account.good("definitions prune --older-than 0 --yes")
