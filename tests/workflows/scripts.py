"""Runs the scripts of workflows/ as a user does: as processes, in a folder of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

ROOT = Path(__file__).parents[2]
_SUMMARY = re.compile(r"(\d+) skipped, (\d+) reused, (\d+) submitted: (\d+) succeeded, (\d+) failed")


@dataclass(frozen=True)
class Ended:
    """What a script left: `counts` are its skipped, reused, submitted, succeeded and failed jobs."""

    code: int
    stdout: str
    stderr: str

    @property
    def counts(self) -> tuple[int, ...]:
        if match := re.search(r"all (\d+) jobs skipped", self.stdout):
            return int(match[1]), 0, 0, 0, 0
        match = _SUMMARY.search(self.stdout)
        assert match, f"no summary in: {self.stdout}{self.stderr}"
        return tuple(map(int, match.groups()))


@dataclass(frozen=True)
class Script:
    name: str
    folder: Path
    environment: dict[str, str]

    @contextmanager
    def started(self, *arguments: str, patience: float = 90) -> Iterator[subprocess.Popen[str]]:
        """The running script; it is killed at the end, and after `patience` seconds at the latest."""
        process = subprocess.Popen(
            [sys.executable, ROOT / "workflows" / self.name, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        watchdog = Timer(patience, process.kill)
        watchdog.start()
        with process:
            try:
                yield process
            finally:
                watchdog.cancel()
                process.kill()

    def run(self, *arguments: str) -> Ended:
        with self.started(*arguments) as process:
            stdout, stderr = process.communicate()
            return Ended(process.returncode, stdout, stderr)


def script(name: str, folder: Path, **environment: str) -> Script:
    """A script of workflows/ that sees nothing of this machine's AWS set-up but what is given."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    nowhere = str(folder / "nowhere")
    quiet = {"AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere, "AWS_EC2_METADATA_DISABLED": "true"}
    return Script(name, folder, {**own, **quiet, **environment})
