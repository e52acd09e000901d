"""What has been asked of an endpoint since it started."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Counters:
    """requests: how many came in, by operation; errors: answers other than 200; submits: accepted jobs, by name."""

    requests: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    submits: Counter[str] = field(default_factory=Counter)

    def to_json(self) -> dict[str, Any]:
        return {"requests": self.requests, "errors": self.errors, "submits": self.submits}


def counters_from(value: Mapping[str, Mapping[str, int]]) -> Counters:
    """Counters from their JSON."""
    return Counters(Counter(value["requests"]), Counter(value["errors"]), Counter(value["submits"]))
