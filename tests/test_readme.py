"""The README's first screen is true: its script runs, runs again for nothing, and is fifteen lines."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.slow


def script() -> str:
    return re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[0]


@pytest.mark.timeout(300)
def test_the_first_script_of_the_readme_runs_twice(tmp_path: Path) -> None:
    for name in ("samples.csv", "workflows"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    (tmp_path / "script.py").write_text(script())
    said = [
        subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert "0 skipped, 0 reused, 101 submitted: 101 succeeded, 0 failed" in said[0]
    assert said[1].splitlines()[-1] == "all 101 jobs skipped: their outputs exist; nothing was submitted"
    assert said[1].strip() in (ROOT / "README.md").read_text()


def test_it_is_fifteen_lines() -> None:
    assert len([line for line in script().splitlines() if line.strip()]) <= 15
