"""Processes: starting one in a group of its own, ending the group, and hearing at once of those that have ended."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

NOT_EXECUTABLE, NOT_FOUND = 126, 127
"""Exit codes of commands that cannot be started, as shells give them."""

_MIB_IN_MAXRSS = 1 << (20 if os.uname().sysname == "Darwin" else 10)
# What Python or a parent has chosen to ignore must not be ignored in jobs: `yes | head` ends by SIGPIPE.
_DEFAULTS = tuple(signal.Signals[name] for name in ("SIGPIPE", "SIGXFSZ", "SIGINT", "SIGQUIT", "SIGHUP", "SIGTERM"))


class Exit(NamedTuple):
    """A child that has ended; `code` is 128 + n for one that died of signal n, `peak_memory` is in MiB."""

    pid: int
    code: int
    peak_memory: int


class CannotStart(Exception):
    """A command that cannot be started; `code` is the exit code that a shell would give."""

    def __init__(self, problem: str, code: int = NOT_EXECUTABLE) -> None:
        self.code = code
        super().__init__(problem)


def spawn(
    command: list[str], environment: Mapping[str, str], directory: str, output: int, *, group: int | None = 0
) -> int:
    """Start a command with stdout and stderr to the open file `output`; its pid.

    group: the process group, 0 for one of its own, None for that of this process.

    The current directory of this process becomes `directory`: posix_spawn is several times cheaper than a fork, and
    knows no other way. Raises CannotStart.
    """
    try:
        os.chdir(directory)
    except OSError as exc:
        raise CannotStart(f"working directory {directory}: {exc.strerror}") from exc
    program = _program(command[0], environment.get("PATH", os.defpath))
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, output, 1),
        (os.POSIX_SPAWN_DUP2, output, 2),
    ]
    own: dict[str, Any] = {} if group is None else {"setpgroup": group}
    try:
        return os.posix_spawn(
            program, command, environment, file_actions=actions, setsigmask=(), setsigdef=_DEFAULTS, **own
        )
    except FileNotFoundError as exc:
        raise CannotStart(f"{command[0]}: command not found", NOT_FOUND) from exc
    except (OSError, ValueError) as exc:
        raise CannotStart(f"{command[0]}: {getattr(exc, 'strerror', None) or exc}") from exc


def kill_group(pid: int, number: int) -> bool:
    """Send a signal to a process group; False when nobody is left in it."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody is, who has changed to another user
        return True
    return True


def group_runs(pid: int) -> bool:
    """Whether anybody in a process group still runs. Zombies do not, however long their parent lets them lie."""
    import psutil

    return kill_group(pid, 0) and any(_runs_in(pid, item) for item in psutil.pids())


def reap() -> Iterator[Exit]:
    """Every child that has ended since the last time."""
    while True:
        try:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        code = os.waitstatus_to_exitcode(status)
        yield Exit(pid, 128 - code if code < 0 else code, usage.ru_maxrss // _MIB_IN_MAXRSS)


def created_at(pid: int) -> float | None:
    """When a process was created, in seconds since the epoch: with the pid, what tells it from any later process."""
    import psutil

    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def _runs_in(group: int, pid: int) -> bool:
    import psutil

    try:
        return os.getpgid(pid) == group and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except (OSError, psutil.Error):
        return False


class Alarm:
    """Wakes up when a child ends. One for each process: it takes over SIGCHLD."""

    def __init__(self) -> None:
        self._read, write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(write, False)
        signal.signal(signal.SIGCHLD, _wake)
        signal.signal(signal.SIGIO, _wake)  # sent when someone opens a file on which SpareLogs holds its lease
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        self._poll = select.poll()
        self._poll.register(self._read, select.POLLIN)

    def wait(self, seconds: float) -> None:
        """Return when a child has ended since the last call, or after `seconds`."""
        if self._poll.poll(seconds * 1000):
            os.read(self._read, 4096)


def _wake(*_: object) -> None:
    """A handler must exist for the wakeup file to be written."""


def _program(name: str, path: str) -> str:
    """Where PATH has a command, as it is where nothing is found: starting it then says what is wrong."""
    if "/" in name:
        return name
    for folder in path.split(os.pathsep):
        candidate = f"{folder or '.'}/{name}"
        if os.access(candidate, os.X_OK) and not os.path.isdir(candidate):
            return candidate
    raise CannotStart(f"{name}: command not found", NOT_FOUND)
