"""benchmarks/RESULTS.md: a section for each benchmark, written by what measured it."""

from __future__ import annotations

import os
import platform
import re
from datetime import date
from pathlib import Path

RESULTS = Path(__file__).parent / "RESULTS.md"


def stamp(command: str) -> str:
    """What made a section, on which machine and when."""
    return f"`{command}`, {_machine()}, {date.today().isoformat()}"


def write(text: str) -> None:
    """Put a section into the file, instead of an earlier one with the same heading."""
    heading = text.partition("\n")[0]
    there = RESULTS.read_text() if RESULTS.exists() else "# Results\n"
    earlier = re.compile(rf"^{re.escape(heading)}\n.*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)
    kept = earlier.sub("", there)
    RESULTS.write_text(f"{kept.rstrip()}\n\n{text}")


def _machine() -> str:
    described = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.*)", described.read_text()) if described.exists() else None
    return f"{os.cpu_count()} cores ({model[1] if model else platform.machine()})"
