"""One request about what a container holds: a page of its listing, or one blob."""

from __future__ import annotations

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
    """Names in the order of the listing; without a token there are no more."""

    names: list[str]
    token: str | None


class Lookup:
    """Asks from any thread, and asks again when something went wrong on the way."""

    def __init__(self, access: AzureAccess, retrying: Retrying) -> None:
        self._access, self._retrying = access, retrying

    def page(self, ask: Ask) -> Page:
        """NotFound and AccessDenied are about the container."""
        return self._retrying(self._page, ask)

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

    def _page(self, ask: Ask) -> Page:
        client = self.container(ask.box)
        with azure_errors(f"list {ask.box}/{ask.prefix}"):
            # From the first page the SDK goes on by its token alone; a start beside it would be a contradiction.
            start = {"start_from": ask.start} if ask.start and ask.token is None else {}
            listing = client.list_blob_names(name_starts_with=ask.prefix or None, results_per_page=PAGE, **start)
            pages = listing.by_page(ask.token)
            names = list(next(pages))
            return Page(names, pages.continuation_token or None)

    def _head(self, place: Place) -> Found:
        client = self.container(place.box).get_blob_client(place.name)
        with azure_errors(f"look for {place.box}/{place.name}"):
            seen = client.get_blob_properties()
        return Found(seen.size, seen.last_modified.timestamp(), (seen.etag or "").strip('"') or None)
