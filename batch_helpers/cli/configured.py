"""The settings of this call, read when a command runs and not before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from batch_helpers.settings import Settings

PROFILE = "config_profile"
"""The parameter of `batch-helpers` itself that names a profile of the settings."""

_ROLES = {"execution_role_arn": "executionRoleArn", "task_role_arn": "taskRoleArn"}


def configured() -> Settings:
    """The settings that hold. Raises InvalidInput."""
    from batch_helpers.settings import Settings

    context = click.get_current_context(silent=True)
    return Settings.load(context.find_root().params.get(PROFILE) if context else None)


def with_roles(given: Mapping[str, str | None]) -> dict[str, str | None]:
    """The roles of jobs, as EZBatchWorkflow.submit takes them: as they are given, or else as the settings say."""
    settings = configured()
    return {name: settings.first(setting, given.get(name)) for name, setting in _ROLES.items()}
