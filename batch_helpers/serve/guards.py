"""Who may talk to the endpoint. It runs commands, so nothing that a web page can make a browser send is let in."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from batch_helpers.serve.wire.errors import Forbidden, TooLarge

LARGEST_BODY = 1 << 20
"""Bytes that are kept of a body; AWS Batch's own limits are far below."""

LARGEST_READ = 64 << 20
"""Bytes that are read, so that a client that sends too much hears of it instead of losing its connection."""


def check_origin(headers: Mapping[str, str]) -> None:
    """Refuse what a browser sends on behalf of a page: https://fetch.spec.whatwg.org/#origin-header."""
    for name in ("origin", "sec-fetch-site"):
        if name in headers:
            raise Forbidden(f"requests from web pages are refused: this one has the header {name!r}")


def check_host(headers: Mapping[str, str], bound: str) -> None:
    """Refuse a Host that is neither loopback nor the address that was asked for, as after DNS rebinding."""
    host = headers.get("host", "")
    name = hostname(host)
    if not (is_loopback(name) or name == bound.lower() or _is_address_of_any(name, bound)):
        raise Forbidden(f"the Host {host!r} is not this endpoint: use its address as it was printed")


def check_size(headers: Mapping[str, str]) -> None:
    """Refuse a body by its announced length, before any of it is read."""
    if int(headers.get("content-length", "0")) > LARGEST_READ:
        raise too_large()


def too_large() -> TooLarge:
    return TooLarge(f"the body is larger than {LARGEST_BODY} bytes")


def hostname(host: str) -> str:
    """The name in a Host header, in lower case and without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


@lru_cache(maxsize=64)
def is_loopback(name: str) -> bool:
    """Whether a name or an address can only mean this machine."""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_address_of_any(name: str, bound: str) -> bool:
    """Bound to every address, the endpoint is reached under each; a rebinding page has a name, never an address."""
    try:
        return ipaddress.ip_address(bound).is_unspecified and bool(ipaddress.ip_address(name))
    except ValueError:
        return False
