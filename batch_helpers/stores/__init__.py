"""Where outputs lie: one module for each kind of store, and the router that gives each URI to its own."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from batch_helpers.errors import InvalidInput, MissingExtra
from batch_helpers.stores.base import Found, Store
from batch_helpers.uris import scheme_of

if TYPE_CHECKING:
    from batch_helpers.aws_client import AWSAccess
    from batch_helpers.azure_client import AzureAccess

__all__ = ["Found", "Store", "StoreRouter"]

_KNOWN = "write s3://bucket/key, az://container/path, file:///path or a plain path"
_BLOB = re.compile(r"https://[a-z0-9]{3,24}\.blob\.", re.IGNORECASE)


class StoreRouter:
    """A Store of every known kind of URI: local files, `s3://` and `az://`, each opened when it is first needed.

    access, azure: how S3 and Blob Storage are reached; None is their SDKs' own way. A blob may be given by its
    `https://<account>.blob.core.windows.net/…` as well.
    Raises InvalidInput for a scheme that is not known, MissingExtra for one whose packages are not installed.
    """

    def __init__(self, access: AWSAccess | None = None, azure: AzureAccess | None = None) -> None:
        self._access, self._azure = access, azure
        self._opened: dict[str, Store] = {}

    def check(self, uris: Collection[str]) -> None:
        """Raise for URIs that no store here can hold; nothing is opened or asked."""
        for scheme, some in _by_scheme(uris).items():
            _check_scheme(scheme, some[0])

    def find(self, uris: Collection[str], *, measured: Collection[str] = ()) -> dict[str, Found]:
        """Which of these exist; the stores are asked in turn, because each keeps its service busy by itself."""
        found: dict[str, Found] = {}
        groups = _by_scheme(uris)
        self.check([some[0] for some in groups.values()])
        for scheme, some in groups.items():
            found |= self._open(scheme, some[0]).find(some, measured=measured)
        return found

    def count(self, folders: Mapping[str, int]) -> dict[str, int]:
        """How many objects lie below each of these folders, counted up to the number given with it."""
        found: dict[str, int] = {}
        groups = _by_scheme(folders)
        self.check([some[0] for some in groups.values()])
        for scheme, some in groups.items():
            found |= self._open(scheme, some[0]).count({folder: folders[folder] for folder in some})
        return found

    def read(self, uri: str) -> bytes:
        """The object's content; NotFound when there is none."""
        return self._open(_kind(uri), uri).read(uri)

    def write(self, uri: str, data: bytes, *, only_if_absent: bool = False) -> bool:
        """Store `data` whole or not at all; False when `only_if_absent` and there was one already."""
        return self._open(_kind(uri), uri).write(uri, data, only_if_absent=only_if_absent)

    def delete(self, uris: Collection[str]) -> None:
        """Remove these; those that are not there are no error."""
        groups = _by_scheme(uris)
        self.check([some[0] for some in groups.values()])
        for scheme, some in groups.items():
            self._open(scheme, some[0]).delete(some)

    def _open(self, scheme: str, uri: str) -> Store:
        if scheme not in self._opened:
            _check_scheme(scheme, uri)
            makers = {"s3": self._s3, "az": self._blob, "file": _local}
            self._opened[scheme] = makers[scheme]()
        return self._opened[scheme]

    def _blob(self) -> Store:
        from batch_helpers.azure_client import AzureAccess
        from batch_helpers.stores.azure import AzureStore

        return AzureStore(self._azure or AzureAccess())

    def _s3(self) -> Store:
        from batch_helpers.aws_client import AWSAccess
        from batch_helpers.stores.s3 import S3Store

        return S3Store(self._access or AWSAccess())


def _local() -> Store:
    from batch_helpers.stores.local import LocalStore

    return LocalStore()


def _kind(uri: str) -> str:
    scheme = scheme_of(uri)
    return "az" if scheme == "https" and _BLOB.match(uri) else scheme


def _by_scheme(uris: Collection[str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for uri in uris:
        kind = "s3" if uri[:5] == "s3://" else _kind(uri)
        if kind in groups:
            groups[kind].append(uri)
        else:
            groups[kind] = [uri]
    return groups


def _check_scheme(scheme: str, uri: str) -> None:
    if scheme in ("file", "s3"):
        return
    if scheme != "az":
        raise InvalidInput(f"{uri!r}: there is no store for {scheme}://; {_KNOWN}")
    if not _installed("azure.storage.blob"):
        raise MissingExtra(f"{uri!r}: az:// outputs", "azure")


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
