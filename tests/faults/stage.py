"""Time that stands still while somebody acts: who waits least goes on next, and jobs move in between."""

from __future__ import annotations

import threading
from collections.abc import Callable

Actor = int


class Stage:
    """Lets one actor go on at a time, each in threads of its own, and moves the clock to where the next one wakes.

    now: seconds. due: when something else happens next, or None. happen: called then.
    """

    def __init__(self, now: float, due: Callable[[], float | None], happen: Callable[[], None]) -> None:
        self.now = now
        self._due, self._happen = due, happen
        self._wakes: dict[Actor, float] = {}
        self._turn: Actor | None = None
        self._changed = threading.Condition()

    def enter(self, actor: Actor, delay: float) -> None:
        """Before anybody acts: this one begins after `delay` seconds."""
        self._wakes[actor] = self.now + delay

    def begin(self) -> None:
        """Let the first one go on."""
        with self._changed:
            self._pass_on()

    def attend(self, actor: Actor) -> None:
        """Wait for the actor's turn."""
        with self._changed:
            self._changed.wait_for(lambda: self._turn == actor)

    def pause(self, actor: Actor, seconds: float) -> None:
        """Let `seconds` pass for this actor; others, and jobs, go on meanwhile."""
        with self._changed:
            self._wakes[actor] = self.now + max(0.0, seconds)
            self._pass_on()
            self._changed.wait_for(lambda: self._turn == actor)

    def leave(self, actor: Actor) -> None:
        """This one is done."""
        with self._changed:
            del self._wakes[actor]
            self._turn = None
            if self._wakes:
                self._pass_on()

    def _pass_on(self) -> None:
        actor = min(self._wakes, key=lambda item: (self._wakes[item], item))
        self.run_to(self._wakes[actor])
        self._turn = actor
        self._changed.notify_all()

    def run_to(self, until: float) -> None:
        """Move on to a time, with all that happens before."""
        while (due := self._due()) is not None and due <= until:
            self.now = max(self.now, due)
            self._happen()
        self.now = max(self.now, until)
