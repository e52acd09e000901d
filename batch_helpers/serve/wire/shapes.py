"""Values held to the shapes of botocore's models: names and types; for requests lengths, ranges and patterns too."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.model import ListShape, MapShape, Shape, StructureShape

Check = Callable[[Any], None]

_CASELESS_ENUMS = frozenset({"RetryAction"})
_CLASSES = {"string": str, "integer": int, "long": int, "boolean": bool}
_NAMES = {"string": "a string", "integer": "an integer", "long": "an integer", "boolean": "true or false"}
_LONGEST_SHOWN = 60

# Clients send empty tags, and always have; more than 50 are refused with the other limits.
_EMPTY_ALL_THE_SAME = frozenset({"TagrisTagsMap"})

# The service leaves these out for a job that has not started, whatever its model says.
_ABSENT_ALL_THE_SAME = {"JobDetail": frozenset({"startedAt"})}


class ShapeError(ValueError):
    """A value that does not fit its shape; the text starts with the path to it."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem, self.path = problem, ""

    def inside(self, name: str) -> ShapeError:
        """The same error, seen from one level further out."""
        self.path = name if not self.path else f"{name}{'' if self.path[0] == '[' else '.'}{self.path}"
        return self

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}" if self.path else self.problem


class Shapes:
    """Checks made from shapes, each shape's once. A check returns, or raises ShapeError.

    constraints: whether lengths, ranges, patterns and enums count too. Answers are held to names and types only: the
    service itself sends empty tags, which its model does not allow. required: whether members may be missed.
    """

    def __init__(self, *, constraints: bool, required: bool = True) -> None:
        self._constraints, self._required = constraints, required
        self._known: dict[str, Check] = {}

    def check(self, shape: Shape) -> Check:
        if shape.name not in self._known:
            self._known[shape.name] = self._made(shape)
        return self._known[shape.name]

    def _made(self, shape: Any) -> Check:
        match shape.type_name:
            case "structure":
                return self._structure(shape)
            case "list":
                return self._list(shape)
            case "map":
                return self._map(shape)
            case "double" | "float":
                return _number
        scalar = _scalar(shape.type_name)
        return _constrained(scalar, shape) if self._constraints else scalar

    def _structure(self, shape: StructureShape) -> Check:
        members = {name: self.check(member) for name, member in shape.members.items()}
        plain = {name: _CLASSES[member.type_name] for name, member in shape.members.items() if self._is_plain(member)}
        required = set(shape.required_members if self._required else ())
        required -= _ABSENT_ALL_THE_SAME.get(shape.name, frozenset())

        def check(value: Any) -> None:
            if value.__class__ is not dict:
                raise ShapeError(f"expected an object, not {_shown(value)}")
            for name, item in value.items():
                if item.__class__ is not plain.get(name):
                    _check_member(members, name, item)
            if not required <= value.keys():
                raise ShapeError(f"{min(required - value.keys())} is required")

        return check

    def _list(self, shape: ListShape) -> Check:
        member, check_size = self.check(shape.member), self._size(shape)

        def check(value: Any) -> None:
            if value.__class__ is not list:
                raise ShapeError(f"expected a list, not {_shown(value)}")
            check_size(value)
            for place, item in enumerate(value):
                try:
                    member(item)
                except ShapeError as exc:
                    raise exc.inside(f"[{place}]") from None

        return check

    def _map(self, shape: MapShape) -> Check:
        check_key, check_item, check_size = self.check(shape.key), self.check(shape.value), self._size(shape)

        def check(value: Any) -> None:
            if value.__class__ is not dict:
                raise ShapeError(f"expected an object, not {_shown(value)}")
            check_size(value)
            for key, item in value.items():
                try:
                    check_key(key)
                    check_item(item)
                except ShapeError as exc:
                    raise exc.inside(key) from None

        return check

    def _size(self, shape: Shape) -> Check:
        if not self._constraints or shape.name in _EMPTY_ALL_THE_SAME:
            return _anything
        return _within(shape.metadata, len, "items")

    def _is_plain(self, shape: Shape) -> bool:
        return shape.type_name in _CLASSES and not (self._constraints and shape.metadata)


def _check_member(members: Mapping[str, Check], name: str, item: Any) -> None:
    if name not in members:
        raise ShapeError(f"there is no member {_shown(name)}; known are {', '.join(members) or 'none'}")
    try:
        members[name](item)
    except ShapeError as exc:
        raise exc.inside(name) from None


def _scalar(type_name: str) -> Check:
    kind, name = _CLASSES[type_name], _NAMES[type_name]

    def check(value: Any) -> None:
        if value.__class__ is not kind:
            raise ShapeError(f"expected {name}, not {_shown(value)}")

    return check


def _number(value: Any) -> None:
    if value.__class__ not in (int, float):
        raise ShapeError(f"expected a number, not {_shown(value)}")


def _anything(_: Any) -> None:
    pass


def _constrained(scalar: Check, shape: Any) -> Check:
    measure, unit = (len, "characters") if shape.type_name == "string" else (_itself, "")
    check_size = _within(shape.metadata, measure, unit)
    choices = _choices(shape)
    pattern = re.compile(shape.metadata["pattern"]) if "pattern" in shape.metadata else None

    def check(value: Any) -> None:
        scalar(value)
        check_size(value)
        if choices and value not in choices:
            raise ShapeError(f"{_shown(value)} is not one of {', '.join(choices)}")
        if pattern and not pattern.fullmatch(value):
            raise ShapeError(f"{_shown(value)} does not match {pattern.pattern}")

    return check


def _choices(shape: Any) -> list[str]:
    choices = list(getattr(shape, "enum", ()))
    return [*choices, *map(str.lower, choices)] if shape.name in _CASELESS_ENUMS else choices


def _within(metadata: Mapping[str, Any], measure: Callable[[Any], Any], unit: str) -> Check:
    least, most = metadata.get("min"), metadata.get("max")
    if least is None and most is None:
        return _anything

    def check(value: Any) -> None:
        size = measure(value)
        if least is not None and size < least:
            raise ShapeError(f"at least {least} {unit} are needed, not {size}".replace("  ", " "))
        if most is not None and size > most:
            raise ShapeError(f"at most {most} {unit} are allowed, not {size}".replace("  ", " "))

    return check


def _itself(value: Any) -> Any:
    return value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
