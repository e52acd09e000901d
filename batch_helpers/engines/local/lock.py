"""The lock that says who runs the jobs of a directory: an flock, so that it ends with its holder, however that ends."""

from __future__ import annotations

import fcntl
import os

from batch_helpers.errors import ServiceError

LOCK = "supervisor.lock"


class SupervisorLock:
    """Held by the supervisor of a directory, or for moments by whoever starts one or cleans up after one."""

    def __init__(self, directory: str) -> None:
        self.path = os.path.join(directory, LOCK)
        self._file: int | None = None

    def acquire(self) -> bool:
        """Take the lock; False when somebody else has it."""
        while True:
            file = self._open()
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
                return False
            self._file = file
            if self.still_ours():
                return True
            self.release()

    def adopt(self, file: int) -> None:
        """Go on with a lock that was taken for us by the process that started us; our own children do not get it."""
        os.set_inheritable(file, False)
        self._file = file

    def share(self) -> int:
        """The open file to be inherited by a process that adopts the lock."""
        assert self._file is not None
        return self._file

    def let_go(self) -> None:
        """Forget the lock without opening it: whoever has adopted it holds it now."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def release(self) -> None:
        """Open the lock for others; nothing happens when it is not held."""
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)  # closing would not do where a fork has a copy of the file
            self.let_go()

    def sign(self) -> None:
        """Write our pid into the file, for people and for messages."""
        assert self._file is not None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def still_ours(self) -> bool:
        """Whether the file that we hold is still the one at the path."""
        if self._file is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._file), os.stat(self.path))
        except FileNotFoundError:
            return False

    def holder(self) -> int | None:
        """The pid of the supervisor that has signed last, whether it is alive or not."""
        try:
            with open(self.path, encoding="ascii") as file:
                return int(file.read())
        except (OSError, ValueError):
            return None

    def _open(self) -> int:
        try:
            return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise ServiceError(f"{self.path}: {exc.strerror}: check the permissions of it and its directory") from exc
