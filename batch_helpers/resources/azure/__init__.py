"""Pools of Azure Batch, by Azure's resource manager."""

from __future__ import annotations

from batch_helpers.resources.azure.pools import PoolManager
from batch_helpers.resources.azure.spec import Mount, PoolSpec

__all__ = ["Mount", "PoolManager", "PoolSpec"]
