"""What is wrong with a file, told in one error instead of one by one."""

from __future__ import annotations

import os
from typing import TypeAlias

from batch_helpers.errors import InvalidSamples

Problem: TypeAlias = tuple[int, str]
"""A line of the file, as an editor counts them, and what is wrong there."""

MOST_PROBLEMS = 10


def refused(path: str | os.PathLike[str], problems: list[Problem]) -> InvalidSamples:
    """The error that tells the first problems of a file, in the order of their lines."""
    lines = [f"line {line}: {text}" for line, text in sorted(problems, key=lambda problem: problem[0])]
    if len(lines) == 1:
        return InvalidSamples(f"{path}, {lines[0]}")
    shown = [f"  {line}" for line in lines[:MOST_PROBLEMS]]
    if len(lines) > MOST_PROBLEMS:
        shown.append(f"  … and {len(lines) - MOST_PROBLEMS} more")
    return InvalidSamples("\n".join([f"{path} has {len(lines)} problems:", *shown]))
