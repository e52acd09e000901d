"""Options that are given as NAME=VALUE, and options that take several values at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import click

from batch_helpers.errors import InvalidInput


def pairs(option: str, given: Iterable[str]) -> Mapping[str, str]:
    """NAME=VALUE texts as a mapping; a value may hold further `=`. Raises InvalidInput with the text.

    option: as it is written, for the message.
    """
    found: dict[str, str] = {}
    for text in given:
        name, separator, value = text.partition("=")
        if not name or not separator:
            raise InvalidInput(f"{option} {text}: write NAME=VALUE")
        if found.setdefault(name, value) != value:
            raise InvalidInput(f"{option} {text}: {name!r} is given twice, as {found[name]!r} too")
    return found


class Several(click.Command):
    """A command whose repeatable options take several values too: `--subnets a b` is `--subnets a --subnets b`.

    So what was written for argparse's nargs="+" goes on to work. Arguments come before such an option, or after `--`.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        options = [param for param in self.params if isinstance(param, click.Option) and param.multiple]
        return super().parse_args(ctx, list(spread(args, {name for option in options for name in option.opts})))


def spread(args: Sequence[str], several: Collection[str]) -> Sequence[str]:
    """The arguments with each of these options repeated before every one of its values."""
    words: list[str] = []
    current: str | None = None
    for place, word in enumerate(args):
        if word == "--":
            return [*words, *args[place:]]
        if word.startswith("-") and word != "-":
            current = None
        elif current is not None and words[-1] != current:
            words.append(current)
        if word in several:
            current = word
        words.append(word)
    return words
