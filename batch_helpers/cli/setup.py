"""`batch-helpers setup`: roles, compute environments and queues, made by one command."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from batch_helpers.cli.account import account_options, make_sure, tell
from batch_helpers.cli.outcome import DONE, ending
from batch_helpers.cli.where import json_option
from batch_helpers.errors import InvalidInput

if TYPE_CHECKING:
    from batch_helpers.aws_client import AWSAccess
    from batch_helpers.provision import Choices, Survey

_USES = ("service", "instance", "execution", "task")


@click.command("setup")
@click.option("--name", default="batch-helpers", show_default=True, help="The queue, and what all names begin with.")
@click.option("--bucket", "buckets", multiple=True, help="A bucket that jobs read and write. May be given again.")
@click.option("--spot/--no-spot", default=None, help="EC2 Spot instances too, in the queue NAME-spot.  [default: no]")
@click.option("--max-vcpus", type=int, default=256, show_default=True, help="The most of each compute environment.")
@click.option("--instance-types", metavar="TYPE,...", help="Of the Spot environment; by default AWS chooses.")
@click.option("--subnets", metavar="ID,...", help="By default those of the default VPC.")
@click.option("--security-group-ids", metavar="ID,...", help="By default that of the default VPC.")
@click.option("--service-role", metavar="ROLE", help="One that is there, instead of a new one.")
@click.option("--instance-role", metavar="PROFILE", help="An instance profile that is there, instead of a new one.")
@click.option("--execution-role", metavar="ROLE", help="One that is there, instead of a new one.")
@click.option("--task-role", metavar="ROLE", help="One that is there, instead of a new one.")
@click.option("--dry-run", is_flag=True, help="Print what would be done, and the policies; change nothing.")
@click.option("--cloudformation", "template", flag_value="cloudformation", help="Print a template instead.")
@click.option("--terraform", "template", flag_value="terraform", help="Print a configuration (.tf.json) instead.")
@click.option("--update", is_flag=True, help="Change what an earlier setup made and that differs.")
@click.option("--write-settings", is_flag=True, help="Put the settings into the settings file.")
@click.option("--settings-profile", metavar="NAME", help="Under [profiles.NAME] instead of [Settings].")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@json_option
@ending
@account_options
def command(
    access: AWSAccess,
    *,
    dry_run: bool,
    template: str | None,
    update: bool,
    write_settings: bool,
    settings_profile: str | None,
    yes: bool,
    as_json: bool,
    **given: Any,
) -> int:
    """Make an account ready for jobs: four roles with the least that they need, compute environments and a queue.

    What is there already is used. Everything that is made is tagged, and `batch-helpers teardown` removes it. Run
    again, it changes nothing. Prints the settings to work with it.
    """
    if template:
        click.echo(json.dumps(_template(template, _choices(given)), indent=2))
        return DONE
    if sys.stdin.isatty() and not (yes or dry_run):
        _ask(given)
    from batch_helpers.provision import Setup

    path = _settings_path() if write_settings else None
    setup = Setup(access, _choices(given), update=update, tell=tell)
    survey = setup.survey()
    if dry_run:
        return _shown(survey, as_json=as_json, profile=settings_profile)
    if survey.changes and not yes:
        tell("\n".join(map(str, survey.steps)))
        make_sure("Do this?", yes=False)
    survey = setup.apply(survey)
    _printed(survey, as_json=as_json, profile=settings_profile)
    if path is not None:
        _write(path, survey, settings_profile)
    return DONE


def _ask(given: dict[str, Any]) -> None:
    """What a person at a terminal has not said."""
    if not given["buckets"]:
        text = click.prompt("Buckets that jobs read and write (a, b)", default="", show_default=False, err=True)
        given["buckets"] = tuple(_listed(text))
    if given["spot"] is None:
        given["spot"] = click.confirm("EC2 Spot instances too, beside Fargate?", default=False, err=True)


def _choices(given: dict[str, Any]) -> Choices:
    from batch_helpers.provision import Choices

    named = {use: role for use in _USES if (role := given[f"{use}_role"])}
    lists = {name: tuple(_listed(given[name])) for name in ("instance_types", "subnets", "security_group_ids")}
    return Choices(
        given["name"],
        buckets=tuple(_bucket(text) for text in given["buckets"]),
        spot=bool(given["spot"]),
        max_vcpus=given["max_vcpus"],
        roles=named,
        **lists,
    )


def _listed(text: str | None) -> list[str]:
    return [item.strip() for item in (text or "").split(",") if item.strip()]


def _bucket(text: str) -> str:
    scheme, separator, rest = text.rpartition("://")
    if separator and scheme != "s3":
        raise InvalidInput(f"--bucket {text}: jobs on AWS Batch work with buckets of S3: give BUCKET or s3://BUCKET")
    return rest.rstrip("/")


def _template(kind: str, choices: Choices) -> dict[str, Any]:
    from batch_helpers.provision.cloudformation import cloudformation
    from batch_helpers.provision.terraform import terraform

    return {"cloudformation": cloudformation, "terraform": terraform}[kind](choices)


def _policies(survey: Survey) -> dict[str, Any]:
    """What each role that setup makes allows, and to whom."""
    return {
        spec.name: {"trust": spec.trust, "managed": list(spec.managed), "policies": dict(spec.inline)}
        for spec in survey.blueprint.roles
    }


def _shown(survey: Survey, *, as_json: bool, profile: str | None) -> int:
    from batch_helpers.provision.settings_file import as_toml, settings_of

    policies, settings = _policies(survey), settings_of(survey)
    if as_json:
        click.echo(json.dumps({"steps": _steps(survey), "policies": policies, "settings": settings}))
    else:
        text = json.dumps(policies, indent=2)
        click.echo("\n".join([*map(str, survey.steps), "", text, "", as_toml(settings, profile).rstrip()]))
    return DONE


def _printed(survey: Survey, *, as_json: bool, profile: str | None) -> None:
    from batch_helpers.provision.settings_file import as_toml, settings_of

    settings = settings_of(survey)
    if as_json:
        click.echo(json.dumps({"steps": _steps(survey), "settings": settings}))
    else:
        click.echo(as_toml(settings, profile).rstrip())


def _steps(survey: Survey) -> list[dict[str, str]]:
    return [{"did": str(step.did), "what": step.what, "name": step.name, "why": step.why} for step in survey.steps]


def _settings_path() -> str:
    """The settings file, found good before anything is made."""
    from batch_helpers.provision.settings_file import settings_text
    from batch_helpers.settings import config_path

    path = config_path()
    settings_text(path)
    return path


def _write(path: str, survey: Survey, profile: str | None) -> None:
    from batch_helpers.provision.settings_file import settings_of, write_settings

    write_settings(path, settings_of(survey), profile)
    tell(f"settings written to {path}")
