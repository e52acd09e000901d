"""Which account of AWS a command is about, and what commands about its resources have in common."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from batch_helpers.cli.names import named
from batch_helpers.cli.outcome import DONE, ending
from batch_helpers.cli.rows import row
from batch_helpers.cli.where import json_option
from batch_helpers.errors import InvalidInput

if TYPE_CHECKING:
    from batch_helpers.aws_client import AWSAccess
    from batch_helpers.resources.aws import Outcome
    from batch_helpers.resources.aws.desk import Desk, Raw

yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask.")
update_option = click.option("--update", is_flag=True, help="Change one of this name that differs.")


def account_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --profile and --region, which may stand before it too, and the function an `access`."""

    @wraps(function)
    def wrapped(*, profile: str | None, region: str | None, **options: Any) -> Any:
        from batch_helpers.aws_client import AWSAccess

        outer = click.get_current_context().find_root().params
        access = AWSAccess(profile=profile or outer.get("profile"), region=region or outer.get("region"))
        return function(access=access, **options)

    decorated = click.option("--region", help="AWS region.")(wrapped)
    return click.option("--profile", help="Profile of the AWS configuration.")(decorated)


def tell(text: str) -> None:
    """Narration of what is waited for."""
    click.echo(text, err=True)


def make_sure(question: str, *, yes: bool) -> None:
    """Ask, unless `yes` has been said already. Raises InvalidInput when the answer is not yes, or there is none."""
    if yes:
        return
    try:
        agreed = click.confirm(question, err=True)
    except click.Abort as exc:
        raise InvalidInput("nothing was done, for nobody has said yes: give --yes where nobody can") from exc
    if not agreed:
        raise InvalidInput("nothing was done")


def told(what: str, name: str, outcome: Outcome, *, as_json: bool) -> int:
    """Print what became of a resource."""
    if as_json:
        click.echo(json.dumps({"name": name, "result": outcome.said, "changed": list(outcome.changed)}))
    else:
        click.echo(f"{what} {name}: {outcome.said}{''.join(f'; {change}' for change in outcome.changed)}")
    return DONE


def show(raws: list[Raw], cells: Callable[[Raw], tuple[Any, ...]], *, as_json: bool) -> int:
    """Print a line for each."""
    for raw in raws:
        click.echo(json.dumps(raw, default=str) if as_json else row(*cells(raw)))
    return DONE


def tell_all(raw: Raw, *, as_json: bool) -> int:
    """Print everything that is said of one resource, a line for each member."""
    if as_json:
        click.echo(json.dumps(raw, default=str))
    else:
        click.echo("\n".join(row(name, value) for name, value in _flat(raw)))
    return DONE


def add_common_commands(
    group: click.Group, desk: Callable[[AWSAccess], Desk], cells: Callable[[Raw], tuple[Any, ...]], columns: str
) -> None:
    """Add list, describe, enable, disable and toggle to a kind of resource. columns: what `cells` gives, in words."""
    what = str(group.name).replace("-", " ")

    @group.command("list", help=f"List the {what}s, a line for each: {columns}.")
    @json_option
    @ending
    @account_options
    def list_(access: AWSAccess, as_json: bool) -> int:
        return show(list(desk(access).list()), cells, as_json=as_json)

    @group.command("describe", help=f"Tell all that AWS Batch tells of the {what} NAME.")
    @json_option
    @ending
    @named
    @account_options
    def describe(access: AWSAccess, name: str, as_json: bool) -> int:
        return tell_all(desk(access).get(name), as_json=as_json)

    @group.command("toggle", help=f"Enable the {what} NAME if it is disabled, else disable it, and tell its new state.")
    @json_option
    @ending
    @named
    @account_options
    def toggle(access: AWSAccess, name: str, as_json: bool) -> int:
        return _switched(what, name, desk(access).toggle(name), changed=True, as_json=as_json)

    for verb, state in (("enable", "ENABLED"), ("disable", "DISABLED")):
        _add_switch(group, desk, verb, state)


def _add_switch(group: click.Group, desk: Callable[[AWSAccess], Desk], verb: str, state: str) -> None:
    what = str(group.name).replace("-", " ")

    @group.command(verb, help=f"{verb.capitalize()} the {what} NAME; no error when it is so already.")
    @json_option
    @ending
    @named
    @account_options
    def switch(access: AWSAccess, name: str, as_json: bool) -> int:
        return _switched(what, name, state, changed=desk(access).set_state(name, state), as_json=as_json)


def _switched(what: str, name: str, state: str, *, changed: bool, as_json: bool) -> int:
    if as_json:
        click.echo(json.dumps({"name": name, "state": state, "changed": changed}))
    else:
        click.echo(f"{what} {name}: {state}{'' if changed else ', as it was'}")
    return DONE


def _flat(raw: Raw, before: str = "") -> list[tuple[str, Any]]:
    lines: list[tuple[str, Any]] = []
    for name, value in raw.items():
        if isinstance(value, Mapping):
            lines += _flat(value, f"{before}{name}.")
        elif value not in (None, "", []):
            simple = isinstance(value, list) and all(isinstance(item, str) for item in value)
            text = ", ".join(value) if simple else json.dumps(value, default=str) if isinstance(value, list) else value
            lines.append((before + name, text))
    return lines
