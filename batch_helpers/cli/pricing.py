"""The options that say what hours cost, the same on every command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from batch_helpers.cost import Rate

_OPTIONS = (
    click.option(
        "--priced-as",
        multiple=True,
        metavar="[QUEUE=]RATE",
        help="Count money by this rate, such as fargate. May be given again.",
    ),
    click.option(
        "--prices", type=click.Path(), metavar="FILE", help="A price file (TOML) instead of the one that ships."
    ),
)


def rate_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options, and the function `rates` by queue."""

    @wraps(function)
    def wrapped(*, priced_as: tuple[str, ...], prices: str | None, **options: Any) -> Any:
        return function(rates=_rates(priced_as, prices), **options)

    decorated: Callable[..., Any] = wrapped
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def _rates(priced_as: tuple[str, ...], prices: str | None) -> Mapping[str, Rate]:
    from batch_helpers.cost import load_prices

    return load_prices(prices).chosen(priced_as)
