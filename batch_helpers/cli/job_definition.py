"""`batch-helpers job-definition`: what jobs of AWS Batch are made from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from batch_helpers.cli.account import account_options, make_sure, show, tell_all, told, update_option, yes_option
from batch_helpers.cli.configured import configured
from batch_helpers.cli.names import named_with_command
from batch_helpers.cli.outcome import DONE, ending
from batch_helpers.cli.pairs import Several, pairs
from batch_helpers.cli.where import json_option

if TYPE_CHECKING:
    from batch_helpers.aws_client import AWSAccess
    from batch_helpers.resources.aws import JobDefinitions
    from batch_helpers.resources.aws.desk import Raw

_SET = "default: the settings'"
_DAY = 86400.0


@click.group("job-definition", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Make, list, describe and deregister job definitions of AWS Batch."""


@command.command("create", cls=Several)
@click.option("--image", required=True, help="Container image.")
@click.option("--platform", default="FARGATE", show_default=True, help="FARGATE or EC2.")
@click.option("--vcpus", type=float, default=1, show_default=True)
@click.option("--memory", type=int, default=2048, show_default=True, help="MiB.")
@click.option("--gpus", type=int, default=0, help="EC2 only.")
@click.option("--env", "environment", multiple=True, metavar="NAME=VALUE...", help="Variables of the environment.")
@click.option("--execution-role-arn", "execution_role", help=f"Role with which Fargate starts jobs; {_SET}.")
@click.option("--task-role-arn", "task_role", help=f"Role of the jobs' own calls to AWS; {_SET}.")
@click.option("--arch", default="X86_64", show_default=True, help="Fargate: X86_64 or ARM64.")
@click.option("--assign-public-ip", is_flag=True, help="Fargate: for subnets without another way out.")
@click.option("--storage", type=int, metavar="GIB", help="Fargate: 21 to 200; 20 when left out.")
@click.option("--attempts", type=int, default=1, show_default=True)
@click.option("--timeout", type=int, help="Seconds for each attempt.")
@click.option("--tags", "--tag", multiple=True, metavar="NAME=VALUE...", help="Tags.")
@update_option
@json_option
@ending
@named_with_command
@account_options
def create(
    access: AWSAccess, name: str, words: tuple[str, ...], environment: tuple[str, ...], tags: tuple[str, ...],
    update: bool, as_json: bool, **given: Any,
) -> int:  # fmt: skip
    """Register the job definition NAME.

    Nothing is done when its newest revision is like it; --update registers another revision."""
    from batch_helpers.resources.aws import JobDefinition

    settings = configured()
    given["execution_role"] = settings.first("executionRoleArn", given["execution_role"])
    given["task_role"] = settings.first("taskRoleArn", given["task_role"])
    given |= {"environment": pairs("--env", environment), "tags": pairs("--tags", tags)}
    spec = JobDefinition(name, command=words, **given)
    return told("job definition", name, _definitions(access).create(spec, update=update), as_json=as_json)


@command.command("list")
@click.argument("name", required=False)
@click.option("--inactive", is_flag=True, help="Those that have been deregistered too.")
@json_option
@ending
@account_options
def list_(access: AWSAccess, name: str | None, inactive: bool, as_json: bool) -> int:
    """List the revisions of NAME, or of all job definitions.

    A line for each: name and revision, status, platform, image, vCPUs, MiB.
    """
    return show(list(_definitions(access).list(name, inactive=inactive)), _cells, as_json=as_json)


@command.command("describe")
@click.argument("name")
@json_option
@ending
@account_options
def describe(access: AWSAccess, name: str, as_json: bool) -> int:
    """Tell all that AWS Batch tells of NAME, or NAME:REVISION."""
    return tell_all(_definitions(access).get(name), as_json=as_json)


@command.command("deregister")
@click.argument("names", nargs=-1, required=True, metavar="NAME:REVISION...")
@click.option("--all", "every", is_flag=True, help="Every revision of NAME.")
@yes_option
@json_option
@ending
@account_options
def deregister(access: AWSAccess, names: tuple[str, ...], every: bool, yes: bool, as_json: bool) -> int:
    """Make revisions inactive.

    No new job can be made from them; jobs that there are go on."""
    definitions = _definitions(access)
    chosen = [revision for name in names for revision in definitions.revisions(name, every=every)]
    make_sure(f"Deregister {', '.join(chosen)}?", yes=yes)
    for revision in chosen:
        definitions.deregister(revision)
        _print(revision, as_json=as_json)
    return DONE


@command.command("prune")
@click.option("--older-than", type=float, default=30.0, show_default=True, metavar="DAYS", help="Since registration.")
@click.option("--dry-run", is_flag=True, help="Only tell which.")
@yes_option
@json_option
@ending
@account_options
def prune(access: AWSAccess, older_than: float, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Deregister old definitions of ours.

    They are those that batch_helpers has made by itself for images and workflows, but for those in use.

    A run that needs one later registers it again.
    """
    from batch_helpers.engines.aws import AWSEngine

    engine = AWSEngine(access)
    if not dry_run:
        make_sure(f"Deregister unused definitions of ours that are older than {older_than:g} days?", yes=yes)
    for revision in engine.prune(older_than * _DAY, dry_run=dry_run):
        _print(revision, as_json=as_json)
    return DONE


def _definitions(access: AWSAccess) -> JobDefinitions:
    from batch_helpers.resources.aws import JobDefinitions

    return JobDefinitions(access)


def _print(revision: str, *, as_json: bool) -> None:
    click.echo(json.dumps({"jobDefinition": revision}) if as_json else revision)


def _cells(raw: Raw) -> tuple[Any, ...]:
    container = raw.get("containerProperties") or {}
    needs = {item["type"]: item["value"] for item in container.get("resourceRequirements") or ()}
    vcpus, memory = needs.get("VCPU", container.get("vcpus")), needs.get("MEMORY", container.get("memory"))
    name, platforms = f"{raw['jobDefinitionName']}:{raw['revision']}", ", ".join(raw.get("platformCapabilities") or ())
    return name, raw.get("status"), platforms or None, container.get("image"), vcpus, memory
