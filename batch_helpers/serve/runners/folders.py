"""The folders that jobs run in, and the files that their logs are in."""

from __future__ import annotations

import glob
import os
import shutil
from contextlib import suppress

from batch_helpers.engines.local.logs import LOGS, log_path

WORK = "work"


class Folders:
    """Below the directory of an endpoint: a folder for each job that has not succeeded, and a log for each attempt."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        for name in (LOGS, WORK):
            os.makedirs(os.path.join(directory, name), exist_ok=True)

    def path(self, job_id: str) -> str:
        """The folder of a job."""
        return os.path.join(self._directory, WORK, job_id)

    def log(self, job_id: str, attempt: int) -> str:
        """The log of an attempt."""
        return log_path(self._directory, job_id, attempt)

    def container_log(self, job_id: str, attempt: int, container: str) -> str:
        """The log of one of several containers of an attempt."""
        return f"{self.log(job_id, attempt).removesuffix('.log')}-{container}.log"

    def make(self, job_id: str) -> None:
        """Make a job's folder, empty."""
        self.remove(job_id)
        os.makedirs(self.path(job_id), exist_ok=True)

    def remove(self, job_id: str) -> None:
        shutil.rmtree(self.path(job_id), ignore_errors=True)

    def forget(self, job_id: str) -> None:
        """Remove a job's folder and its logs."""
        self.remove(job_id)
        for path in glob.glob(os.path.join(self._directory, LOGS, f"{glob.escape(job_id)}-*.log")):
            with suppress(FileNotFoundError):
                os.remove(path)
