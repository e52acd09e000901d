"""The section about peers in benchmarks/RESULTS.md."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

RESULTS = Path(__file__).parents[1] / "RESULTS.md"


def section(jobs: int, stamp: str, table: str, verdicts: Sequence[str]) -> str:
    """One section, for one number of jobs."""
    verdict = "\n".join(f"- {line}" for line in verdicts)
    return f"## Peers, {jobs} jobs\n\n{stamp}\n\n{table}\n\n{verdict}\n"


def write(text: str) -> None:
    """Put a section into the file, instead of an earlier one with the same heading."""
    heading = text.partition("\n")[0]
    there = RESULTS.read_text() if RESULTS.exists() else "# Results\n"
    earlier = re.compile(rf"^{re.escape(heading)}\n.*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)
    kept = earlier.sub("", there)
    RESULTS.write_text(f"{kept.rstrip()}\n\n{text}")
