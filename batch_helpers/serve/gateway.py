"""The gateway: from a request to its answer, whatever the request is."""

from __future__ import annotations

import logging
from typing import Any

from batch_helpers.serve.api.table import CHECKS_OF_SIZE, handlers
from batch_helpers.serve.counters import Counters
from batch_helpers.serve.guards import check_host, check_origin
from batch_helpers.serve.service import Service
from batch_helpers.serve.wire.errors import ApiError, NotImplementedHere, ServerException
from batch_helpers.serve.wire.messages import Answer, Rendered, Request
from batch_helpers.serve.wire.protocols import AwsJson, Call, RestJson, Wire

_log = logging.getLogger(__name__)


class Gateway:
    """Guards, protocols and operations in a row. `host` is the address that the endpoint is bound to."""

    def __init__(self, service: Service, host: str) -> None:
        self._host = host
        self._wires: dict[str, Wire] = {"batch": RestJson(), "logs": AwsJson()}
        self._handlers = handlers(service)
        self.counters = Counters()

    def call(self, request: Request) -> Call:
        """The operation that a request asks for. Raises ApiError when it may not, or when there is none."""
        self.check(request)
        return self.wire(request).call(request)

    def check(self, request: Request) -> None:
        """Raise Forbidden for a request that comes from a web page, or means another host."""
        check_origin(request.headers)
        check_host(request.headers, self._host)

    def wire(self, request: Request) -> Wire:
        """The protocol that a request is in."""
        return self._wires["logs" if "x-amz-target" in request.headers else "batch"]

    def perform(self, call: Call, request: Request) -> tuple[Answer, Any]:
        """Carry a call out: the answer, and the value in it, which is None for an error."""
        wire = self._wires[call.service]
        try:
            value = self._value(call, request)
            answer = wire.answer(call, value)
        except ApiError as exc:
            return self.refuse(call, request, exc), None
        except Exception:
            _log.exception("%s failed", call.operation.name)
            problem = ServerException(f"{call.operation.name} failed on the endpoint: see its standard error")
            return self.refuse(call, request, problem), None
        if call.operation.name == "SubmitJob" and not isinstance(value, Rendered):
            self.counters.submits[value["jobName"]] += 1
        return answer, value

    def refuse(self, call: Call | None, request: Request, error: ApiError) -> Answer:
        """An error in the words of the protocol."""
        self.counters.errors[call.operation.name if call else error.code] += 1
        return self.wire(request).error(error)

    def _value(self, call: Call, request: Request) -> dict[str, Any] | Rendered:
        name = call.operation.name
        handler = self._handlers.get((call.service, name))
        if handler is None:
            raise NotImplementedHere(f"{name} is not implemented by this endpoint")
        if name in CHECKS_OF_SIZE:
            CHECKS_OF_SIZE[name](len(request.body))
        return handler(self._wires[call.service].parameters(call, request))
