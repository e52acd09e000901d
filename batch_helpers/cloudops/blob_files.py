"""Files in containers of Blob Storage."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from batch_helpers.azure_client import AzureAccess, azure_code, azure_errors
from batch_helpers.azure_client.patience import patience
from batch_helpers.errors import ServiceError
from batch_helpers.stores.azure.places import Place, place_of


class BlobFiles:
    """The containers of the storage account in the settings."""

    def __init__(self, access: AzureAccess, sleep: Callable[[float], None]) -> None:
        self._access, self._retrying = access, patience(sleep)

    def create(self, container: str) -> None:
        try:
            self._retrying(self._do, f"create container {container!r}", container, "create_container")
        except ServiceError as exc:
            if azure_code(exc) != "ContainerAlreadyExists":
                raise

    def check(self, container: str) -> None:
        self._retrying(self._do, f"look up container {container!r}", container, "get_container_properties")

    def sizes(self, container: str, prefix: str) -> Iterator[tuple[str, int]]:
        found: list[tuple[str, int]] = self._retrying(self._sizes, container, prefix)
        yield from found

    def put(self, container: str, name: str, path: str) -> None:
        self._retrying(self._put, place_of(f"az://{container}/{name}"), path)

    def get(self, container: str, name: str, path: str) -> None:
        self._retrying(self._get, place_of(f"az://{container}/{name}"), path)

    def _container(self, name: str) -> Any:
        return self._access.blobs().get_container_client(name)

    def _do(self, doing: str, container: str, operation: str) -> None:
        client = self._container(container)
        with azure_errors(doing):
            getattr(client, operation)()

    def _sizes(self, container: str, prefix: str) -> list[tuple[str, int]]:
        client = self._container(container)
        with azure_errors(f"list az://{container}/{prefix}"):
            return [(blob.name, blob.size) for blob in client.list_blobs(name_starts_with=prefix or None)]

    def _put(self, place: Place, path: str) -> None:
        blob = self._container(place.box.container).get_blob_client(place.name)
        with azure_errors(f"upload {path} to {place.box}/{place.name}"), open(path, "rb") as file:
            blob.upload_blob(file, overwrite=True)

    def _get(self, place: Place, path: str) -> None:
        """Whole or not at all: the file appears under its name when it is complete."""
        blob = self._container(place.box.container).get_blob_client(place.name)
        draft = f"{path}.{os.getpid()}.part"
        try:
            with azure_errors(f"download {place.box}/{place.name}"), open(draft, "wb") as file:
                blob.download_blob().readinto(file)
            os.replace(draft, path)
        finally:
            if os.path.exists(draft):
                os.unlink(draft)
