"""The gate that every call to the Batch account passes: how patiently it is repeated is decided here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from batch_helpers.azure_client import AzureAccess, azure_errors
from batch_helpers.azure_client.patience import REFUSED, patience
from batch_helpers.errors import AmbiguousAnswer, ServiceError

PAGE = 1000
"""Most items on a page of a list: https://learn.microsoft.com/rest/api/batchservice/tasks/list-tasks"""

Raw = Mapping[str, Any]
"""An answer's object, by the names of the REST API: the SDK's models are mappings too, and cheap to read so."""


class API:
    """The operations of azure.batch.BatchClient by their names; safe to share between threads.

    Whatever is made has an id of its own, so every request may be sent again when its answer was lost.
    """

    def __init__(self, access: AzureAccess, sleep: Callable[[float], None]) -> None:
        self.access, self.sleep = access, sleep
        self._refused, self._any = patience(sleep, REFUSED), patience(sleep)

    def ask(self, operation: str, doing: str, *args: Any, **options: Any) -> Any:
        """The answer to a request that may be carried out any number of times. doing: completes "could not …"."""
        return self._any(self._call, operation, doing, args, options)

    def once(self, operation: str, doing: str, *args: Any, **options: Any) -> Any:
        """The answer to a request that is repeated only when it certainly was refused; else AmbiguousAnswer."""
        return self._refused(self._call, operation, doing, args, options)

    def pages(self, operation: str, doing: str, *args: Any, **options: Any) -> Iterator[Raw]:
        """The items of a list, page by page."""
        token: str | None = None
        while True:
            items, following = self._any(self._page, operation, doing, args, options, token)
            yield from items
            if following is None:
                return
            if following == token:
                raise ServiceError(f"could not {doing}: the service gave the same page twice")
            token = following

    def _call(self, operation: str, doing: str, args: Any, options: Any) -> Any:
        client = self.access.batch
        with azure_errors(doing):
            return getattr(client, operation)(*args, **options)

    def _page(self, operation: str, doing: str, args: Any, options: Any, token: str | None) -> Any:
        client = self.access.batch
        with azure_errors(doing):
            pages = getattr(client, operation)(*args, max_results=PAGE, raw_response_hook=_whole, **options)
            page = pages.by_page(token)
            return list(next(page)), page.continuation_token


def _whole(response: Any) -> None:
    """A page without its items was cut short; the SDK would read it as an empty one."""
    answer = response.http_response
    if answer.status_code == 200 and "value" not in answer.json():
        raise AmbiguousAnswer("a page of a list came without its items")
