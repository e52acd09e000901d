"""One endpoint for each directory: a lock that ends with its holder, and says who that is."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import suppress

from batch_helpers.errors import ServiceError

LOCK = "serve.lock"


class Claim:
    """The right to serve a directory. Raises ServiceError when somebody else has it, or nobody can."""

    def __init__(self, directory: str) -> None:
        try:
            os.makedirs(directory, exist_ok=True)
            self._file = os.open(os.path.join(directory, LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise ServiceError(f"{directory}: {exc.strerror}: choose a directory that can be written") from exc
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            holder = self._holder()
            os.close(self._file)
            raise ServiceError(
                f"{directory} is served already{holder}: use that endpoint, stop it, or choose another directory"
            ) from exc

    def sign(self, url: str) -> None:
        """Write down who holds it, and where the endpoint is."""
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, json.dumps({"pid": os.getpid(), "url": url}).encode(), 0)

    def release(self) -> None:
        os.close(self._file)

    def _holder(self) -> str:
        with suppress(ValueError, TypeError, KeyError):
            signed = json.loads(os.pread(self._file, 4096, 0))
            return f" by process {signed['pid']} at {signed['url']}"
        return " by another process"
