"""How fast S3 is asked: slower when it says so, one budget for an account and endpoint, and always to the exact end."""

from __future__ import annotations

import random
import threading
from bisect import bisect_left, bisect_right

import pytest

from batch_helpers.aws_client import AWSAccess
from batch_helpers.budget import shared
from batch_helpers.errors import BatchHelpersError, Throttled
from batch_helpers.stores.s3 import S3Store
from batch_helpers.stores.s3.client import Gate
from tests.stores.wire import Answer, Bucket, Request, Wire, entry, listing, refusal

FULL = 10_000


def store_on(wire: Wire, ranges: int = 4) -> S3Store:
    return S3Store(wire.access, ranges, sleep=wire.slept.append, budget=wire.budget)


class LargeBucket(Bucket):
    """A bucket whose pages are found by bisection; a share of what it is asked it refuses as too much."""

    def __init__(self, keys: list[str], busy: float) -> None:
        super().__init__(keys)
        self._entries = [entry(key, 1) for key in self.keys]
        self._busy, self._dice, self._lock = busy, random.Random(4), threading.Lock()
        self.refused = 0

    def __call__(self, request: Request) -> Answer:
        with self._lock:
            if self._dice.random() < self._busy:
                self.refused += 1
                return refusal("SlowDown", 503, "Please reduce your request rate.", head=request.method == "HEAD")
        return super().__call__(request)

    def _list(self, query: dict[str, str]) -> Answer:
        start = max(bisect_right(self.keys, query.get("start-after", "")), bisect_left(self.keys, query["prefix"]))
        end = bisect_left(self.keys, query["prefix"] + "\U0010ffff")
        shown = self._entries[start : min(end, start + self.page)]
        more = "more" if start + self.page < end else None
        return Answer(200, listing("".join(shown), token=more))


@pytest.mark.slow
def test_a_hundred_thousand_keys_are_answered_exactly_while_every_tenth_request_is_too_much() -> None:
    keys = [f"out/{number:06}.bam" for number in range(100_000)]
    bucket = LargeBucket([key for number, key in enumerate(keys) if number % 3], busy=0.1)
    wire = Wire(bucket)
    found = store_on(wire, 32).find([f"s3://bucket/{key}" for key in keys])
    assert set(found) == {f"s3://bucket/{key}" for key in bucket.keys}
    assert bucket.refused >= 3
    assert len(wire.requests) - bucket.refused <= 67 + 32
    assert wire.budget.rate < FULL


@pytest.mark.parametrize("keys", [["a"], ["a", "b"]], ids=["one key", "several"])
@pytest.mark.parametrize(("code", "status"), [("SlowDown", 503), ("ServiceUnavailable", 503), ("503", 503)])
def test_a_refusal_for_its_rate_slows_everybody_down_whether_it_has_a_text_or_not(
    keys: list[str], code: str, status: int
) -> None:
    bucket, refusals = Bucket(["a", "b"]), [1]

    def busy(request: Request) -> Answer:
        if refusals:
            refusals.pop()
            return refusal(code, status, head=request.method == "HEAD")
        return bucket(request)

    wire = Wire(busy)
    assert len(store_on(wire).find([f"s3://bucket/{key}" for key in keys])) == len(keys)
    assert wire.budget.rate < FULL / 2


@pytest.mark.parametrize("refused", [refusal("InternalError", 500), refusal("RequestTimeout", 400)])
def test_other_troubles_slow_nobody_down(refused: Answer) -> None:
    bucket, refusals = Bucket(["a", "b"]), [refused]
    wire = Wire(lambda request: refusals.pop() if refusals else bucket(request))
    assert len(store_on(wire).find(["s3://bucket/a", "s3://bucket/b"])) == 2
    assert wire.budget.rate == FULL


def test_writes_reads_and_deletions_are_of_the_same_budget() -> None:
    slow = refusal("SlowDown", 503)
    for work in (
        lambda store: store.write("s3://bucket/a", b"x"),
        lambda store: store.read("s3://bucket/a"),
        lambda store: store.delete(["s3://bucket/a"]),
    ):
        wire = Wire(lambda _: slow)
        with pytest.raises((Throttled, BatchHelpersError)):
            work(store_on(wire))
        assert len(wire.requests) == 12
        assert wire.budget.rate < FULL / 2


def test_keys_of_a_deletion_that_are_too_much_slow_it_down() -> None:
    body = b"<DeleteResult><Error><Key>a</Key><Code>SlowDown</Code><Message>slower</Message></Error></DeleteResult>"
    wire = Wire(lambda _: Answer(200, body))
    with pytest.raises(Throttled, match="slower"):
        store_on(wire).delete(["s3://bucket/a"])
    assert wire.budget.rate < FULL / 2


def test_stores_of_one_account_and_endpoint_share_a_budget_and_others_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "_budgets", {})
    session = Wire.access.session
    one, two = (Gate(AWSAccess(session=session), 1, lambda _: None) for _ in range(2))
    other = Gate(AWSAccess(session=session, endpoint_url="http://127.0.0.1:9"), 1, lambda _: None)
    assert one._budget is two._budget
    assert one._budget is not other._budget


def test_counting_asks_for_no_more_than_it_needs() -> None:
    wire = Wire(Bucket([f"parts/{number:04}" for number in range(3000)]))
    assert store_on(wire).count({"s3://bucket/parts/": 24}) == {"s3://bucket/parts/": 24}
    assert [request.query["max-keys"] for request in wire.requests] == ["25"]


def test_counting_goes_from_page_to_page_and_leaves_placeholders_out() -> None:
    pages = {"": listing(entry("p/") + entry("p/a"), token="t"), "t": listing(entry("p/b") + entry("p/c/"))}
    wire = Wire(lambda request: Answer(200, pages[request.query.get("continuation-token", "")]))
    assert store_on(wire).count({"s3://bucket/p/": 5}) == {"s3://bucket/p/": 2}


def test_counting_a_page_that_leads_nowhere_is_an_error_and_no_small_number() -> None:
    wire = Wire(lambda _: Answer(200, listing(entry("p/a")).replace(b">false<", b">true<")))
    with pytest.raises(BatchHelpersError, match="how to go on"):
        store_on(wire).count({"s3://bucket/p/": 5})
