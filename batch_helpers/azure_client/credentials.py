"""As whom: credentials of azure-identity, from our settings rather than from what it reads by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batch_helpers.azure_client.settings import AzureSettings
from batch_helpers.azure_client.vault import secret
from batch_helpers.errors import MissingExtra

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

METHODS = ("auto", "service_principal", "managed_identity", "workload_identity", "shared_key")


def token_credential(method: str, settings: AzureSettings) -> TokenCredential:
    """The credential of a method. `auto` is a service principal whose secret is known, or else
    DefaultAzureCredential: https://learn.microsoft.com/python/api/azure-identity/azure.identity.defaultazurecredential

    Makes no call, but for a service principal whose secret is in a key vault. Raises CredentialsError that names the
    variable which is missing.
    """
    try:
        import azure.identity as identity
    except ImportError as exc:
        raise MissingExtra("signing in to Azure", "azure") from exc
    known = settings.tenant_id and settings.client_id and settings.client_secret
    if method == "service_principal" or (method == "auto" and known):
        return _service_principal(settings)
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


def _service_principal(settings: AzureSettings) -> TokenCredential:
    import azure.identity as identity

    doing = "sign in as a service principal"
    tenant, client = settings.require("tenant_id", doing), settings.require("client_id", doing)
    password = settings.client_secret
    if password is None and settings.keyvault and settings.keyvault_secret:
        # Of our own name there may be no identity on this machine: whoever is signed in reads the vault.
        password = secret(settings.keyvault, settings.keyvault_secret, identity.DefaultAzureCredential())
    return identity.ClientSecretCredential(tenant, client, password or settings.require("client_secret", doing))
