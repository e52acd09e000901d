"""One run for each seed, on one endpoint each, until every script is content; the verdict is the ledger's."""

from __future__ import annotations

import os
import random
import tempfile
import threading
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from unittest.mock import patch

from batch_helpers.engines.aws import rivals
from tests.faults.driver import MOST_STARTS, Driver
from tests.faults.ledger import Ledger
from tests.faults.line import Line
from tests.faults.scenario import Scenario, scenario
from tests.faults.service import Endpoint
from tests.faults.stage import Stage

_MEMORY = "/dev/shm"
_DRAINED = 3600.0
_lines: list[Line] = []


@dataclass(frozen=True)
class Verdict:
    """What became of one seed. text: what it stood for. trace: all that happened, to compare two runs of one seed;
    story: the same for people."""

    seed: int
    text: str
    violations: tuple[str, ...]
    codes: tuple[tuple[int, ...], ...]
    requests: Counter[str]
    seconds: float
    trace: tuple[object, ...]
    story: tuple[str, ...]


def run(given: Scenario) -> Verdict:
    """One run: the same every time, but for what Python itself leaves to chance (PYTHONHASHSEED)."""
    place = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as directory, _seeded(given.seed):
        return _Run(given, directory).verdict()


def run_seed(seed: int) -> Verdict:
    """The run that a seed stands for."""
    return run(scenario(seed))


def campaign(seeds: Sequence[int], processes: int = 1) -> Iterator[Verdict]:
    """The verdicts of these seeds, in order."""
    if processes < 2 or len(seeds) == 1:
        yield from map(run_seed, seeds)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(run_seed, seeds, chunksize=5)


class _Run:
    def __init__(self, given: Scenario, directory: str) -> None:
        self._given, self._ledger = given, Ledger(given)
        self._stage = Stage(1.0, lambda: self._endpoint.due(), lambda: self._endpoint.settle())
        self._endpoint = Endpoint(directory, given, self._ledger, lambda: self._stage.now, self._may_start)
        while len(_lines) < given.drivers:
            _lines.append(Line())
        self._drivers = [
            Driver(number, given, self._stage, self._endpoint, self._ledger, _lines[number])
            for number in range(given.drivers)
        ]

    def verdict(self) -> Verdict:
        try:
            self._perform()
            self._drain()
        finally:
            self._endpoint.close()
        ledger = self._ledger
        works = tuple(
            (name, work.began, work.ended, work.good) for name, found in ledger.works.items() for work in found
        )
        codes = tuple(tuple(driver.codes) for driver in self._drivers)
        trace = (works, codes, tuple(sorted(self._endpoint.counters.requests.items())), self._stage.now)
        return Verdict(
            self._given.seed, str(self._given), tuple(ledger.violations), codes,
            self._endpoint.counters.requests, self._stage.now, trace, tuple(ledger.story),
        )  # fmt: skip

    def _perform(self) -> None:
        delays = random.Random(self._given.seed)
        for driver in self._drivers:
            self._stage.enter(driver.number, delays.choice((0.0, 0.2, 3.0)) * delays.random())
        threads = [threading.Thread(target=driver.perform) for driver in self._drivers]
        for thread in threads:
            thread.start()
        self._stage.begin()
        for thread in threads:
            thread.join()

    def _drain(self) -> None:
        """Everybody has left: let what runs end, and see what there is."""
        ledger = self._ledger
        self._endpoint.reveal()
        self._stage.run_to(self._stage.now + _DRAINED)
        for driver in self._drivers:
            if len(driver.codes) >= MOST_STARTS:
                ledger.accuse(self._stage.now, f"driver {driver.number} is never content: {driver.codes}")
        lost = [job.name for job in self._given.jobs if not ledger.done(job) and not ledger.excused(job)]
        if lost:
            ledger.accuse(self._stage.now, f"never made: {', '.join(lost)}")
        if self._endpoint.due() is not None:
            ledger.accuse(self._stage.now, "jobs are still active an hour after the last script")

    def _may_start(self, alike: Sequence[str], since: float) -> bool:
        """In a patient queue jobs wait for longer than listings lag, and until every script has looked since."""
        if not self._given.patient:
            return True
        since = max(since, *map(self._endpoint.visible_since, alike))
        return since <= self._stage.now and all(driver.looked(since, twin=len(alike) > 1) for driver in self._drivers)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """What is left to chance (jitter, ids) comes from the seed as well; what scripts tell a person goes nowhere.

    Scripts look around for rivals every few submissions, because they have only a few jobs.
    """
    random.seed(seed)
    ids = random.Random(seed)
    made = patch.object(uuid, "uuid4", lambda: uuid.UUID(int=ids.getrandbits(128), version=4))
    early, stride = patch.object(rivals, "EARLY", ids.randint(1, 3)), patch.object(rivals, "STRIDE", 3)
    with made, early, stride, patch("batch_helpers.helper._say", lambda text: None):
        yield


def totals(verdicts: Sequence[Verdict]) -> str:
    """A line for people."""
    calls = sum((verdict.requests for verdict in verdicts), Counter[str]())
    codes = Counter(code for verdict in verdicts for some in verdict.codes for code in some)
    return (
        f"{len(verdicts)} runs, {calls.total():,} Batch calls ({calls['SubmitJob']:,} SubmitJob); "
        f"scripts ended: {codes[0]} well, {codes[1]} with failures, {codes[-1]} with an error, {codes[-9]} killed"
    )
