"""Which jobs start next: in the order of their submission, as far as there is room, and nobody overtakes."""

from __future__ import annotations

from collections import deque

from batch_helpers.engines.local.database import Database
from batch_helpers.engines.local.room import Need, Room
from batch_helpers.engines.local.rows import Ready

_WINDOW = 200


class Scheduler:
    """The head of the queue, and the room that is left."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._window: deque[Ready] = deque()
        self._exhausted = False
        self.room = Room(database.capacity())

    @property
    def empty(self) -> bool:
        """Whether nothing is RUNNABLE, as far as is known."""
        return not self._window and self._exhausted

    def refresh(self) -> None:
        """Look at the queue anew: its order or the capacity may have changed."""
        self._window.clear()
        self._exhausted = False
        self.room.resize(self._database.capacity())

    def can_admit(self) -> bool:
        """Whether there is room for the job at the head."""
        self._fill()
        return bool(self._window) and self.room.fits(self._need(self._window[0]))

    def admit(self) -> list[tuple[Ready, Need]]:
        """Take room for as many jobs as fit, from the head on. The first one that must wait holds up all others."""
        self._fill()
        admitted = []
        while self._window and self.room.fits(need := self._need(self._window[0])):
            self.room.take(need)
            admitted.append((self._window.popleft(), need))
        return admitted

    def _need(self, ready: Ready) -> Need:
        return self.room.need(ready.vcpus, ready.memory)

    def _fill(self) -> None:
        """Only between admissions: those just admitted stand as RUNNABLE until they are recorded."""
        if not self._window and not self._exhausted:
            self._window.extend(self._database.ready(_WINDOW))
            self._exhausted = len(self._window) < _WINDOW
