"""How the SDKs' clients send requests: once, over connections that threads share."""

from __future__ import annotations

from typing import Any

CONNECTIONS = 32
CONNECT_SECONDS, READ_SECONDS = 10, 60


def options(token_url: str | None = None) -> dict[str, Any]:
    """Options of a client. The SDKs repeat nothing: how patiently a request is repeated is decided where it is made.

    token_url: the endpoint to which tokens go; where it is given as plain HTTP, they may.
    """
    import requests
    from azure.core.pipeline.transport import RequestsTransport
    from requests.adapters import HTTPAdapter

    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_connections=4, pool_maxsize=CONNECTIONS))
    transport: Any = RequestsTransport(
        session=session, session_owner=False, connection_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS
    )
    chosen: dict[str, Any] = {"transport": transport, "retry_total": 0}
    if token_url is not None and token_url.startswith("http://"):
        chosen["per_call_policies"] = [_plain_http()]
    return chosen


def _plain_http() -> Any:
    from azure.core.pipeline.policies import SansIOHTTPPolicy

    class PlainHTTP(SansIOHTTPPolicy):  # type: ignore[type-arg]
        def on_request(self, request: Any) -> None:
            request.context.options["enforce_https"] = False

    return PlainHTTP()
