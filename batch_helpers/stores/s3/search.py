"""Many wanted keys at once: spans of them leap over their buckets' listings side by side."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import NamedTuple

from batch_helpers.errors import ServiceError
from batch_helpers.stores.base import Found
from batch_helpers.stores.s3.leapfrog import Ask, OutOfOrder, Span
from batch_helpers.stores.s3.lookup import Lookup
from batch_helpers.stores.s3.reader import ListPage

_UNSORTED_BUCKET = "--x-s3"
"""Directory buckets do not list in order: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html"""

_UNMEASURED = Found()


class _Flight(NamedTuple):
    bucket: str
    span: Span
    ask: Ask


class Search:
    """One search; `ranges` is the most requests that are under way at once. measured: sizes and dates are wanted.

    A bucket starts as one span. While there is room, the longest span that is likely to need more than one further
    page gives its back half away: small questions stay whole, large ones spread over all ranges.
    """

    def __init__(self, lookup: Lookup, ranges: int, *, measured: bool = True) -> None:
        self._lookup, self._ranges, self._measured = lookup, ranges, measured
        self._ready: list[tuple[str, Span]] = []
        self._flights: dict[Future[ListPage], _Flight] = {}
        self._found: dict[str, dict[str, Found]] = {}

    def run(self, wanted: Mapping[str, Collection[str]]) -> Mapping[str, Mapping[str, Found]]:
        """Of the wanted keys of each bucket those that exist, by bucket and key."""
        for bucket, keys in wanted.items():
            self._found[bucket] = {}
            self._add(bucket, Span(sorted(keys)), in_order=not bucket.endswith(_UNSORTED_BUCKET))
        pool = ThreadPoolExecutor(self._ranges, thread_name_prefix="s3-search")
        try:
            while self._ready or self._flights:
                self._launch(pool)
                for future in wait(self._flights, return_when=FIRST_COMPLETED).done:
                    self._settle(self._flights.pop(future), future.result())
        finally:
            pool.shutdown(cancel_futures=True)
        return self._found

    def _add(self, bucket: str, span: Span, *, in_order: bool = True) -> None:
        self._ready += [(bucket, part) for part in ([span] if in_order else span.singles()) if part]

    def _launch(self, pool: ThreadPoolExecutor) -> None:
        while len(self._flights) < self._ranges and (self._ready or self._split()):
            bucket, span = self._ready.pop()
            ask = span.ask
            if len(span) == 1:
                future = pool.submit(self._lookup.one, bucket, span.wanted[span.place])
            else:
                future = pool.submit(self._lookup.page, bucket, ask)
            self._flights[future] = _Flight(bucket, span, ask)

    def _split(self) -> bool:
        for flight in sorted(self._flights.values(), key=lambda flight: len(flight.span), reverse=True):
            if back := flight.span.split():
                self._add(flight.bucket, back)
                return True
        return False

    def _settle(self, flight: _Flight, page: ListPage) -> None:
        bucket, span, ask = flight
        try:
            shown = span.settle(ask, page)
        except OutOfOrder as exc:
            if len(span) == 1:
                raise ServiceError(f"s3://{bucket} cannot be asked: HEAD is refused, and {exc}") from exc
            self._add(bucket, span, in_order=False)
            return
        if self._measured or len(shown) == 1:
            self._found[bucket].update((key, page.found(place)) for key, place in shown)
        else:
            self._found[bucket].update((key, _UNMEASURED) for key, _ in shown)
        self._add(bucket, span)
