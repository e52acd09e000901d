"""Starting the supervisor of a directory, and noticing that it has died."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from batch_helpers.engines.local.database import Database
from batch_helpers.engines.local.lock import SupervisorLock
from batch_helpers.engines.local.recovery import recover
from batch_helpers.errors import ServiceError

LOG = "supervisor.log"

_STARTS = 3

# Without site-packages and their .pth files Python starts three times as fast; the path is passed on as it is here.
_BOOT = """
import sys
sys.path[:] = sys.argv[3:]
from batch_helpers.engines.local.supervisor import main
main(sys.argv[1:3])
"""


def see_to_it(database: Database) -> bool:
    """See that somebody runs what there is to run; whether jobs of a dead supervisor had to be settled.

    Work without a supervisor means that it has died, or is yet to be started: its jobs are settled, and a new one takes
    over the lock. Safe to be called by many at once. ServiceError: it cannot be started, or old processes not killed.
    """
    lock, settled = SupervisorLock(database.directory), False
    for _ in range(_STARTS):
        if not database.has_work() or not lock.acquire():
            return settled
        with _released(lock):
            settled |= recover(database)
            process = _start(database.directory, lock) if database.has_work() else None
        if process is not None:
            process.wait()
    log = os.path.join(database.directory, LOG)
    raise ServiceError(f"the supervisor of {database.directory} ends as soon as it is started: see {log}")


@contextmanager
def on_its_way(database: Database) -> Iterator[None]:
    """Around a submission: a supervisor that is not there starts meanwhile, after what a dead one left is settled."""
    lock, process = SupervisorLock(database.directory), None
    if lock.acquire():
        with _released(lock):
            recover(database)
            process = _start(database.directory, lock)
    try:
        yield
    finally:
        if process is not None:
            process.wait()


@contextmanager
def _released(lock: SupervisorLock) -> Iterator[None]:
    try:
        yield
    finally:
        lock.release()


def _start(directory: str, lock: SupervisorLock) -> subprocess.Popen[bytes]:
    """Start a supervisor that goes on with our lock, so that there is no moment in which nobody has it.

    The process that is returned ends with 0 as soon as the supervisor is on its own.
    """
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_BATCH_")}
    file = lock.share()
    command = [sys.executable, "-I", "-S", "-c", _BOOT, directory, str(file), *_path()]
    try:
        with open(os.path.join(directory, LOG), "ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(file,),
                start_new_session=True,
                cwd="/",
                env=environment,
            )
    except OSError as exc:
        raise ServiceError(f"the supervisor of {directory} cannot be started: {exc}") from exc
    lock.let_go()
    return process


def _path() -> list[str]:
    """Where this process finds its modules, this package among them however it was installed."""
    root = os.path.abspath(__file__)
    for _ in __name__.split("."):
        root = os.path.dirname(root)
    return [os.path.abspath(item) for item in dict.fromkeys([*sys.path, root])]
