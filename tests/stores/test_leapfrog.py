from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_helpers.errors import AmbiguousAnswer
from batch_helpers.stores.s3.leapfrog import LONGEST_KEY, Ask, OutOfOrder, Span, just_before

KEYS = st.text(st.sampled_from(" ab/.0~é\u07ff\ud7ff\ue000\ufffd\U00010000\U0001f9ec"), min_size=1, max_size=5)


@dataclass(frozen=True)
class Page:
    keys: Sequence[str]
    truncated: bool = False
    token: str | None = None


class Bucket:
    """A listing in the order of UTF-8 bytes, which counts what is asked."""

    def __init__(self, keys: set[str], page: int) -> None:
        self.keys = sorted(keys, key=str.encode)
        self.page = page
        self.asked: list[Ask] = []

    def list(self, ask: Ask) -> Page:
        self.asked.append(ask)
        after = [key for key in self.keys if key.encode() > ask.after.encode() and key.startswith(ask.prefix)]
        return Page(after[: self.page], len(after) > self.page, "more" if len(after) > self.page else None)


def walk(bucket: Bucket, wanted: list[str], ranges: int, choose: random.Random) -> tuple[set[str], int]:
    """Every wanted key that the spans show, with the number of spans; in any order that many threads may lead to."""
    spans, used, shown = [Span(wanted)], 1, set()
    while spans := [span for span in spans if span]:
        if len(spans) < ranges and (back := max(spans, key=len).split()):
            spans.append(back)
            used += 1
        span = choose.choice(spans)
        ask = span.ask
        page = bucket.list(ask)
        shown |= {key for key, place in span.settle(ask, page) if page.keys[place] == key}
    return shown, used


@given(
    present=st.sets(KEYS, max_size=40),
    absent=st.sets(KEYS, max_size=20),
    share=st.floats(0, 1),
    page=st.integers(1, 7),
    ranges=st.integers(1, 6),
    choose=st.randoms(use_true_random=False),
)
def test_answers_are_exact_and_requests_are_few(
    present: set[str], absent: set[str], share: float, page: int, ranges: int, choose: random.Random
) -> None:
    wanted = sorted({key for key in present if choose.random() < share} | absent)
    bucket = Bucket(present, page)
    shown, used = walk(bucket, wanted, ranges, choose)
    assert shown == present & set(wanted)
    assert len(bucket.asked) <= len(wanted)
    spanned = [key for key in present if key.startswith(Span(wanted).ask.prefix)] if wanted else []
    assert len(bucket.asked) <= max(1, -(-len(spanned) // page)) + used - 1


@given(st.sets(KEYS, min_size=2, max_size=40))
def test_nothing_lies_between_a_key_and_what_is_just_before_it(keys: set[str]) -> None:
    ordered = sorted(keys, key=str.encode)
    for lower, key in pairwise(ordered):
        assert lower.encode() <= just_before(key).encode() < key.encode()


@pytest.mark.parametrize(
    ("key", "before"),
    [
        ("ab", "aa\U0010ffff"),
        ("a0", "a/\U0010ffff"),
        ("a!", "a \U0010ffff"),
        ("a ", "a"),
        ("a\t", "a"),
        ("\x00", ""),
        ("a\ue000", "a\ud7ff\U0010ffff"),
        ("a\U00010000", "a\ufffd\U0010ffff"),
    ],
)
def test_just_before_is_made_of_characters_that_xml_can_carry(key: str, before: str) -> None:
    assert just_before(key) == before


def test_just_before_is_never_longer_than_a_key_may_be() -> None:
    for length in range(LONGEST_KEY - 6, LONGEST_KEY + 1):
        assert len(just_before("k" * length).encode()) <= LONGEST_KEY


def test_the_prefix_is_the_folder_that_all_wanted_keys_share() -> None:
    assert Span(["a/b/1", "a/b/2"]).ask.prefix == "a/b/"
    assert Span(["a/b/1", "a/bc"]).ask.prefix == "a/"
    assert Span(["a/b", "a/b/c"]).ask.prefix == "a/"
    assert Span(["a/b/"]).ask.prefix == "a/b/"
    assert Span(["a", "b"]).ask.prefix == ""


def test_one_page_answers_all_that_it_covers() -> None:
    span = Span(["a/1", "a/2", "a/9", "b/1"])
    ask = span.ask
    assert span.settle(ask, Page(["a/1", "a/15", "a/2", "a/3"], truncated=True)) == [("a/1", 0), ("a/2", 2)]
    assert span.ask == Ask(just_before("a/9"), "")
    assert span.settle(span.ask, Page(["b/1"])) == [("b/1", 0)]
    assert not span


def test_a_page_never_starts_before_what_has_been_listed() -> None:
    span = Span(["a/1", "a/5"])
    listed = just_before("a/5") + "x"
    span.settle(span.ask, Page(["a/1", listed], truncated=True))
    assert span.ask.after == listed


def test_an_empty_page_that_says_more_follows_is_gone_on_from_by_its_token() -> None:
    span = Span(["a/1", "a/2"])
    first = span.ask
    assert span.settle(first, Page([], truncated=True, token="t1")) == []
    assert span.ask == Ask(first.after, first.prefix, "t1")
    assert span.settle(span.ask, Page([], truncated=True, token="t2")) == []
    assert span.ask.token == "t2"
    assert span.settle(span.ask, Page(["a/1"], truncated=True, token="t3")) == [("a/1", 0)]
    assert span.ask.token is None
    assert span.settle(span.ask, Page(["a/2"])) == [("a/2", 0)]


@pytest.mark.parametrize("token", [None, "same"])
def test_an_empty_page_that_leads_nowhere_is_an_error(token: str | None) -> None:
    span = Span(["a/1", "a/2"])
    with pytest.raises(AmbiguousAnswer):
        span.settle(Ask("a", "", token), Page([], truncated=True, token=token))


@pytest.mark.parametrize(
    "keys",
    [["a/3", "a/2", "a/5"], ["a/0", "a/5"], ["a/2", "a/2"]],
    ids=["not ascending", "before the start", "twice the same"],
)
def test_nothing_is_concluded_from_a_page_out_of_order(keys: list[str]) -> None:
    span = Span(["a/1", "a/2", "a/4"])
    with pytest.raises(OutOfOrder):
        span.settle(span.ask, Page(keys, truncated=True))
    assert [single.wanted[single.place] for single in span.singles()] == ["a/1", "a/2", "a/4"]


def test_a_whole_listing_answers_in_any_order() -> None:
    span = Span(["a/1", "a/2"])
    assert dict(span.settle(span.ask, Page(["a/2", "a/0", "a/1"]))) == {"a/1": 2, "a/2": 0}


def test_a_span_is_not_split_before_it_is_known_how_much_a_page_answers() -> None:
    assert Span([f"{number:04}" for number in range(5000)]).split() is None


def test_a_split_falls_where_pages_are_likely_to_end() -> None:
    wanted = [f"{number:05}" for number in range(10_000)]
    front = Span(wanted)
    front.settle(front.ask, Page(wanted[:1000], truncated=True))
    back = front.split()
    assert back is not None
    assert (front.place, front.end, back.place, back.end) == (1000, 5000, 5000, 10_000)
    further = back.split()
    assert further is not None
    assert (back.end, further.place) == (7000, 7000)


def test_what_one_page_is_likely_to_answer_is_not_split() -> None:
    wanted = [f"{number:05}" for number in range(2000)]
    span = Span(wanted)
    span.settle(span.ask, Page(wanted[:1000], truncated=True))
    assert span.split() is None
