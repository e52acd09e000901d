"""The embedded engine: jobs are processes of this machine, run by a detached supervisor over one SQLite file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from batch_helpers.engines.local.engine import LocalEngine

__all__ = ["LocalEngine"]


def __getattr__(name: str) -> Any:
    """Load the engine's face when it is asked for: the supervisor lives in this room too, and does without it."""
    if name != "LocalEngine":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from batch_helpers.engines.local.engine import LocalEngine

    return LocalEngine
