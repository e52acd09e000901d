"""As whom: credentials of azure-identity, from our settings rather than from what it reads by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batch_helpers.azure_client.settings import AzureSettings
from batch_helpers.errors import MissingExtra

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

METHODS = ("auto", "service_principal", "managed_identity", "workload_identity", "shared_key")


def token_credential(method: str, settings: AzureSettings) -> TokenCredential:
    """The credential of a method; makes no call. `auto` is a service principal whose secret is known, or else
    DefaultAzureCredential: https://learn.microsoft.com/python/api/azure-identity/azure.identity.defaultazurecredential

    Raises CredentialsError that names the variable which is missing.
    """
    try:
        import azure.identity as identity
    except ImportError as exc:
        raise MissingExtra("signing in to Azure", "azure") from exc
    known = settings.tenant_id and settings.client_id and settings.client_secret
    if method == "service_principal" or (method == "auto" and known):
        doing = "sign in as a service principal"
        return identity.ClientSecretCredential(
            settings.require("tenant_id", doing),
            settings.require("client_id", doing),
            settings.require("client_secret", doing),
        )
    if method == "workload_identity":
        doing = "sign in by workload identity"
        return identity.WorkloadIdentityCredential(
            tenant_id=settings.require("tenant_id", doing),
            client_id=settings.require("client_id", doing),
            token_file_path=settings.require("federated_token_file", doing),
        )
    if method == "managed_identity":
        return identity.ManagedIdentityCredential(client_id=settings.client_id)
    return identity.DefaultAzureCredential(
        managed_identity_client_id=settings.client_id, workload_identity_client_id=settings.client_id
    )
