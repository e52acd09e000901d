"""The ASGI application: HTTP in, HTTP out, and the faults in between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any

from batch_helpers.serve import paging
from batch_helpers.serve.control import PATH, Control
from batch_helpers.serve.faults import Fault, Faults
from batch_helpers.serve.gateway import Gateway
from batch_helpers.serve.guards import LARGEST_BODY, LARGEST_READ, check_size, too_large
from batch_helpers.serve.rate import RateLimit
from batch_helpers.serve.service import Service
from batch_helpers.serve.wire.errors import ApiError, ServerException, ServiceUnavailable, TooManyRequests
from batch_helpers.serve.wire.messages import Answer, Request
from batch_helpers.serve.wire.protocols import Call

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_ERRORS: dict[str, Callable[[], ApiError]] = {
    "throttle": TooManyRequests,
    "error": lambda: ServerException("Internal server error"),
    "unavailable": lambda: ServiceUnavailable("Service Unavailable"),
}


class App:
    """The endpoint as an ASGI application. rate: requests per second; latency: seconds before each answer."""

    def __init__(
        self,
        service: Service,
        gateway: Gateway,
        faults: Faults,
        *,
        control: bool = False,
        rate: float | None = None,
        latency: float = 0.0,
    ) -> None:
        self._service, self._gateway, self._faults = service, gateway, faults
        self._control = Control(service, faults, gateway.counters) if control else None
        self._rate = RateLimit(rate) if rate else None
        self._latency = latency

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = _request(scope)
        try:
            check_size(request.headers)
            request = request._replace(body=await _body(receive))
            if self._control and request.path.startswith(PATH):
                self._gateway.check(request)
                await _send(send, self._control.answer(request))
                return
            call = self._gateway.call(request)
        except ApiError as exc:
            await _send(send, self._gateway.refuse(None, request, exc), close=True)
            return
        await self._serve(call, request, _Reply(scope, receive, send))

    async def _serve(self, call: Call, request: Request, reply: _Reply) -> None:
        self._gateway.counters.requests[call.operation.name] += 1
        faults = self._faults.draw(call.operation.name)
        wait = self._latency + sum(fault.seconds for fault in faults if fault.kind == "delay")
        if wait:
            await asyncio.sleep(wait)
        if self._rate and not self._rate.admits():
            await reply.send(self._gateway.refuse(call, request, TooManyRequests()))
            return
        fault = next((item for item in faults if not item.is_passing), None)
        if fault is None or fault.is_after_work:
            answer, value = self._performed(call, request, {item.kind for item in faults})
            self._hide(value, faults)
        if fault is None:
            await reply.send(answer)
        elif fault.kind in _ERRORS:
            await reply.send(self._gateway.refuse(call, request, _ERRORS[fault.kind]()))
        else:
            await reply.spoil(fault, answer if fault.is_after_work else None)

    def _performed(self, call: Call, request: Request, kinds: Collection[str]) -> tuple[Answer, Any]:
        try:
            if "empty-page" in kinds:
                value = paging.empty_page(call.operation.name, request)
                return self._gateway.wire(request).answer(call, value), value
            request = paging.resumed(paging.shortened(request) if "short-page" in kinds else request)
        except ApiError as exc:
            return self._gateway.refuse(call, request, exc), None
        return self._gateway.perform(call, request)

    def _hide(self, value: Any, faults: list[Fault]) -> None:
        for fault in faults:
            if fault.kind == "hide" and isinstance(value, dict) and "jobId" in value:
                until = self._service.clock.seconds() + fault.seconds if fault.seconds else None
                self._service.hiding.hide(value["jobId"], until, fault.listings)


class _Reply:
    """The way back to the client."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._transport: asyncio.Transport = scope["state"]["transport"]
        self._receive, self._send = receive, send

    async def send(self, answer: Answer) -> None:
        await _send(self._send, answer)

    async def spoil(self, fault: Fault, answer: Answer | None) -> None:
        """Send nothing, or the beginning of the answer, and close the connection."""
        if fault.kind == "cut-headers":
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/js")
        elif fault.kind == "cut-body" and answer is not None:
            await self._send(_start(answer, close=False))
            half = answer.body[: len(answer.body) // 2]
            await self._send({"type": "http.response.body", "body": half, "more_body": True})
        self._transport.close()
        while (await self._receive())["type"] != "http.disconnect":
            pass


def _request(scope: Scope) -> Request:
    headers = {name.decode("latin-1"): text.decode("latin-1") for name, text in scope["headers"]}
    path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
    return Request(scope["method"], path, query, headers, b"")


async def _body(receive: Receive) -> bytes:
    """The whole body; one that is too large is read to its end all the same, unless it is endless."""
    parts, size = [], 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size <= LARGEST_BODY:
            parts.append(part)
        if not message.get("more_body") or size > LARGEST_READ:
            break
    if size > LARGEST_BODY:
        raise too_large()
    return b"".join(parts)


async def _send(send: Send, answer: Answer, *, close: bool = False) -> None:
    await send(_start(answer, close=close))
    await send({"type": "http.response.body", "body": answer.body})


def _start(answer: Answer, *, close: bool) -> dict[str, Any]:
    headers = [(name.encode(), text.encode("latin-1")) for name, text in answer.headers]
    headers.append((b"content-length", str(len(answer.body)).encode()))
    if close:  # what is left of the request's body is not read
        headers.append((b"connection", b"close"))
    return {"type": "http.response.start", "status": answer.status, "headers": headers}
