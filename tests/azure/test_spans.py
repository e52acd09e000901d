"""However a container is filled and however its service lists, every wanted name is answered exactly, and cheaply."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_helpers.errors import InvalidInput
from batch_helpers.stores.azure import spans
from batch_helpers.stores.azure.lookup import Ask, Page
from batch_helpers.stores.azure.places import Box, place_of

BOX = Box(None, "box")


class Container:
    """A container's listing. leaps: whether it starts where it is asked to. Its tokens are its own."""

    def __init__(self, names: Sequence[str], size: int, *, leaps: bool, empty_first: bool = False) -> None:
        self.names, self.size, self.leaps, self.empty_first = sorted(names), size, leaps, empty_first
        self.requests = 0

    def page(self, ask: Ask) -> Page:
        self.requests += 1
        start, skip = "", False
        if ask.token is not None:
            start, skip = ask.token[1:], ask.token[0] == ">"
        elif self.empty_first:
            return Page([], "=" + (ask.start if self.leaps else ask.prefix))
        elif self.leaps:
            start = ask.start
        place = max(bisect_left(self.names, start), bisect_left(self.names, ask.prefix))
        found = [name for name in self.names[place:] if name.startswith(ask.prefix)]
        found = [name for name in found if not (skip and name == start)]
        shown = found[: self.size]
        return Page(shown, f">{shown[-1]}" if len(found) > self.size else None)

    def find(self, wanted: Sequence[str]) -> set[str]:
        ready, found = [spans.Span(BOX, sorted(wanted))], set[str]()
        leaps: bool | None = None
        while ready:
            span = ready.pop()
            ask = span.ask(leaps=leaps)
            if len(span.wanted) == 1 and not span.follow:
                self.requests += 1
                found |= {span.wanted[0]} & set(self.names)
                continue
            answer = spans.settle(span, ask, self.page(ask), leaps=leaps)
            found.update(answer.present)
            ready += answer.left
            leaps = answer.leaps
        return found


NAMES = st.lists(st.text(st.sampled_from("ab/é\U0001f9ec"), min_size=1, max_size=5), max_size=40, unique=True)


@settings(max_examples=100, deadline=None)
@given(names=NAMES, wanted=NAMES.filter(bool), size=st.integers(1, 7), leaps=st.booleans(), empty=st.booleans())
def test_every_wanted_name_is_answered_exactly(
    names: list[str], wanted: list[str], size: int, leaps: bool, empty: bool
) -> None:
    box = Container(names, size, leaps=leaps, empty_first=empty)
    assert box.find(wanted) == set(names) & set(wanted)


@settings(max_examples=100, deadline=None)
@given(names=NAMES, wanted=NAMES.filter(bool), size=st.integers(1, 7))
def test_no_more_requests_than_wanted_names_nor_than_pages_where_listings_leap(
    names: list[str], wanted: list[str], size: int
) -> None:
    box = Container(names, size, leaps=True)
    box.find(wanted)
    pages = max(1, math.ceil(len(names) / size))
    assert box.requests <= min(len(wanted), pages + 1)


@settings(max_examples=100, deadline=None)
@given(names=NAMES, wanted=NAMES.filter(bool), size=st.integers(1, 7))
def test_no_more_than_twice_as_many_requests_where_they_do_not(names: list[str], wanted: list[str], size: int) -> None:
    box = Container(names, size, leaps=False)
    box.find(wanted)
    assert box.requests <= 2 * len(wanted)


@pytest.mark.slow
@pytest.mark.parametrize(("leaps", "most"), [(True, 25), (False, 25)])
def test_a_hundred_thousand_finished_outputs_take_few_lists(leaps: bool, most: int) -> None:
    names = [f"run/out/{number:06}.bam" for number in range(100_000)]
    box = Container(names, 5000, leaps=leaps)
    assert len(box.find(names)) == 100_000
    assert box.requests <= most


@pytest.mark.parametrize("leaps", [True, False])
def test_a_few_wanted_among_many_do_not_cost_the_whole_listing(leaps: bool) -> None:
    names = [f"run/{number:06}/out" for number in range(20_000)]
    box = Container(names, 100, leaps=leaps)
    wanted = [*names[::4000], "run/none"]
    assert box.find(wanted) == set(names[::4000])
    assert box.requests <= (1 if leaps else 2) * len(wanted)


def test_a_listing_out_of_order_is_not_believed() -> None:
    span = spans.Span(BOX, ["a", "b", "c"])
    answer = spans.settle(span, span.ask(leaps=None), Page(["a", "z", "b"], "more"), leaps=None)
    assert answer.present == []
    assert [part.wanted for part in answer.left] == [["a"], ["b"], ["c"]]


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("az://box/a/b c%20", (Box(None, "box"), "a/b c%20")),
        ("AZ://box/a", (Box(None, "box"), "a")),
        ("https://Acct1.blob.core.windows.net/box/a%20b%2Fc", (Box("acct1", "box"), "a b/c")),
        ("https://acct1.blob.core.chinacloudapi.cn/box/a", (Box("acct1", "box"), "a")),
    ],
)
def test_uris_name_an_account_a_container_and_a_blob(uri: str, place: tuple[Box, str]) -> None:
    assert place_of(uri) == place


@pytest.mark.parametrize(
    "uri",
    [
        "az://box",
        "az://box/",
        "az:///a",
        "az://box/a\\b",
        "az://box/a/../b",
        "az://box/./a",
        f"az://box/{'x' * 1025}",
        "az://box/\ud800",
        "https://example.org/box/a",
        "http://acct1.blob.core.windows.net/box/a",
        "https://acct1.blob.core.windows.net/box",
        "https://acct1.blob.core.windows.net/box/a?sv=1&sig=secret",
    ],
)
def test_what_names_no_blob_is_refused(uri: str) -> None:
    with pytest.raises(InvalidInput):
        place_of(uri)
