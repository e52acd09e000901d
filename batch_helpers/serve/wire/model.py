"""The operations of a service, made from botocore's own model of it."""

from __future__ import annotations

import re
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from batch_helpers.serve.wire.shapes import Check, Shapes

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel

_REQUESTS, _ANSWERS = Shapes(constraints=True), Shapes(constraints=False)


class Operation:
    """One operation: how it is called, and the checks that its request and its answer must pass.

    path: what the URI must match. in_path: names of parameters and of the pattern's groups that hold them. in_query:
    names of parameters and of their query parameters, and whether they are lists.
    """

    def __init__(self, model: OperationModel) -> None:
        self._model = model
        self.name: str = model.name
        self.method: str = model.http["method"]
        self.uri: str = model.http["requestUri"]
        self.path = _pattern(self.uri)
        members: dict[str, Any] = dict(model.input_shape.members) if model.input_shape else {}
        places = {name: (shape.serialization.get("location"), shape) for name, shape in members.items()}
        self.in_path = [(name, _wire_name(name, shape)) for name, (place, shape) in places.items() if place == "uri"]
        self.in_query = [
            (name, _wire_name(name, shape), shape.type_name == "list")
            for name, (place, shape) in places.items()
            if place == "querystring"
        ]

    @cached_property
    def check_request(self) -> Check:
        return _REQUESTS.check(self._model.input_shape) if self._model.input_shape else _nothing

    @cached_property
    def check_answer(self) -> Check:
        return _ANSWERS.check(self._model.output_shape) if self._model.output_shape else _nothing


@cache
def operations(service: str) -> dict[str, Operation]:
    """The operations of `batch` or `logs` by their names, as the installed botocore knows them."""
    model = service_model(service)
    return {name: Operation(model.operation_model(name)) for name in model.operation_names}


@cache
def service_model(service: str) -> ServiceModel:
    """botocore's model of a service."""
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


@cache
def members(service: str, shape: str) -> frozenset[str]:
    """The names of an object's members."""
    found: Any = service_model(service).shape_for(shape)
    return frozenset(found.members)


@cache
def part_of_answer(service: str, shape: str) -> Check:
    """A check for an object of an answer that may still lack members, even required ones."""
    return Shapes(constraints=False, required=False).check(service_model(service).shape_for(shape))


def _wire_name(name: str, shape: Any) -> str:
    wire_name: str = shape.serialization.get("name", name)
    return wire_name


def _pattern(uri: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\+?\}", uri)
    return re.compile("".join(f"(?P<{part}>.+)" if place % 2 else re.escape(part) for place, part in enumerate(parts)))


def _nothing(_: Any) -> None:
    pass
