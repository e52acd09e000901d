"""Shared key and token, checked as the service does."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from tests.azure.fake_batch.refusal import Refusal

ACCOUNT, TOKEN, IDENTITY = "fakeaccount", "good-token", "good-identity"
KEY = base64.b64encode(b"a key of thirty-two bytes, indeed").decode()

_SIGNED = (
    *("content-encoding", "content-language", "content-length", "content-md5", "content-type", "date"),
    *("if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range"),
)


def check(method: str, target: str, headers: Mapping[str, str]) -> None:
    """Raise Refusal unless the request is signed with the account's key, or carries the token.

    https://learn.microsoft.com/rest/api/batchservice/authenticate-requests-to-the-azure-batch-service
    """
    kind, _, rest = headers.get("authorization", "").partition(" ")
    if kind == "Bearer" and rest == TOKEN:
        return
    if kind == "SharedKey" and "ocp-date" in headers and rest == f"{ACCOUNT}:{_signature(method, target, headers)}":
        return
    raise Refusal("AuthenticationFailed")


def _signature(method: str, target: str, headers: Mapping[str, str]) -> str:
    url = urlsplit(target)
    lines = [method, *(headers.get(name, "") for name in _SIGNED)]
    if method in ("GET", "HEAD"):
        lines[1 + _SIGNED.index("content-length")] = ""
    lines += [f"{name}:{value}" for name, value in sorted(headers.items()) if name.startswith("ocp-")]
    lines.append(f"/{ACCOUNT}{url.path}")
    lines += [f"{name}:{value}" for name, value in sorted(parse_qsl(url.query))]
    digest = hmac.new(base64.b64decode(KEY), "\n".join(lines).encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
