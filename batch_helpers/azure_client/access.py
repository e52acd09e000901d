"""Clients of one Azure set-up, made when they are first needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from batch_helpers.azure_client.credentials import METHODS, token_credential
from batch_helpers.azure_client.errors import azure_errors
from batch_helpers.azure_client.pipeline import options
from batch_helpers.azure_client.settings import AzureSettings, read_settings
from batch_helpers.errors import InvalidInput, MissingExtra

if TYPE_CHECKING:
    from azure.batch import BatchClient
    from azure.core.credentials import TokenCredential
    from azure.mgmt.batch import BatchManagementClient
    from azure.storage.blob import BlobServiceClient

T = TypeVar("T")


@dataclass(frozen=True)
class AzureAccess:
    """Whose account, at which endpoints; makes no call, reads no file and loads no SDK until a client is asked for.

    given: settings by name (see AzureSettings), before those of the environment and of `.env`.
    dotenv_path: the `.env` file; None is the one in the working directory, if there is one.
    credential: a TokenCredential of azure-identity, instead of one by `method`.
    method: `auto` (the account's key where there is one, else what azure-identity finds), `service_principal`,
    `managed_identity`, `workload_identity` or `shared_key`.

    Raises InvalidInput for a method that does not exist.
    """

    given: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    dotenv_path: str | None = None
    credential: TokenCredential | None = None
    method: str = "auto"
    _made: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InvalidInput(f"method={self.method!r} is not known; there are: {', '.join(METHODS)}")

    @property
    def settings(self) -> AzureSettings:
        """The settings, read once."""
        return self._once("settings", lambda: read_settings(self.given, self.dotenv_path))

    @property
    def token(self) -> TokenCredential:
        """The credential by which tokens are got."""
        return self._once("token", lambda: self.credential or token_credential(self.method, self.settings))

    @property
    def batch(self) -> BatchClient:
        """The client of the Batch account. Raises CredentialsError when the account is not known."""
        return self._once("batch", self._batch)

    @property
    def management(self) -> BatchManagementClient:
        """The client of Azure's resource manager, by which pools are made."""
        return self._once("management", self._management)

    def blobs(self, account: str | None = None) -> BlobServiceClient:
        """The client of a storage account; of the one in the settings when it is None or of that name."""
        if account is None or account == self.storage_account:
            return self._once("blobs", self._own_blobs)
        return self._once(f"blobs of {account}", lambda: self._blobs(f"https://{account}.blob.core.windows.net", None))

    @property
    def storage_account(self) -> str | None:
        """The name of the storage account in the settings."""
        if self.settings.storage_account or not self.settings.connection_string:
            return self.settings.storage_account
        name: str | None = self.blobs().account_name
        return name

    def _once(self, name: str, make: Callable[[], T]) -> T:
        with self._lock:
            if name not in self._made:
                self._made[name] = make()
            made: T = self._made[name]
            return made

    def _batch(self) -> BatchClient:
        try:
            from azure.batch import BatchClient
            from azure.core.credentials import AzureNamedKeyCredential
        except ImportError as exc:
            raise MissingExtra("Azure Batch", "azure") from exc
        url, key = self.settings.batch_url, self.settings.batch_key
        if self.method == "shared_key" or (self.method == "auto" and key and self.credential is None):
            doing = "reach Azure Batch by a shared key"
            account, key = self.settings.require("batch_account", doing), self.settings.require("batch_key", doing)
            named: Any = AzureNamedKeyCredential(account, key)
            return BatchClient(url, named, **options())
        return BatchClient(url, self.token, **options(url))

    def _management(self) -> BatchManagementClient:
        try:
            from azure.mgmt.batch import BatchManagementClient
        except ImportError as exc:
            raise MissingExtra("managing pools", "azure") from exc
        subscription = self.settings.require("subscription_id", "reach Azure's resource manager")
        endpoint = self.settings.management_endpoint
        return BatchManagementClient(self.token, subscription, base_url=endpoint, **options(endpoint))

    def _own_blobs(self) -> BlobServiceClient:
        settings = self.settings
        if settings.connection_string:
            try:
                from azure.storage.blob import BlobServiceClient
            except ImportError as exc:
                raise MissingExtra("Azure Blob Storage", "azure") from exc
            with azure_errors("read the connection string of the storage account"):
                return BlobServiceClient.from_connection_string(settings.connection_string, **options())
        name = settings.require("storage_account", "reach Azure Blob Storage")
        url = settings.storage_endpoint or f"https://{name}.blob.core.windows.net"
        key = settings.storage_key
        return self._blobs(url, {"account_name": name, "account_key": key} if key else None)

    def _blobs(self, url: str, credential: Any) -> BlobServiceClient:
        try:
            from azure.storage.blob import BlobServiceClient
        except ImportError as exc:
            raise MissingExtra("Azure Blob Storage", "azure") from exc
        with azure_errors(f"make a client for {url}"):
            return BlobServiceClient(url, credential or self.token, **options())
