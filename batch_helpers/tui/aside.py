"""Work beside the screen: in a thread that nobody has to wait for when the application is left."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from textual.app import App

Result = TypeVar("Result")


class Aside:
    """Runs work in daemon threads, and what follows from it on the screen's own. `busy` counts what is under way.

    Textual's own thread workers are waited for at the end, so a network that hangs would keep the application open.
    """

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self.busy = 0

    def run(self, work: Callable[[], Result], done: Callable[[Result], None]) -> None:
        """Do the work, then call `done` with its result; an error in it ends the application with its traceback."""
        self.busy += 1

        def worked() -> None:
            try:
                result = work()
            except Exception as exc:
                follow = _raising(exc)
            else:
                follow = lambda: done(result)  # noqa: E731
            with suppress(RuntimeError):
                self._app.call_later(self._finish, follow)

        threading.Thread(target=worked, daemon=True).start()

    def _finish(self, follow: Callable[[], None]) -> None:
        self.busy -= 1
        if self._app.is_running:
            follow()


def _raising(exc: Exception) -> Callable[[], None]:
    def follow() -> None:
        raise exc

    return follow
