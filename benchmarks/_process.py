"""A service that counts what it is asked, in a process of its own, so that it is never what is measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

Asked = Callable[[], Counter[str]]


@contextmanager
def served(serve: Callable[..., None], *arguments: Any) -> Iterator[tuple[str, Asked]]:
    """The service's URL, and what tells the calls since it was last asked.

    serve: called with a connection and the arguments; it sends its port, and then a count for whatever it receives.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, *arguments), daemon=True)
    process.start()

    def asked() -> Counter[str]:
        ours.send(None)
        counted: Counter[str] = ours.recv()
        return counted

    try:
        yield f"http://127.0.0.1:{ours.recv()}", asked
    finally:
        process.terminate()
        process.join()
