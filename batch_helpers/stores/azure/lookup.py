"""One request about what a container holds: a page of its listing, or one blob."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from tenacity import Retrying

from batch_helpers.azure_client import AzureAccess, azure_code, azure_errors
from batch_helpers.errors import NotFound
from batch_helpers.stores.azure.places import Box, Place
from batch_helpers.stores.base import Found

PAGE = 5000
"""Most blobs on a page: https://learn.microsoft.com/rest/api/storageservices/list-blobs"""

_NO_BLOB = frozenset({"BlobNotFound", "ResourceNotFound"})


class Ask(NamedTuple):
    """A page to list: the names with this prefix from `start` on, or those that follow the page that gave `token`."""

    box: Box
    prefix: str
    start: str
    token: str | None = None


class Page(NamedTuple):
    """Names in the order of the listing; without a token there are no more. found: the rest, when it was asked for."""

    names: list[str]
    token: str | None
    found: Mapping[str, Found] = MappingProxyType({})


class Lookup:
    """Asks from any thread, and asks again when something went wrong on the way."""

    def __init__(self, access: AzureAccess, retrying: Retrying) -> None:
        self._access, self._retrying = access, retrying

    def page(self, ask: Ask, *, measured: bool = False) -> Page:
        """NotFound and AccessDenied are about the container. measured: sizes and dates too, at ten times the cost."""
        return self._retrying(self._page, ask, measured)

    def count(self, place: Place, enough: int) -> int:
        """How many blobs begin with a name, counted up to `enough`; those that end with `/` are none."""
        number, token = 0, None
        while True:
            page = self.page(Ask(place.box, place.name, "", token))
            number += sum(not name.endswith("/") for name in page.names)
            if number >= enough or page.token is None:
                return min(number, enough)
            token = page.token

    def one(self, place: Place) -> Found | None:
        """A blob by HEAD; None when the container has no such blob."""
        try:
            return self._retrying(self._head, place)
        except NotFound as exc:
            if azure_code(exc) in _NO_BLOB:
                return None
            raise

    def container(self, box: Box) -> Any:
        """The SDK's client of a container."""
        return self._access.blobs(box.account).get_container_client(box.container)

    def _page(self, ask: Ask, measured: bool) -> Page:
        client = self.container(ask.box)
        with azure_errors(f"list {ask.box}/{ask.prefix}"):
            # From the first page the SDK goes on by its token alone; a start beside it would be a contradiction.
            start = {"start_from": ask.start} if ask.start and ask.token is None else {}
            lister = client.list_blobs if measured else client.list_blob_names
            pages = lister(name_starts_with=ask.prefix or None, results_per_page=PAGE, **start).by_page(ask.token)
            blobs = list(next(pages))
            token = pages.continuation_token or None
        if not measured:
            return Page(blobs, token)
        return Page([blob.name for blob in blobs], token, {blob.name: _found(blob) for blob in blobs})

    def _head(self, place: Place) -> Found:
        client = self.container(place.box).get_blob_client(place.name)
        with azure_errors(f"look for {place.box}/{place.name}"):
            seen = client.get_blob_properties()
        return _found(seen)


def _found(blob: Any) -> Found:
    return Found(blob.size, blob.last_modified.timestamp(), (blob.etag or "").strip('"') or None)
