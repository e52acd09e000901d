"""JSON bodies: read with care, because anybody may send anything."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from batch_helpers.serve.wire.errors import ClientException

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def parsed(body: bytes) -> dict[str, Any]:
    """The JSON object in a body; an empty body is an empty object, and members that are null are left out.

    Raises ClientException for anything else.
    """
    if not body:
        return {}
    try:
        value = json.loads(body, parse_constant=_refuse, object_pairs_hook=_without_nulls if b"null" in body else None)
        if _SURROGATE.search(body):
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ClientException("the body is not valid JSON: it is nested too deeply") from None
    except ValueError as exc:
        raise ClientException(f"the body is not valid JSON: {exc}") from exc
    if not isinstance(value, dict):
        raise ClientException("the body must be a JSON object")
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")


def _without_nulls(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key: value for key, value in pairs if value is not None}
