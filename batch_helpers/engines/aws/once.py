"""What to do when nobody knows whether a request was carried out: look, adopt, or send again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from batch_helpers.errors import AmbiguousAnswer, ServiceError, Throttled, Unreachable

T = TypeVar("T")

PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds before each look: a listing may lag behind what was accepted."""

SENDS = 4

_PASSING = (AmbiguousAnswer, Throttled, Unreachable)


def settled(send: Callable[[], T], find: Callable[[], T | None], sleep: Callable[[float], None]) -> T:
    """The result of `send`, carried out once as far as anybody can tell.

    After an ambiguous answer `find` looks for what the request would have made; it is sent again only when that is
    not there after several looks. Raises AmbiguousAnswer when that cannot be settled.
    """
    for _ in range(SENDS):
        try:
            return send()
        except AmbiguousAnswer as exc:
            doubt = exc
        found = _sought(find, doubt, sleep)
        if found is not None:
            return found
    raise AmbiguousAnswer(
        f"{doubt}; it was sent {SENDS} times and never was there a trace of it: run again later"
    ) from doubt


def _sought(find: Callable[[], T | None], doubt: AmbiguousAnswer, sleep: Callable[[float], None]) -> T | None:
    """What was found, or None when the last look, at least, could see that there is nothing."""
    blind: ServiceError | None = None
    for pause in PAUSES:
        sleep(pause)
        try:
            found, blind = find(), None
        except _PASSING as exc:
            found, blind = None, exc
        except ServiceError as exc:
            raise _unsettled(doubt, exc) from exc
        if found is not None:
            return found
    if blind is not None:
        raise _unsettled(doubt, blind) from blind
    return None


def _unsettled(doubt: AmbiguousAnswer, problem: ServiceError) -> AmbiguousAnswer:
    return AmbiguousAnswer(
        f"{doubt}; it may have been carried out, but that cannot be looked up ({problem}): "
        "run again later, and it will be found by its name"
    )
