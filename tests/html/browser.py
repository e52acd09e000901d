"""A real browser: Chromium without a window."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--enable-logging=stderr",
)  # fmt: skip


def chromium() -> str:
    """The browser's path; without one the test is skipped, and fails where CI is set."""
    found = next((path for path in map(shutil.which, _NAMES) if path), None)
    if found is None:
        message = "no Chromium here: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


def browse(*options: str) -> tuple[str, str]:
    """Run the browser once in a profile of its own; what it wrote to stdout, and what pages said on their console."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        done = subprocess.run(
            [chromium(), *_FLAGS, f"--user-data-dir={profile}", *options],
            capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip
    console = "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)
    return done.stdout, console


def opened(page: Path) -> tuple[str, str]:
    """The page's document after its scripts have run, and its console."""
    return browse("--dump-dom", "--virtual-time-budget=3000", page.as_uri())


def screenshot(page: Path, picture: Path, *, dark: bool, height: int = 2400) -> bytes:
    """How the page looks."""
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    browse(
        scheme, f"--window-size=1120,{height}", "--virtual-time-budget=3000", f"--screenshot={picture}", page.as_uri()
    )
    return picture.read_bytes()
