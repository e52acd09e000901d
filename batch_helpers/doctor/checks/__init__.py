"""The checks: pure, over Facts. Each is one small function that says one line."""

from batch_helpers.doctor.checks.every import every_check

__all__ = ["every_check"]
