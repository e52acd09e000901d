"""Outputs in Azure Blob Storage."""

from __future__ import annotations

from batch_helpers.stores.azure.store import AzureStore

__all__ = ["AzureStore"]
