"""restJson1, which AWS Batch speaks, and awsJson1.1, which CloudWatch Logs speaks."""

from __future__ import annotations

import json
import uuid
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qs, unquote

from batch_helpers.serve.wire.bodies import parsed
from batch_helpers.serve.wire.errors import ApiError, ClientException, ServerException, UnknownOperation
from batch_helpers.serve.wire.messages import Answer, Rendered, Request
from batch_helpers.serve.wire.model import Operation, operations
from batch_helpers.serve.wire.shapes import ShapeError

_COMPACT = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class Call(NamedTuple):
    """An operation that somebody has asked for; `labels` are the parts of the path that carry values."""

    service: str
    operation: Operation
    labels: dict[str, str]


class Wire(Protocol):
    """How a service's calls are spelled in HTTP."""

    def call(self, request: Request) -> Call:
        """Which operation is meant; UnknownOperation when there is none."""
        ...

    def parameters(self, call: Call, request: Request) -> dict[str, Any]:
        """The operation's parameters, checked; ClientException when they do not fit the model."""
        ...

    def answer(self, call: Call, value: dict[str, Any] | Rendered) -> Answer:
        """A 200 with the value; ServerException when it does not fit the model."""
        ...

    def error(self, error: ApiError) -> Answer: ...


class RestJson:
    """Operations are told by method and path."""

    service = "batch"

    def __init__(self) -> None:
        self._operations = operations(self.service)
        self._exact = {(item.method, item.uri): item for item in self._operations.values()}
        self._labelled = [item for item in self._operations.values() if item.in_path]

    def call(self, request: Request) -> Call:
        operation = self._exact.get((request.method, request.path))
        if operation is not None:
            return Call(self.service, operation, {})
        for operation in self._labelled:
            match = operation.path.fullmatch(request.path)
            if match and operation.method == request.method:
                return Call(self.service, operation, {key: unquote(text) for key, text in match.groupdict().items()})
        raise UnknownOperation(f"{request.method} {request.path} is not an operation of AWS Batch")

    def parameters(self, call: Call, request: Request) -> dict[str, Any]:
        parameters = parsed(request.body)
        for name, label in call.operation.in_path:
            parameters[name] = call.labels[label]
        if call.operation.in_query:
            sent = parse_qs(request.query, keep_blank_values=True)
            for name, wire_name, is_list in call.operation.in_query:
                if wire_name in sent:
                    parameters[name] = sent[wire_name] if is_list else sent[wire_name][0]
        return _checked(call, parameters)

    def answer(self, call: Call, value: dict[str, Any] | Rendered) -> Answer:
        return _answer(call, value, "application/json")

    def error(self, error: ApiError) -> Answer:
        headers = (("content-type", "application/json"), ("x-amzn-errortype", error.code), *_request_id())
        return Answer(error.status, headers, _COMPACT({"message": error.message}).encode())


class AwsJson:
    """Operations are told by a header; errors by a member of the body."""

    service = "logs"
    media_type = "application/x-amz-json-1.1"
    prefix = "Logs_20140328."

    def __init__(self) -> None:
        self._operations = operations(self.service)

    def call(self, request: Request) -> Call:
        name = request.headers.get("x-amz-target", "").removeprefix(self.prefix)
        if name not in self._operations:
            raise UnknownOperation(f"{name} is not an operation of CloudWatch Logs")
        return Call(self.service, self._operations[name], {})

    def parameters(self, call: Call, request: Request) -> dict[str, Any]:
        return _checked(call, parsed(request.body))

    def answer(self, call: Call, value: dict[str, Any] | Rendered) -> Answer:
        return _answer(call, value, self.media_type)

    def error(self, error: ApiError) -> Answer:
        code = "InvalidParameterException" if error.code == "ClientException" else error.code
        body = _COMPACT({"__type": code, "message": error.message}).encode()
        return Answer(error.status, (("content-type", self.media_type), *_request_id()), body)


def _checked(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    try:
        call.operation.check_request(parameters)
    except ShapeError as exc:
        raise ClientException(f"1 validation error detected in {call.operation.name}: {exc}") from exc
    return parameters


def _answer(call: Call, value: dict[str, Any] | Rendered, media_type: str) -> Answer:
    headers = (("content-type", media_type), *_request_id())
    if isinstance(value, Rendered):
        return Answer(200, headers, value)
    try:
        call.operation.check_answer(value)
    except ShapeError as exc:
        raise ServerException(f"the answer of {call.operation.name} does not fit the model: {exc}") from exc
    return Answer(200, headers, _COMPACT(value).encode())


def _request_id() -> tuple[tuple[str, str]]:
    return (("x-amzn-requestid", str(uuid.uuid4())),)
