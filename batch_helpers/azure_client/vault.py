"""A secret from a key vault: https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batch_helpers.azure_client.errors import azure_errors
from batch_helpers.azure_client.pipeline import options

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

_SCOPE = "https://vault.azure.net/.default"
_VERSION = "7.4"


def secret(vault: str, name: str, credential: TokenCredential) -> str:
    """The value of a secret. vault: a key vault's name, or its URL."""
    from azure.core import PipelineClient
    from azure.core.pipeline.policies import BearerTokenCredentialPolicy, RetryPolicy
    from azure.core.rest import HttpRequest

    url = vault if "://" in vault else f"https://{vault}.vault.azure.net"
    with azure_errors(f"read secret {name!r} of key vault {vault!r}"):
        policies = [RetryPolicy(), BearerTokenCredentialPolicy(credential, _SCOPE)]
        client: Any = PipelineClient(url, policies=policies, **options(url))
        answer = client.send_request(HttpRequest("GET", f"{url}/secrets/{name}", params={"api-version": _VERSION}))
        answer.raise_for_status()
        value: str = answer.json()["value"]
        return value
