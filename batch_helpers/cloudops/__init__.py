"""Pools, jobs and tasks, as public-health modellers know them: on Azure Batch, or on a laptop."""

from __future__ import annotations

from batch_helpers.cloudops.client import CloudClient
from batch_helpers.cloudops.dag import Task

__all__ = ["CloudClient", "Task"]
