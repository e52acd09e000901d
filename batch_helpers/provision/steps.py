"""What is done to an account, one thing after the other, as people read it: pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Did(StrEnum):
    """make: it is not there yet. change: setup made it, and it differs. keep: setup made it. use: it was there before.

    remove, leave, fail: of teardown; what fails is left, too.
    """

    MAKE = "make"
    CHANGE = "change"
    KEEP = "keep"
    USE = "use"
    REMOVE = "remove"
    LEAVE = "leave"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing. what: `role`, `job queue`, …; why: in a few words."""

    did: Did
    what: str
    name: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.did:<7} {self.what} {self.name}{f': {self.why}' if self.why else ''}"

    @property
    def changes(self) -> bool:
        """Whether it calls for anything to be done."""
        return self.did in (Did.MAKE, Did.CHANGE, Did.REMOVE)
