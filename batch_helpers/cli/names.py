"""NAME as an argument, or as --name, as the commands of ezbatch have it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from batch_helpers.errors import InvalidInput

_OPTION = click.option("--name", help="The same as NAME.")


def named(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command NAME, and the function a `name`."""

    @wraps(function)
    def wrapped(*, argument: str | None, name: str | None, **options: Any) -> Any:
        if argument is not None and name is not None:
            raise InvalidInput(f"two names, {argument} and --name {name}: give one")
        return function(name=_given(argument or name), **options)

    return click.argument("argument", required=False, metavar="NAME")(_OPTION(wrapped))


def named_with_command(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command NAME and COMMAND after `--`, and the function a `name` and `words`."""

    @wraps(function)
    def wrapped(*, words: tuple[str, ...], name: str | None, **options: Any) -> Any:
        if name is None and words:
            name, words = words[0], words[1:]
        return function(name=_given(name), words=words, **options)

    return click.argument("words", nargs=-1, metavar="NAME [-- COMMAND...]")(_OPTION(wrapped))


def _given(name: str | None) -> str:
    if name is None:
        raise InvalidInput("give a name, as NAME or as --name NAME")
    return name
