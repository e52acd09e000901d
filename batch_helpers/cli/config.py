"""`batch-helpers config`: which settings hold, and where they came from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from batch_helpers.cli.configured import configured
from batch_helpers.cli.outcome import DONE, ending
from batch_helpers.cli.rows import row
from batch_helpers.cli.where import json_option

if TYPE_CHECKING:
    from batch_helpers.settings import Setting


@click.group("config", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Look at the settings.

    They are in one TOML file, under [Settings] and [profiles.NAME]. A flag goes before the environment, that before the
    profile (batch-helpers --config-profile NAME, or BATCH_HELPERS_PROFILE), that before [Settings].
    """


@command.command("show")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@json_option
@ending
def show(names: tuple[str, ...], as_json: bool) -> int:
    """Print each setting, its value, and where it came from; only those called NAME when any are given."""
    from batch_helpers.errors import InvalidInput

    settings = configured()
    try:
        found = [settings.setting(name) for name in names or settings]
    except KeyError as exc:
        raise InvalidInput(exc.args[0]) from exc
    if as_json:
        click.echo(json.dumps({item.name: {"value": item.value, "source": item.source} for item in found}))
    else:
        click.echo("\n".join(row(item.name, _shown(item), item.source) for item in found))
    return DONE


@command.command("path")
@ending
def path() -> int:
    """Print the file that the settings are read from, whether it is there or not."""
    from batch_helpers.settings import config_path

    click.echo(config_path())
    return DONE


def _shown(item: Setting) -> Any:
    return ", ".join(item.value) if isinstance(item.value, tuple) else item.value
