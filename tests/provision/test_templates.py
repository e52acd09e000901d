"""The same account as CloudFormation, which cfn-lint judges, and as Terraform, judged by its structure."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batch_helpers.provision import Choices, blueprint
from batch_helpers.provision.cloudformation import cloudformation
from batch_helpers.provision.terraform import terraform
from tests.cli.conftest import CommandLine, cli

__all__ = ["cli"]

ALL = Choices("lab", buckets=("results",), spot=True, instance_types=("c5.large",), max_vcpus=64)
FOUND = Choices(
    "lab",
    spot=True,
    subnets=("subnet-0123456789abcdef0",),
    security_group_ids=("sg-0123456789abcdef0",),
    roles={
        "task": "arn:aws:iam::123456789012:role/mine",
        "service": "arn:aws:iam::123456789012:role/theirs",
        "instance": "arn:aws:iam::123456789012:instance-profile/machines",
    },
)
CHOICES = [Choices("lab"), ALL, FOUND]


@pytest.mark.slow
@pytest.mark.parametrize("choices", [ALL, FOUND], ids=["all", "found"])
def test_cfn_lint_finds_nothing_wrong(choices: Choices) -> None:
    from cfnlint.api import lint_all

    found = [item for item in lint_all(json.dumps(cloudformation(choices))) if item.rule.severity != "informational"]
    assert found == []


@pytest.mark.slow
def test_cfn_lint_would_find_what_is_wrong() -> None:
    from cfnlint.api import lint_all

    wrong = cloudformation(ALL)
    del wrong["Resources"]["TaskRole"]["Properties"]["AssumeRolePolicyDocument"]
    assert any("AssumeRolePolicyDocument" in item.message for item in lint_all(json.dumps(wrong)))


def of_type(template: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [item["Properties"] for item in template["Resources"].values() if item["Type"] == kind]


def test_a_template_has_what_setup_makes() -> None:
    made, plan = cloudformation(ALL), blueprint(ALL)
    assert [item["RoleName"] for item in of_type(made, "AWS::IAM::Role")] == [role.name for role in plan.roles]
    queues = of_type(made, "AWS::Batch::JobQueue")
    assert [item["JobQueueName"] for item in queues] == ["lab", "lab-spot"]
    fargate, spot = of_type(made, "AWS::Batch::ComputeEnvironment")
    assert (fargate["ComputeEnvironmentName"], fargate["ComputeResources"]["MaxvCpus"]) == ("lab-fargate", 64)
    assert spot["ComputeResources"]["InstanceTypes"] == ["c5.large"]
    assert spot["ComputeResources"]["InstanceRole"] == {"Fn::GetAtt": ["InstanceProfile", "Arn"]}
    assert "subnet-0" not in json.dumps(made)
    assert "sg-0" not in json.dumps(made)


def test_what_is_named_is_not_made() -> None:
    made = cloudformation(FOUND)
    assert [item["RoleName"] for item in of_type(made, "AWS::IAM::Role")] == ["lab-execution"]
    assert of_type(made, "AWS::IAM::InstanceProfile") == []
    assert made["Outputs"]["TaskRoleArn"]["Value"] == FOUND.roles["task"]
    assert made["Parameters"]["Subnets"]["Default"] == FOUND.subnets[0]


def references(value: Any) -> Iterator[str]:
    """What is referred to as `${kind.name.attribute}`."""
    if isinstance(value, dict):
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, str):
        yield from re.findall(r"\$\{([^}]+)\}", value)


@pytest.mark.parametrize("choices", CHOICES, ids=["plain", "all", "found"])
def test_a_configuration_refers_only_to_what_is_in_it(choices: Choices) -> None:
    made = terraform(choices)
    there = {f"{kind}.{name}" for kind, items in made["resource"].items() for name in items}
    there |= {f"data.{kind}.{name}" for kind, items in made["data"].items() for name in items}
    referred = {name.rpartition(".")[0] for name in references(made)}
    assert referred <= there
    depended = {
        item for one in made["resource"]["aws_batch_compute_environment"].values() for item in one["depends_on"]
    }
    assert depended <= there


def test_a_configuration_has_what_setup_makes() -> None:
    made, plan = terraform(ALL)["resource"], blueprint(ALL)
    assert {item["name"] for item in made["aws_iam_role"].values()} == {role.name for role in plan.roles}
    assert json.loads(made["aws_iam_role"]["task"]["assume_role_policy"]) == plan.role("task").trust
    assert (
        "arn:${data.aws_partition.current.partition}:s3:::results/*" in made["aws_iam_role_policy"]["buckets"]["policy"]
    )
    [resources] = made["aws_batch_compute_environment"]["spot"]["compute_resources"]
    assert (resources["instance_type"], resources["max_vcpus"]) == (["c5.large"], 64)
    assert [item["name"] for item in made["aws_batch_job_queue"].values()] == ["lab", "lab-spot"]
    assert all("tags" in item for kind in ("aws_iam_role", "aws_batch_job_queue") for item in made[kind].values())


@pytest.mark.slow
def test_terraform_takes_it_where_there_is_one(tmp_path: Path) -> None:
    program, providers = shutil.which("terraform"), Path.home() / ".terraform.d" / "plugins"
    if program is None or not providers.is_dir():
        pytest.skip("terraform and its provider are not installed; the structure is tested beside")
    (tmp_path / "main.tf.json").write_text(json.dumps(terraform(ALL)))
    for command in (["init", "-backend=false", f"-plugin-dir={providers}"], ["validate"]):
        ended = subprocess.run([program, *command], cwd=tmp_path, capture_output=True, text=True, timeout=100)
        assert ended.returncode == 0, ended.stderr


def test_templates_are_printed_without_an_account(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    given = [
        "--name",
        "lab",
        "--bucket",
        "s3://results/",
        "--spot",
        "--instance-types",
        "c5.large",
        "--max-vcpus",
        "64",
    ]
    assert json.loads(cli.good("setup", "--cloudformation", *given)) == json.loads(json.dumps(cloudformation(ALL)))
    assert json.loads(cli.good("setup", "--terraform", *given)) == json.loads(json.dumps(terraform(ALL)))
    assert "gs://x" in cli.bad(2, "setup", "--terraform", "--bucket", "gs://x")
