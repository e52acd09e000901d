"""Request bodies held to the shapes of the SDK's own models: a property that a model does not have is refused."""

from __future__ import annotations

import datetime
import enum
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any

from azure.batch import models
from azure.batch._utils.model_base import Model

from tests.azure.fake_batch.refusal import Refusal


def check(body: Any, model: type[Any], where: str = "") -> None:
    """Raise Refusal for an unknown property, a missing required one, or a value of the wrong kind."""
    if not isinstance(body, Mapping):
        raise Refusal("InvalidRequestBody", f"{where or model.__name__} must be an object")
    known = _properties(model)
    for name, value in body.items():
        if name not in known:
            raise Refusal("InvalidRequestBody", f"{where}{name} is no property of {model.__name__}")
        if value is not None:
            _check_value(value, known[name], f"{where}{name}")
    for name, hint in known.items():
        if body.get(name) is None and type(None) not in typing.get_args(hint):
            raise Refusal("MissingRequiredProperty", f"{where}{name}")


@cache
def _properties(model: Any) -> Mapping[str, Any]:
    hints = typing.get_type_hints(model, {"_models": models, **vars(typing), "datetime": datetime})
    fields = {name: item for name, item in vars(model).items() if type(item).__name__ == "_RestField"}
    return {item._rest_name_input or name: hints[name] for name, item in fields.items()}


def _check_value(value: Any, hint: Any, where: str) -> None:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        options = [item for item in typing.get_args(hint) if item is not type(None)]
        hint = next((item for item in options if isinstance(item, type) and issubclass(item, enum.Enum)), options[0])
    if typing.get_origin(hint) is list:
        if not isinstance(value, list):
            raise Refusal("InvalidPropertyValue", where)
        for item in value:
            _check_value(item, typing.get_args(hint)[0], f"{where}.")
    elif isinstance(hint, type) and issubclass(hint, Model):
        check(value, hint, f"{where}.")
    elif isinstance(hint, type) and issubclass(hint, enum.Enum):
        if str(value).lower() not in [item.value.lower() for item in hint]:
            raise Refusal("InvalidPropertyValue", where)
    elif hint in (str, int, bool) and type(value) is not hint:
        raise Refusal("InvalidPropertyValue", where)
