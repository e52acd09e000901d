from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batch_helpers.serve.outcomes import Outcome
from tests.serve.desk import Desk, OpenDesk
from tests.serve.fixtures import endpoint, instant_endpoint

__all__ = ["endpoint", "instant_endpoint"]

_MEMORY = "/dev/shm"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory that is as quick as the machine has it: hundreds of tests make a database each."""
    if not os.access(_MEMORY, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=_MEMORY) as found:
        yield Path(found)


@pytest.fixture
def open_desk(place: Path) -> Iterator[OpenDesk]:
    """Makes endpoints with the queue `local` and the definition `work`, one after the other over the same state."""
    desks = []

    def open_desk(*outcomes: Outcome, define: bool = True, **more: Any) -> Desk:
        for desk in desks:
            desk.close()
        desks.append(Desk(place, *outcomes, **more))
        if define:
            desks[-1].define()
        return desks[-1]

    yield open_desk
    for desk in desks:
        desk.close()


@pytest.fixture
def desk(open_desk: OpenDesk) -> Desk:
    """An endpoint of which nothing special is asked."""
    return open_desk()
