"""The detached process that runs the jobs of a directory: `python -m batch_helpers.engines.local.supervisor DIR`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

from batch_helpers.engines.local import processes
from batch_helpers.engines.local.crew import Crew, Spawn
from batch_helpers.engines.local.database import Database
from batch_helpers.engines.local.lock import SupervisorLock
from batch_helpers.engines.local.recovery import recover
from batch_helpers.engines.local.shift import Shift
from batch_helpers.errors import ServiceError

IDLE = 2.0
"""Seconds without work after which the supervisor leaves."""

PATIENCE = 600.0
"""Seconds for which a state that cannot be written, on a full disk for example, is tried again."""

_RETRY = _CHECK = 1.0


class Supervisor:
    """Runs jobs while it holds the lock of a directory. `spawn` starts a process, see processes.spawn."""

    def __init__(self, directory: str, lock: SupervisorLock, spawn: Spawn = processes.spawn) -> None:
        self._lock = lock
        self._database = Database(directory, durable=False)
        self._crew = Crew(directory, spawn)
        self._alarm = processes.Alarm()
        self._checked = time.monotonic()

    def run(self) -> None:
        """Run what there is, until there has been nothing for a while. The lock is held when this is called.

        Work that came while the lock was being opened is seen by looking once more, unless somebody else has taken it.
        """
        while True:
            self._lock.sign()
            recover(self._database)
            self._work()
            self._lock.release()
            if not (self._database.usable and self._database.has_work() and self._lock.acquire()):
                return

    def _work(self) -> None:
        shift = Shift(self._database, self._crew, self._alarm)
        worked = now = time.monotonic()
        while now - worked < IDLE:
            self._turn(shift)
            shift.pause()
            now = time.monotonic()
            if not shift.idle:
                worked = now
            if self._is_obsolete(now):
                say("the directory was removed or replaced: its jobs are killed")
                self._crew.abandon()
                return

    def _turn(self, shift: Shift) -> None:
        started = time.monotonic()
        while True:
            try:
                shift.turn()
                return
            except ServiceError as exc:
                say(str(exc))
                if not self._database.usable or time.monotonic() - started > PATIENCE:
                    self._crew.abandon()
                    raise
            time.sleep(_RETRY)

    def _is_obsolete(self, now: float) -> bool:
        """Whether others cannot see us any more: they would run the same jobs beside us."""
        if now - self._checked < _CHECK:
            return False
        self._checked = now
        return not (self._database.usable and self._lock.still_ours())


def say(text: str) -> None:
    """One line for supervisor.log."""
    sys.stderr.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} supervisor {os.getpid()}: {text}\n")
    sys.stderr.flush()


def main(arguments: Sequence[str]) -> int:
    """Run the jobs of a directory; with a second argument, the open file of its lock, in the background."""
    directory = os.path.abspath(arguments[0])
    lock = SupervisorLock(directory)
    if len(arguments) > 1:
        lock.adopt(int(arguments[1]))
        if os.fork():  # whoever started us waits for this process, and has no child left over
            os._exit(0)
    elif not lock.acquire():
        say(f"{directory} has a supervisor already: {lock.holder()}")
        return 0
    Supervisor(directory, lock).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
