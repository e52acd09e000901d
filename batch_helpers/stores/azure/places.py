"""How blobs are spelled: `az://container/path` and `https://account.blob.core.windows.net/container/path`. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from batch_helpers.errors import InvalidInput

LONGEST_NAME = 1024
"""Characters: https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata"""

_HOST = re.compile(r"([a-z0-9]{3,24})\.blob\.[a-z0-9.]+", re.IGNORECASE)


class Box(NamedTuple):
    """A container. account: None is the account of the settings."""

    account: str | None
    container: str

    def __str__(self) -> str:
        return f"az://{self.container}" + (f" of account {self.account}" if self.account else "")


class Place(NamedTuple):
    box: Box
    name: str


def place_of(uri: str) -> Place:
    """Where a URI points. In `az://` the path is taken literally; in `https://` it is percent-decoded.

    Raises InvalidInput for what names no blob, or one that Blob Storage would take for another.
    """
    scheme, _, rest = uri.partition("://")
    if scheme.lower() == "az":
        account, (container, _, name) = None, rest.partition("/")
    else:
        account, container, name = _from_url(uri)
    if not container or not name:
        raise InvalidInput(f"{uri!r} names no blob: write az://<container>/<path>")
    _check_name(uri, name)
    return Place(Box(account, container), name)


def _from_url(uri: str) -> tuple[str, str, str]:
    parts = urlsplit(uri)
    host = _HOST.fullmatch(parts.hostname or "")
    if parts.scheme != "https" or host is None:
        raise InvalidInput(
            f"{uri!r} is no blob: write az://<container>/<path> or https://<account>.blob.core.windows.net/…"
        )
    if parts.query or parts.fragment:
        raise InvalidInput(f"{uri!r}: leave out what follows the path; access is a matter of the settings")
    container, _, name = parts.path.removeprefix("/").partition("/")
    return host[1], container, unquote(name)


def _check_name(uri: str, name: str) -> None:
    if "\\" in name or not {".", ".."}.isdisjoint(name.split("/")):
        raise InvalidInput(f"{uri!r}: Blob Storage takes \\ for /, and knows no . or .. in a path: choose another name")
    if len(name) > LONGEST_NAME:
        raise InvalidInput(f"{uri!r} has a name of {len(name)} characters, and Blob Storage takes {LONGEST_NAME}")
    try:
        name.encode()
    except UnicodeEncodeError as exc:
        raise InvalidInput(f"{uri!r} is not Unicode text, so it cannot be the name of a blob") from exc
