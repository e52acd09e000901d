"""How fast each service may be asked, and which requests go first."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from types import MappingProxyType
from urllib.parse import urlsplit

from batch_helpers.budget import Priority

BATCH = 40.0
"""Requests per second. SubmitJob is admitted at 50, which all calls may share; the rest is for other tools:
https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html"""

LOGS = 10.0
"""GetLogEvents in the regions that allow least: https://docs.aws.amazon.com/general/latest/gr/cwl_region.html"""

ON_THIS_MACHINE = 1000.0
"""An endpoint on loopback is nobody's account."""

PRIORITIES: Mapping[str, Priority] = MappingProxyType(
    {
        "cancel_job": Priority.CANCEL,
        "cancel_jobs": Priority.CANCEL,
        "terminate_job": Priority.CANCEL,
        "terminate_jobs": Priority.CANCEL,
        "submit_job": Priority.SUBMIT,
        "register_job_definition": Priority.SUBMIT,
    }
)
"""By the client's methods; all others are polls."""


def default_rate(service: str, endpoint: str) -> float:
    """Requests per second of `batch` or `logs` at this URL."""
    if on_loopback(endpoint):
        return ON_THIS_MACHINE
    return LOGS if service == "logs" else BATCH


def on_loopback(endpoint: str) -> bool:
    """Whether this URL is one of this machine's own."""
    host = urlsplit(endpoint).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
