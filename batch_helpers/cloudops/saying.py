"""What a person should know, told on stderr."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    sys.stderr.write(f"batch_helpers: {text}\n")
