"""How Azure is reached: settings, credentials, clients, and the one place where its SDKs' errors become ours."""

from __future__ import annotations

from batch_helpers.azure_client.access import AzureAccess
from batch_helpers.azure_client.errors import azure_code, azure_errors
from batch_helpers.azure_client.settings import AzureSettings

__all__ = ["AzureAccess", "AzureSettings", "azure_code", "azure_errors"]
