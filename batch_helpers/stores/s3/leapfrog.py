"""Leaping over a sorted listing from one wanted key to the next; pure: somebody else fetches the pages.

A page that starts just before a wanted key answers that key and every other one up to the page's last key, so the
next page starts just before the first wanted key beyond it. S3 lists by UTF-8 bytes, which is the order of code
points, which is how Python compares strings: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
"""

from __future__ import annotations

import operator
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from batch_helpers.errors import AmbiguousAnswer

LONGEST_KEY = 1024
"""Bytes of UTF-8: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html"""

_HIGHEST = "\U0010ffff"
_BELOW = {0xE000: 0xD7FF, 0x10000: 0xFFFD}


@dataclass(frozen=True, slots=True)
class Ask:
    """One page to list: the keys with this prefix after `after`, or those that follow the page that gave `token`."""

    after: str
    prefix: str
    token: str | None = None


class Page(Protocol):
    """What a page shows: its keys, whether more keys follow, and the token by which to go on."""

    @property
    def keys(self) -> Sequence[str]: ...

    @property
    def truncated(self) -> bool: ...

    @property
    def token(self) -> str | None: ...


class OutOfOrder(Exception):
    """A page from which nothing follows about the keys that it does not show."""


class Span:
    """A run of the wanted keys, sorted, that are not answered yet: those from `place` up to `end`."""

    def __init__(self, wanted: Sequence[str], place: int = 0, end: int | None = None, per_page: int = 0) -> None:
        self.wanted, self.place = wanted, place
        self.end = len(wanted) if end is None else end
        self._per_page = per_page
        self._listed = ""
        self._resumed: Ask | None = None

    def __len__(self) -> int:
        return self.end - self.place

    @property
    def ask(self) -> Ask:
        """The page to fetch next."""
        if self._resumed is not None:
            return self._resumed
        first, last = self.wanted[self.place], self.wanted[self.end - 1]
        return Ask(max(just_before(first), self._listed), _common_folder(first, last))

    def settle(self, ask: Ask, page: Page) -> list[tuple[str, int]]:
        """Take in the page that answers `ask`: the wanted keys that it shows, and their places in it.

        Raises OutOfOrder, with nothing taken in, when the page is cut off and does not ascend from where it was asked
        to start; AmbiguousAnswer when it leaves no way to go on.
        """
        if page.truncated and not page.keys:
            self._resumed = further(ask, page)
            return []
        if page.truncated:
            _check_order(ask, page.keys)
        reached = bisect_right(self.wanted, page.keys[-1], self.place, self.end) if page.truncated else self.end
        places = {key: place for place, key in enumerate(page.keys)}
        shown = [(key, places[key]) for key in self.wanted[self.place : reached] if key in places]
        self._per_page = reached - self.place
        self._listed, self._resumed = page.keys[-1] if page.keys else "", None
        self.place = reached
        return shown

    def split(self) -> Span | None:
        """Give away the back half, cut where a page is likely to end, if more than one page seems still to come."""
        if self._per_page == 0 or len(self) <= self._per_page:
            return None
        pages = -(-len(self) // self._per_page)
        middle = self.place + pages // 2 * self._per_page
        back = Span(self.wanted, middle, self.end, self._per_page)
        self.end = middle
        return back

    def singles(self) -> list[Span]:
        """What is left, as spans of one key each."""
        return [Span(self.wanted, place, place + 1) for place in range(self.place, self.end)]


def further(ask: Ask, page: Page) -> Ask:
    """What to ask for the page that follows by its token, as when a page is empty: S3 may send such pages.

    Raises AmbiguousAnswer when the page leaves no way to go on.
    """
    if page.token is None or page.token == ask.token:
        raise AmbiguousAnswer("a page of the listing says that more follows, but not how to go on")
    return replace(ask, token=page.token)


def just_before(key: str) -> str:
    """A string below `key` with no key between them, unless keys hold U+10FFFF or control characters there.

    It is made of characters that XML can carry, because some services echo it as it is.
    """
    last = ord(key[-1])
    if last <= ord(" "):
        return key[:-1]
    below = key[:-1] + chr(_BELOW.get(last, last - 1))
    return below if len((below + _HIGHEST).encode()) > LONGEST_KEY else below + _HIGHEST


def _common_folder(first: str, last: str) -> str:
    """The folders that two keys, and so all keys between them, have in common."""
    alike = next((place for place, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[: first.rfind("/", 0, alike) + 1]


def _check_order(ask: Ask, keys: Sequence[str]) -> None:
    started = ask.token is not None or keys[0] > ask.after
    if not started or not all(map(operator.lt, keys, keys[1:])):
        raise OutOfOrder("a page of the listing is not in the order of its keys")
