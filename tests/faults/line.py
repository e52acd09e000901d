"""The line between a script and its services: boto3's own clients, whose requests end in this process."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, IncompleteReadError

from batch_helpers.aws_client import AWSAccess
from tests.faults.ledger import Ledger
from tests.faults.scenario import BUCKET
from tests.faults.service import Heard
from tests.stores.wire import Answer, Bucket, Request, parse, refusal

URL = "http://127.0.0.1:9"
_FAULTY_REQUESTS = 100

Batch = Callable[[str, str, dict[str, str], bytes], Heard]


class Line:
    """Clients of one script. Making them is dear, so a line serves one run after the other: `plug` says which."""

    def __init__(self) -> None:
        session = boto3.Session("testing", "testing", region_name="us-east-1")
        session.events.register("before-send", self._send)
        self.access = AWSAccess(session=session, endpoint_url=URL)
        self._carry: Callable[[str, Any], AWSResponse] = _nobody

    def plug(self, carry: Callable[[str, Any], AWSResponse]) -> None:
        """From now on requests are carried by this; it is given the service's name and the request."""
        self._carry = carry

    def _send(self, request: Any, event_name: str, **_: Any) -> AWSResponse:
        return self._carry(event_name.split(".")[1], request)


class Storage:
    """S3: the outputs that the ledger knows. Its first requests go wrong at random, as likely as `slow` says."""

    def __init__(self, ledger: Ledger, slow: float, random: Random) -> None:
        self._ledger, self._slow, self._random = ledger, slow, random
        self._left = _FAULTY_REQUESTS

    def answer(self, request: Any) -> AWSResponse:
        asked = parse(request)
        fault = self._fault(head=asked.method == "HEAD")
        answer = fault or Bucket([uri.split("/", 3)[3] for uri in self._ledger.written], name=BUCKET)(asked)
        return AWSResponse(request.url, answer.status, answer.headers, _Raw(answer.body))

    def _fault(self, *, head: bool) -> Answer | None:
        self._left -= 1
        if self._left < 0 or self._random.random() >= self._slow:
            return None
        kind = self._random.choice(("SlowDown", "SlowDown", "InternalError", "lost"))
        if kind == "lost":
            raise ConnectionClosedError(endpoint_url=URL)
        return refusal(kind, 500 if kind == "InternalError" else 503, head=head)


def batch(ask: Batch, request: Any, random: Random) -> AWSResponse:
    """A request to the endpoint, and what botocore makes of the answer when the connection breaks in it.

    tests/engines/aws/test_broken_connections.py has the same on real sockets.
    """
    headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()}
    heard = ask(request.method, request.url, {**headers, "host": "127.0.0.1"}, _body(request))
    if heard.status is None:
        raise ConnectionClosedError(endpoint_url=URL)
    if not heard.whole and random.random() < 0.5:  # as some versions of botocore do
        raise IncompleteReadError(actual_bytes=len(heard.body), expected_bytes=2 * len(heard.body))
    return AWSResponse(request.url, heard.status, heard.headers, _Raw(heard.body))


def _body(request: Any) -> bytes:
    return bytes(request.body.read() if hasattr(request.body, "read") else request.body or b"")


def _nobody(service: str, request: Any) -> AWSResponse:
    raise AssertionError(f"a request to {service} of a run that is over: {request.url}")


class _Raw(io.BytesIO):
    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


__all__ = ["Line", "Request", "Storage", "batch"]
