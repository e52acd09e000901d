"""How long an attempt may run."""

from __future__ import annotations

import json


def timeout_of(document: str) -> float | None:
    """The seconds that a specification, as JSON, gives to each attempt; None is as long as it takes."""
    if '"timeout"' not in document:
        return None
    seconds: float | None = json.loads(document).get("timeout", {}).get("attemptDurationSeconds")
    return seconds
