"""The settings of this call, read when a command runs and not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from batch_helpers.settings import Settings

PROFILE = "config_profile"
"""The parameter of `batch-helpers` itself that names a profile of the settings."""


def configured() -> Settings:
    """The settings that hold. Raises InvalidInput."""
    from batch_helpers.settings import Settings

    context = click.get_current_context(silent=True)
    return Settings.load(context.find_root().params.get(PROFILE) if context else None)
