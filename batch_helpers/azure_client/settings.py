"""Which account, where, and as whom: from arguments, the environment, and a `.env` file, in this order."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from batch_helpers.errors import CredentialsError, InvalidInput, MissingExtra

VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "batch_account": "AZURE_BATCH_ACCOUNT",
        "batch_location": "AZURE_BATCH_LOCATION",
        "batch_endpoint": "AZURE_BATCH_ENDPOINT",
        "batch_key": "AZURE_BATCH_ACCESS_KEY",
        "subscription_id": "AZURE_SUBSCRIPTION_ID",
        "resource_group": "AZURE_RESOURCE_GROUP_NAME",
        "management_endpoint": "AZURE_RESOURCE_MANAGER_ENDPOINT",
        "tenant_id": "AZURE_TENANT_ID",
        "client_id": "AZURE_CLIENT_ID",
        "client_secret": "AZURE_CLIENT_SECRET",
        "federated_token_file": "AZURE_FEDERATED_TOKEN_FILE",
        "keyvault": "AZURE_KEYVAULT_NAME",
        "keyvault_secret": "AZURE_KEYVAULT_SP_SECRET_ID",
        "storage_account": "AZURE_BLOB_STORAGE_ACCOUNT",
        "storage_endpoint": "AZURE_BLOB_STORAGE_ENDPOINT",
        "storage_key": "AZURE_STORAGE_KEY",
        "connection_string": "AZURE_STORAGE_CONNECTION_STRING",
        "identity": "AZURE_USER_ASSIGNED_IDENTITY",
        "subnet": "AZURE_SUBNET_ID",
        "registry": "AZURE_CONTAINER_REGISTRY_ACCOUNT",
    }
)
"""Settings by the names of environment variables that hold them."""

_SECRET = frozenset({"batch_key", "client_secret", "storage_key", "connection_string"})


@dataclass(frozen=True, slots=True, repr=False)
class AzureSettings:
    """An Azure set-up. Endpoints are URLs, `identity` and `subnet` are resource ids; None is not set."""

    batch_account: str | None = None
    batch_location: str | None = None
    batch_endpoint: str | None = None
    batch_key: str | None = None
    subscription_id: str | None = None
    resource_group: str | None = None
    management_endpoint: str | None = None
    tenant_id: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    federated_token_file: str | None = None
    keyvault: str | None = None
    keyvault_secret: str | None = None
    storage_account: str | None = None
    storage_endpoint: str | None = None
    storage_key: str | None = None
    connection_string: str | None = None
    identity: str | None = None
    subnet: str | None = None
    registry: str | None = None

    def __repr__(self) -> str:
        """Secrets are not shown."""
        shown = {item.name: getattr(self, item.name) for item in fields(self) if getattr(self, item.name)}
        texts = (f"{name}={'…' if name in _SECRET else repr(value)}" for name, value in shown.items())
        return f"AzureSettings({', '.join(texts)})"

    def require(self, name: str, doing: str) -> str:
        """The value of a setting that `doing` cannot do without; CredentialsError names what was looked at."""
        value: str | None = getattr(self, name)
        if not value:
            raise CredentialsError(
                f"could not {doing}: {name} is not known; looked at {VARIABLES[name]} in the environment and in .env: "
                f"set it, or give {name}="
            )
        return value

    @property
    def batch_url(self) -> str:
        """The endpoint of the Batch account."""
        if self.batch_endpoint:
            return self.batch_endpoint if "://" in self.batch_endpoint else f"https://{self.batch_endpoint}"
        doing = "reach Azure Batch (AZURE_BATCH_ENDPOINT is not set either)"
        account, location = self.require("batch_account", doing), self.require("batch_location", doing)
        return f"https://{account}.{location}.batch.azure.com"


def read_settings(
    given: Mapping[str, str | None], dotenv_path: str | None = None, environment: Mapping[str, str] = os.environ
) -> AzureSettings:
    """The settings of `given` (by field name), then of the environment, then of the `.env` file.

    dotenv_path: the file; None is `.env` in the working directory, if it is there. It never changes the environment.
    Raises InvalidInput for a setting that does not exist, or a file that does not.
    """
    if unknown := [name for name in given if name not in VARIABLES]:
        raise InvalidInput(f"{unknown[0]!r} is no setting; there are: {', '.join(VARIABLES)}")
    written = _dotenv(dotenv_path)
    found = {
        name: given.get(name) or environment.get(variable) or written.get(variable) or None
        for name, variable in VARIABLES.items()
    }
    return AzureSettings(**found)


def _dotenv(path: str | None) -> Mapping[str, str | None]:
    if path is None and not os.path.isfile(".env"):
        return {}
    if path is not None and not os.path.isfile(path):
        raise InvalidInput(f"dotenv_path={path!r}: there is no such file")
    try:
        from dotenv import dotenv_values
    except ImportError as exc:
        raise MissingExtra("reading a .env file", "azure") from exc
    return dotenv_values(path or ".env")
