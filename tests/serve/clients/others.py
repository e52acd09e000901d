"""Running clients of AWS Batch that others have written."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
WANTED_IN_CI = ("awscli", "redun", "ezbatch", "luigi")
_SECONDS = 110


def installed(name: str) -> Path:
    """The programs of a client; without them the test is skipped, and fails in CI for those that CI installs."""
    programs = ROOT / ".tools/clients" / name / "bin"
    if not (programs.parent / "installed").exists():
        message = f"{name} is not installed: tests/serve/clients/install {name}"
        if os.environ.get("CI") and name in WANTED_IN_CI:
            pytest.fail(message)
        pytest.skip(message)
    return programs


def run(
    command: list[str], environment: dict[str, str], place: Path, *, good: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder; that it ends as expected is part of the test."""
    done = subprocess.run(
        command, env=environment, cwd=place, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    assert (done.returncode == 0) is good, f"{command}\n{done.stdout}\n{done.stderr}"
    return done
