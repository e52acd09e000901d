"""What Azure's SDKs raise -> errors of batch_helpers: the only place that knows azure.core's exceptions."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from batch_helpers.errors import (
    AccessDenied,
    AmbiguousAnswer,
    BatchHelpersError,
    CredentialsError,
    NotFound,
    ServiceError,
    Throttled,
    Unreachable,
)

_Verdict = tuple[type[ServiceError] | None, str]

_LONGEST_MESSAGE = 1000
_LOG_IN = (
    "looked at AZURE_BATCH_ACCESS_KEY, AZURE_TENANT_ID with AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, "
    "AZURE_FEDERATED_TOKEN_FILE, the managed identity and `az login`: set or renew one of them"
)
_REFUSED_CREDENTIALS = frozenset({"AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation"})
_THROTTLING = frozenset({"ServerBusy", "TooManyRequests", "TooManyEnableAutoScaleRequests"})
_ABSENT = re.compile(r"NotFound$|^ResourceGroupNotFound$")


@contextmanager
def azure_errors(doing: str) -> Iterator[None]:
    """Turn what Azure's SDKs raise into errors of batch_helpers, with the cause kept.

    doing: what is attempted, as it completes "could not …". Errors that are ours already, and those that did not come
    out of an SDK, pass through.
    """
    try:
        yield
    except BatchHelpersError:
        raise
    except Exception as exc:
        kind, problem = _verdict(exc)
        if kind is None:
            raise
        raise kind(f"could not {doing}: {problem}") from exc


def azure_code(error: BaseException) -> str:
    """The service's code of an error of ours, such as `TaskExists`; empty when it gave none."""
    return _code(error.__cause__) if error.__cause__ is not None else ""


def retry_after(error: BaseException | None) -> float | None:
    """The seconds that the service wants to be left alone, if its refusal says so."""
    headers = getattr(getattr(getattr(error, "__cause__", None), "response", None), "headers", {})
    text = str(headers.get("Retry-After", ""))
    return float(text) if text.isdigit() else None


def _verdict(exc: Exception) -> _Verdict:
    from azure.core import exceptions

    if isinstance(exc, exceptions.ServiceRequestError):
        return Unreachable, f"{exc}; check the network and the endpoint"
    if isinstance(exc, exceptions.ServiceResponseError | exceptions.DecodeError):
        return AmbiguousAnswer, f"the connection broke before the answer was whole: {exc}"
    if isinstance(exc, exceptions.HttpResponseError):
        return _refusal(exc)
    if isinstance(exc, exceptions.AzureError):
        return ServiceError, _one_line(str(exc))
    modules = {
        frame.f_globals.get("__name__", "").partition(".")[0] for frame, _ in traceback.walk_tb(exc.__traceback__)
    }
    if not modules.isdisjoint({"azure", "msal", "requests", "urllib3"}):
        return ServiceError, f"{_one_line(str(exc))} ({type(exc).__name__})"
    return None, ""


def _refusal(exc: Any) -> _Verdict:
    from azure.core.exceptions import ClientAuthenticationError

    status, code, said = exc.status_code or 0, _code(exc), _said(exc)
    if status == 429 or code in _THROTTLING:
        return Throttled, said
    if isinstance(exc, ClientAuthenticationError) or status == 401 or code in _REFUSED_CREDENTIALS:
        return CredentialsError, f"{said}; {_LOG_IN}"
    if status == 403:
        return AccessDenied, f"{said}; ask for a role that allows it"
    if status == 404 or _ABSENT.search(code):
        return NotFound, said
    if status >= 500 or status == 408:
        return AmbiguousAnswer, f"the service failed on its side: {said}"
    return ServiceError, said


def _code(exc: BaseException) -> str:
    for place in ("error", "model"):
        code = getattr(getattr(exc, place, None), "code", None)
        if code:
            return str(code)
    if code := getattr(exc, "error_code", None):  # azure-storage-blob
        return str(getattr(code, "value", code))
    headers = getattr(getattr(exc, "response", None), "headers", None) or {}
    return str(headers.get("x-ms-error-code", ""))


def _said(exc: Any) -> str:
    """The service's own message and code, and the details that tell which value it means."""
    error = exc.error or exc.model
    message = getattr(error, "message", None)
    text = _one_line(str(getattr(message, "value", message) or exc.message))
    details = [_one_line(str(item.message or "")) for item in getattr(exc.error, "details", None) or ()]
    more = f" ({'; '.join(detail for detail in details if detail)})" if any(details) else ""
    code = _code(exc)
    return f"{text}{more}" + (f" ({code})" if code else "")


def _one_line(text: str) -> str:
    """Without the request's id and time, which the services put on lines of their own."""
    lines = [line for line in text.splitlines() if not re.match(r"(RequestId|Time|Content|ErrorCode)\s*:", line)]
    return " ".join(" ".join(lines).split())[:_LONGEST_MESSAGE]
