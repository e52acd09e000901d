"""Many requests in flight at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from queue import Empty, SimpleQueue
from threading import Event
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


def spread(work: Callable[[T], R], items: Sequence[T], width: int) -> tuple[dict[int, R], Exception | None]:
    """Do `work` on each item, `width` at a time; after a failure nothing more is begun, but what is begun is ended.

    Returns the results by the items' positions, and the first failure. Ctrl-C stops it as a failure does.
    """
    crew = _Crew(work, items)
    with ThreadPoolExecutor(max(1, min(width, len(items)))) as pool:
        try:
            wait([pool.submit(crew.run) for _ in range(min(width, len(items)))])
        finally:
            crew.stop.set()
    return crew.results, crew.failures[0] if crew.failures else None


def each(work: Callable[[T], R], items: Sequence[T], width: int) -> list[R]:
    """The results of `work` on each item, in order; raises the first failure."""
    results, failure = spread(work, items, width)
    if failure is not None:
        raise failure
    return [results[place] for place in range(len(items))]


def chunks(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """`items` in runs of at most `size`."""
    return [items[start : start + size] for start in range(0, len(items), size)]


class _Crew(Generic[T, R]):
    def __init__(self, work: Callable[[T], R], items: Sequence[T]) -> None:
        self.stop = Event()
        self.results: dict[int, R] = {}
        self.failures: list[Exception] = []
        self._work, self._items = work, items
        self._places: SimpleQueue[int] = SimpleQueue()
        for place in range(len(items)):
            self._places.put(place)

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                place = self._places.get_nowait()
            except Empty:
                return
            try:
                self.results[place] = self._work(self._items[place])
            except Exception as exc:
                self.failures.append(exc)
                self.stop.set()
