"""AzureStore: outputs in containers of Azure Blob Storage."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from batch_helpers.azure_client import AzureAccess, azure_code, azure_errors
from batch_helpers.azure_client.patience import patience
from batch_helpers.errors import AmbiguousAnswer, NotFound, ServiceError
from batch_helpers.stores.azure.lookup import Lookup
from batch_helpers.stores.azure.places import Box, Place, place_of
from batch_helpers.stores.azure.search import Search
from batch_helpers.stores.base import Found


class AzureStore:
    """A Store of `az://container/path` and `https://account.blob.core.windows.net/container/path`.

    access: whose account and which endpoint; nothing is called before the first question.
    width: the most requests under way at once. sleep: waits before a request is sent again, in seconds.
    """

    def __init__(
        self, access: AzureAccess | None = None, width: int = 16, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._width = width
        self._retrying = patience(sleep)
        self._lookup = Lookup(access or AzureAccess(), self._retrying)

    def find(self, uris: Collection[str], *, measured: Collection[str] = ()) -> dict[str, Found]:
        """Which of these exist; size, date and ETag are known of one that is asked for alone, and of all if of any.

        Sends no more requests than there are URIs, nor more than the pages of 5,000 names that a full listing of what
        they have in common would have, plus one for each listing that is split to go faster. An account whose service
        does not start listings where it is told to may cost up to twice as many.
        """
        places = {uri: place_of(uri) for uri in uris}
        wanted: dict[Box, set[str]] = {}
        for box, name in places.values():
            wanted.setdefault(box, set()).add(name)
        found = Search(self._lookup, self._width, measured=any(uri in places for uri in measured)).run(wanted)
        return {uri: found[place] for uri, place in places.items() if place in found}

    def count(self, folders: Mapping[str, int]) -> dict[str, int]:
        """How many blobs lie below each folder, counted up to the number given with it, by pages of 5,000."""
        places = {folder: place_of(folder) for folder in folders}
        with ThreadPoolExecutor(self._width, thread_name_prefix="blob-count") as crew:
            numbers = crew.map(lambda folder: self._lookup.count(places[folder], folders[folder]), places)
            return dict(zip(places, numbers, strict=True))

    def read(self, uri: str) -> bytes:
        """The blob's content; NotFound when there is none."""
        return self._retrying(self._read, place_of(uri))

    def write(self, uri: str, data: bytes, *, only_if_absent: bool = False) -> bool:
        """Store `data` whole or not at all; False when `only_if_absent` and there was one already.

        When an answer was lost on the way, the blob that is in the way may be our own: its content tells.
        """
        place, lost = place_of(uri), False

        def attempt() -> bool:
            nonlocal lost
            try:
                return self._write(place, data, overwrite=not only_if_absent)
            except AmbiguousAnswer:
                lost = True
                raise

        written = self._retrying(attempt)
        return written or (lost and self.read(uri) == data)

    def delete(self, uris: Collection[str]) -> None:
        """Remove these; those that are not there are no error."""
        places = list(dict.fromkeys(map(place_of, uris)))
        with ThreadPoolExecutor(self._width, thread_name_prefix="blob-delete") as crew:
            list(crew.map(self._gone, places))

    def _gone(self, place: Place) -> None:
        try:
            self._retrying(self._delete, place)
        except NotFound as exc:
            if azure_code(exc) != "BlobNotFound":
                raise

    def _blob(self, place: Place) -> Any:
        return self._lookup.container(place.box).get_blob_client(place.name)

    def _read(self, place: Place) -> bytes:
        blob = self._blob(place)
        with azure_errors(f"read {place.box}/{place.name}"):
            content: bytes = blob.download_blob(max_concurrency=1).readall()
            return content

    def _write(self, place: Place, data: bytes, *, overwrite: bool) -> bool:
        blob = self._blob(place)
        try:
            with azure_errors(f"write {place.box}/{place.name}"):
                blob.upload_blob(data, overwrite=overwrite, max_concurrency=1)
        except ServiceError as exc:
            if not overwrite and azure_code(exc) in ("BlobAlreadyExists", "ConditionNotMet"):
                return False
            raise
        return True

    def _delete(self, place: Place) -> None:
        blob = self._blob(place)
        with azure_errors(f"delete {place.box}/{place.name}"):
            blob.delete_blob(delete_snapshots="include")
