"""Runs of wanted names, and what follows from each page about them. Pure: somebody else fetches the pages.

Where the service starts a listing from a given name, a page answers every wanted name up to its last one, and the next
page starts at the first wanted name beyond. Where it does not, listings go on page by page, or with narrower prefixes.
Which of both holds shows itself when the second page is asked for.
"""

from __future__ import annotations

import operator
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from batch_helpers.stores.azure.lookup import PAGE, Ask, Page
from batch_helpers.stores.azure.places import Box

WORTH_SPLITTING = 8 * PAGE
"""Wanted names beyond which two listings side by side are worth one page more."""


class Span(NamedTuple):
    """A run of wanted names, sorted, that are not answered yet.

    token, prefix: how the listing that has led here goes on. follow: it has to go on so.
    """

    box: Box
    wanted: Sequence[str]
    token: str | None = None
    prefix: str | None = None
    follow: bool = False

    def ask(self, *, leaps: bool | None) -> Ask:
        """The page to fetch next. leaps: whether listings start where they are asked to; None is not known yet."""
        start = self.wanted[0]
        if self.token is None or self.prefix is None or (leaps and not self.follow):
            return Ask(self.box, _common(start, self.wanted[-1]), start)
        if leaps is None and not self.follow:
            return Ask(self.box, self.prefix, start)
        return Ask(self.box, self.prefix, start, self.token)


class Answer(NamedTuple):
    """What a page tells of a span: names that are there, spans that are still open, and whether listings leap."""

    present: list[str]
    left: list[Span]
    leaps: bool | None


def settle(span: Span, ask: Ask, page: Page, *, leaps: bool | None) -> Answer:
    """Take in the page that answers `ask`."""
    names, wanted = page.names, span.wanted
    leaps = _learnt(span, ask, names, leaps)
    shown = set(names)
    if page.token is None:
        return Answer([name for name in wanted if name in shown], [], leaps)
    if not all(map(operator.lt, names, names[1:])):
        return Answer([], [Span(span.box, [name]) for name in wanted], leaps)
    reached = bisect_right(wanted, names[-1]) if names else 0
    present, rest = [name for name in wanted[:reached] if name in shown], wanted[reached:]
    return Answer(present, _left(span, ask, page, rest, leaps) if rest else [], leaps)


def _learnt(span: Span, ask: Ask, names: Sequence[str], leaps: bool | None) -> bool | None:
    """A page that begins before its start did not leap; one that leaves out what was seen before it did."""
    if not names or (ask.token is not None and not span.follow):
        return leaps
    if names[0] < ask.start:
        return False
    return True if leaps is None and span.token is not None and not span.follow else leaps


def _left(span: Span, ask: Ask, page: Page, rest: Sequence[str], leaps: bool | None) -> list[Span]:
    if not page.names:
        return [Span(span.box, rest, page.token, ask.prefix, follow=True)]
    if leaps:
        return _shared(Span(span.box, rest))
    if len(rest) < len(span.wanted) or leaps is None:
        return [Span(span.box, rest, page.token, ask.prefix)]
    if ask.token is None and span.token is not None:
        return [span]  # it was a try whether listings leap: now it goes on as the listing before it said
    return _halves(span.box, rest)


def _shared(span: Span) -> list[Span]:
    """A long span as two, each of which starts at its own first name."""
    if len(span.wanted) <= WORTH_SPLITTING:
        return [span]
    return _halves(span.box, span.wanted)


def _halves(box: Box, wanted: Sequence[str]) -> list[Span]:
    """With fewer names the prefixes are narrower."""
    middle = (len(wanted) + 1) // 2
    return [Span(box, part) for part in (wanted[:middle], wanted[middle:]) if part]


def _common(first: str, last: str) -> str:
    """What two names, and so all names between them, begin with."""
    length = next((place for place, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:length]
