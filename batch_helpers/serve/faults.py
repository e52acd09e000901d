"""Faults: what may go wrong between a client and the service, made to happen on purpose."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from batch_helpers.errors import InvalidInput
from batch_helpers.serve.paging import LISTS

Kind = Literal[
    "drop", "cut-headers", "cut-body", "throttle", "error", "unavailable", "delay", "hide", "short-page", "empty-page"
]

_PASSING = ("delay", "hide", "short-page", "empty-page")
_PAGES = ("short-page", "empty-page")
_NEVER_BEFORE = ("cut-headers", "cut-body")
_NEVER_AFTER = ("throttle",)


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule: what happens to which requests.

    kind: `drop` closes the connection without a byte; `cut-headers` and `cut-body` close it in the middle of the
    answer; `throttle`, `error` and `unavailable` answer 429, 500 and 503; `delay` waits for `seconds`; `hide` keeps the
    job of a SubmitJob out of ListJobs and DescribeJobs for `seconds` or for `listings` listings; `short-page` answers a
    listing one item at a time, and `empty-page` with a page of nothing before the one that was asked for.
    operation: its name, or `*`. after_work: whether the request is carried out all the same; a cut answer always was,
    a throttled request never. skip: how many requests pass first. times: how many are hit, None is all.
    probability: of a request that could be hit.

    Raises InvalidInput for values that make no sense.
    """

    kind: Kind
    operation: str = "*"
    after_work: bool = False
    skip: int = 0
    times: int | None = 1
    probability: float = 1.0
    seconds: float = 0.0
    listings: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise InvalidInput(f"kind={self.kind!r}: a fault is one of {', '.join(get_args(Kind))}")
        if self.kind in _NEVER_AFTER and self.after_work:
            raise InvalidInput(f"kind={self.kind!r}: such a request is never carried out; leave after_work out")
        if not 0 <= self.probability <= 1:
            raise InvalidInput(f"probability={self.probability!r}: give a number from 0 to 1")

    @property
    def is_passing(self) -> bool:
        """Whether the request is answered all the same."""
        return self.kind in _PASSING

    @property
    def is_after_work(self) -> bool:
        return self.after_work or self.kind in _NEVER_BEFORE

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def fault_from(value: Mapping[str, Any]) -> Fault:
    """A Fault from its JSON. Raises InvalidInput for a member that it does not have."""
    known = [item.name for item in fields(Fault)]
    if "kind" not in value or (set(value) - set(known)):
        raise InvalidInput(f"a fault has the members {', '.join(known)}, and needs a kind; got {', '.join(value)}")
    return Fault(**value)


@dataclass(slots=True)
class _Armed:
    """A rule, and what is left of it."""

    fault: Fault
    skip: int
    times: int | None


class Faults:
    """The rules in force, in the order in which they were added; `seed` makes the probable ones repeatable."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311
        self._armed: list[_Armed] = []

    def add(self, fault: Fault) -> None:
        self._armed.append(_Armed(fault, fault.skip, fault.times))

    def clear(self) -> None:
        self._armed.clear()

    def draw(self, operation: str) -> list[Fault]:
        """The faults that hit this request: any number of passing ones, and at most one that is not."""
        drawn: list[Fault] = []
        for item in self._armed:
            if not (drawn and not drawn[-1].is_passing) and self._hits(item, operation):
                drawn.append(item.fault)
        self._armed = [item for item in self._armed if item.times != 0]
        return drawn

    def _hits(self, item: _Armed, operation: str) -> bool:
        if item.fault.operation not in ("*", operation):
            return False
        if item.fault.kind in _PAGES and operation not in LISTS:
            return False
        if item.skip:
            item.skip -= 1
            return False
        if item.fault.probability < 1 and self._random.random() >= item.fault.probability:
            return False
        if item.times is not None:
            item.times -= 1
        return True
