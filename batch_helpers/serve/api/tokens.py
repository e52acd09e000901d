"""Page tokens: opaque to clients, bound to the request that they continue."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from batch_helpers.serve.wire.errors import ClientException

_PAGING = ("nextToken", "maxResults")


def token(request: Mapping[str, Any], place: Any) -> str:
    """A token from which the next page goes on: `place` is where, in JSON's types."""
    return base64.urlsafe_b64encode(json.dumps([_scope(request), place]).encode()).decode()


def place(request: Mapping[str, Any], start: Any) -> Any:
    """Where a request's page begins; `start` without a token. Raises ClientException for a token of another list."""
    if "nextToken" not in request:
        return start
    try:
        scope, found = json.loads(base64.urlsafe_b64decode(request["nextToken"]))
    except ValueError:
        scope, found = None, start
    if scope != _scope(request):
        raise ClientException("nextToken is not valid for this request")
    return found


def _scope(request: Mapping[str, Any]) -> str:
    what = {key: value for key, value in request.items() if key not in _PAGING}
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
