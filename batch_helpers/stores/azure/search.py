"""Many wanted blobs at once: spans of them are listed side by side, and a single one is asked for by HEAD."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from batch_helpers.stores.azure.lookup import Ask, Lookup, Page
from batch_helpers.stores.azure.places import Box, Place
from batch_helpers.stores.azure.spans import Span, settle
from batch_helpers.stores.base import Found

_UNMEASURED = Found()


class Search:
    """One search; `width` is the most requests that are under way at once. measured: sizes and dates are wanted."""

    def __init__(self, lookup: Lookup, width: int, *, measured: bool = False) -> None:
        self._lookup, self._width, self._measured = lookup, width, measured
        self._leaps: dict[str | None, bool | None] = {}
        self._found: dict[Place, Found] = {}

    def run(self, wanted: Mapping[Box, Collection[str]]) -> Mapping[Place, Found]:
        """Of the wanted names of each container those that exist; sizes and dates if they are measured, or single."""
        ready = [Span(box, sorted(names)) for box, names in wanted.items() if names]
        flights: dict[Future[Page | None], tuple[Span, Ask]] = {}
        pool = ThreadPoolExecutor(self._width, thread_name_prefix="blob-search")
        try:
            while ready or flights:
                while ready and len(flights) < self._width:
                    span = ready.pop()
                    ask = span.ask(leaps=self._leaps.get(span.box.account))
                    flights[pool.submit(self._look, span, ask)] = (span, ask)
                for future in wait(flights, return_when=FIRST_COMPLETED).done:
                    ready += self._settle(*flights.pop(future), future.result())
        finally:
            pool.shutdown(cancel_futures=True)
        return self._found

    def _look(self, span: Span, ask: Ask) -> Page | None:
        """A page, or None for a single name, whose answer is kept at once."""
        if len(span.wanted) > 1 or span.follow:
            return self._lookup.page(ask, measured=self._measured)
        place = Place(span.box, span.wanted[0])
        if (found := self._lookup.one(place)) is not None:
            self._found[place] = found
        return None

    def _settle(self, span: Span, ask: Ask, page: Page | None) -> list[Span]:
        if page is None:
            return []
        account = span.box.account
        answer = settle(span, ask, page, leaps=self._leaps.get(account))
        self._leaps[account] = answer.leaps
        self._found.update((Place(span.box, name), page.found.get(name, _UNMEASURED)) for name in answer.present)
        return answer.left
