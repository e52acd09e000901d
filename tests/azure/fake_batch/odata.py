"""$filter and $select, with the properties and operators that the service allows, and no other.

https://learn.microsoft.com/rest/api/batchservice/odata-filters-in-batch
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.azure.fake_batch.refusal import Refusal

Item = Mapping[str, Any]
Test = Callable[[Item], bool]

_ALL = ("eq", "ne", "ge", "gt", "le", "lt")
_TIMES = {
    **dict.fromkeys(("stateTransitionTime", "creationTime", "lastModified"), _ALL),
    **dict.fromkeys(("executionInfo/startTime", "executionInfo/endTime"), _ALL),
}
TASKS = {
    **_TIMES,
    "id": ("startswith", *_ALL),
    "state": ("eq", "ne"),
    "executionInfo/exitCode": _ALL,
    "executionInfo/result": ("eq", "ne"),
}
JOBS = {**_TIMES, "id": ("startswith", *_ALL), "state": ("eq", "ne"), "executionInfo/poolId": ("startswith", *_ALL)}
POOLS = {**_TIMES, "id": ("startswith", *_ALL), "state": ("eq", "ne"), "vmSize": ("eq", "ne")}

_TOKEN = re.compile(r"\s*(?:(DateTime)?'((?:[^']|'')*)'|(-?\d+)|([A-Za-z/]+)|([(),]))", re.IGNORECASE)
_LONGEST = 8192


def matching(text: str | None, allowed: Mapping[str, Sequence[str]]) -> Test:
    """The test that a $filter means. Raises Refusal for what the service would not take."""
    if text is None:
        return lambda item: True
    if len(text) > _LONGEST:
        raise Refusal("InvalidQueryParameterValue", "$filter is too long")
    return _Parser(text, allowed).whole()


def selected(item: Item, names: str | None) -> dict[str, Any]:
    """Only the properties that $select names."""
    if names is None:
        return dict(item)
    wanted = {name.partition("/")[0] for name in names.split(",")}
    return {name: value for name, value in item.items() if name in wanted}


class _Parser:
    def __init__(self, text: str, allowed: Mapping[str, Sequence[str]]) -> None:
        self._text, self._allowed = text, allowed
        self._tokens: list[tuple[str, str]] = []
        place = 0
        while place < len(text.rstrip()):
            match = _TOKEN.match(text, place)
            if match is None:
                raise self._refusal()
            place = match.end()
            self._tokens.append(self._token(match))

    def whole(self) -> Test:
        test = self._any()
        if self._tokens:
            raise self._refusal()
        return test

    def _any(self) -> Test:
        tests = [self._every()]
        while self._taken("or"):
            tests.append(self._every())
        return lambda item: any(test(item) for test in tests)

    def _every(self) -> Test:
        tests = [self._one()]
        while self._taken("and"):
            tests.append(self._one())
        return lambda item: all(test(item) for test in tests)

    def _one(self) -> Test:
        if self._taken("("):
            test = self._any()
            self._expect(")")
            return test
        if self._taken("startswith"):
            self._expect("(")
            name = self._name("startswith")
            self._expect(",")
            prefix = str(self._value()).lower()
            self._expect(")")
            return lambda item: str(_get(item, name)).lower().startswith(prefix)
        return self._comparison()

    def _comparison(self) -> Test:
        name = self._next("word")
        word = self._next("word").lower()
        if word not in self._allowed.get(name, ()):
            raise self._refusal()
        compare, value = getattr(operator, word), _comparable(self._value())
        return lambda item: (found := _get(item, name)) is not None and compare(_comparable(found), value)

    def _name(self, word: str) -> str:
        name = self._next("word")
        if word not in self._allowed.get(name, ()):
            raise self._refusal()
        return name

    def _value(self) -> str | int:
        kind, text = self._tokens.pop(0) if self._tokens else ("", "")
        if kind not in ("text", "number"):
            raise self._refusal()
        return int(text) if kind == "number" else text

    def _next(self, kind: str) -> str:
        if not self._tokens or self._tokens[0][0] != kind:
            raise self._refusal()
        return self._tokens.pop(0)[1]

    def _taken(self, word: str) -> bool:
        if self._tokens and self._tokens[0][0] != "text" and self._tokens[0][1].lower() == word:
            self._tokens.pop(0)
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._taken(word):
            raise self._refusal()

    def _token(self, match: re.Match[str]) -> tuple[str, str]:
        if match[2] is not None:
            return "text", match[2].replace("''", "'")
        if match[3] is not None:
            return "number", match[3]
        return ("word", match[4]) if match[4] is not None else ("sign", match[5])

    def _refusal(self) -> Refusal:
        return Refusal("InvalidQueryParameterValue", f"$filter: {self._text}")


def _get(item: Item, name: str) -> Any:
    value: Any = item
    for part in name.split("/"):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _comparable(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value
