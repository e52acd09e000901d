"""What the operations work on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from batch_helpers.serve.arns import Arns
from batch_helpers.serve.clock import Clock
from batch_helpers.serve.hiding import Hiding
from batch_helpers.serve.state.database import Database
from batch_helpers.serve.state.rows import Stop
from batch_helpers.serve.texts.details import DetailWriter

if TYPE_CHECKING:
    from batch_helpers.serve.runners.base import Runner


@dataclass(slots=True)
class Wishes:
    """What operations want of the scheduler: to look again, and to stop the attempts of these jobs."""

    wake: Callable[[], None] = lambda: None
    stops: list[Stop] = field(default_factory=list)


@dataclass(slots=True)
class Service:
    """An endpoint's state, clock and helpers, as the operations see them."""

    database: Database
    arns: Arns
    clock: Clock
    runner: Runner
    details: DetailWriter
    hiding: Hiding = field(default_factory=Hiding)
    wishes: Wishes = field(default_factory=Wishes)
