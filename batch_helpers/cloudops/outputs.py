"""Outputs: the stores of every kind of URI, blobs among them."""

from __future__ import annotations

import re
from collections.abc import Collection

from batch_helpers.azure_client import AzureAccess
from batch_helpers.stores import StoreRouter
from batch_helpers.stores.base import Found, Store

_BLOB = re.compile(r"az://|https://[a-z0-9]{3,24}\.blob\.", re.IGNORECASE)


class Outputs:
    """A Store of blobs, each account reached by `access`, and of whatever StoreRouter knows."""

    def __init__(self, access: AzureAccess) -> None:
        self._access = access
        self._others = StoreRouter()
        self._blobs: Store | None = None

    def find(self, uris: Collection[str]) -> dict[str, Found]:
        blobs = [uri for uri in uris if _BLOB.match(uri)]
        others = [uri for uri in uris if not _BLOB.match(uri)]
        return (self._store(blobs[0]).find(blobs) if blobs else {}) | (self._others.find(others) if others else {})

    def read(self, uri: str) -> bytes:
        return self._store(uri).read(uri)

    def write(self, uri: str, data: bytes, *, only_if_absent: bool = False) -> bool:
        return self._store(uri).write(uri, data, only_if_absent=only_if_absent)

    def delete(self, uris: Collection[str]) -> None:
        for uri in uris:
            self._store(uri).delete([uri])

    def _store(self, uri: str) -> Store:
        if not _BLOB.match(uri):
            return self._others
        if self._blobs is None:
            from batch_helpers.stores.azure import AzureStore

            self._blobs = AzureStore(self._access)
        return self._blobs
