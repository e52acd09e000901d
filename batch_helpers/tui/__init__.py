"""A terminal application to see runs and queues, look into jobs, cancel and retry them. Needs the extra `tui`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from batch_helpers.tui.app import Interactive
    from batch_helpers.tui.sources import Source

__all__ = ["Interactive", "Source"]

_HOMES = {"Interactive": "app", "Source": "sources"}


def __getattr__(name: str) -> Any:
    """Load textual only with the application: sources and rows do without it."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
