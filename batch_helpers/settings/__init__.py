"""Settings of a person or a project, in one file that is read when it is needed and never written."""

from __future__ import annotations

from batch_helpers.settings.settings import FOR_AWS, Setting, Settings, config_path

__all__ = ["FOR_AWS", "Setting", "Settings", "config_path"]
