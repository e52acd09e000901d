"""Templates: texts with `{column}` in them, also inside lists and mappings, that a row fills."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from string import Formatter
from typing import Any, TypeAlias

from batch_helpers.errors import InvalidInput
from batch_helpers.output import Output
from batch_helpers.samples.nearest import did_you_mean, listed

Cells: TypeAlias = Callable[[str], str]
Filler: TypeAlias = Callable[[Cells], Any]
"""What a template becomes: give it a row's cells, and it gives the value."""

_LITERAL = "a brace that is meant literally is written twice: '{{' or '}}'"


class Templates:
    """Turns templates into fillers, and collects in `used` the columns that they ask for."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = columns
        self.used: dict[str, None] = {}

    def filler(self, where: str, value: Any) -> Filler:
        """The filler of any value: strings and paths are templates, also as items of lists and values of mappings."""
        if isinstance(value, os.PathLike):
            value = os.fsdecode(value)
        if isinstance(value, Output):
            return self._output(where, value)
        if isinstance(value, str):
            return self._text(where, value)
        if isinstance(value, Mapping):
            items = [(key, self.filler(f"{where}[{key!r}]", item)) for key, item in value.items()]
            return lambda cells: {key: fill(cells) for key, fill in items}
        if isinstance(value, Iterable) and not isinstance(value, bytes):
            fillers = [self.filler(f"{where}[{place}]", item) for place, item in enumerate(value)]
            return lambda cells: [fill(cells) for fill in fillers]
        return lambda _cells: value

    def _output(self, where: str, value: Output) -> Filler:
        uri = self._text(where, value)
        conditions = {name: self.filler(where, item) for name, item in value.conditions.items()}
        return lambda cells: Output(uri(cells), **{name: fill(cells) for name, fill in conditions.items()})

    def _text(self, where: str, text: str) -> Filler:
        shown = f"{where}={text!r}"
        try:
            pieces = list(Formatter().parse(text))
        except ValueError as exc:
            raise InvalidInput(f"{shown}: {exc}; {_LITERAL}") from exc
        columns = [self._column(shown, field, spec, mark) for _, field, spec, mark in pieces if field is not None]
        self.used.update(dict.fromkeys(columns))
        pattern = "".join(literal.replace("%", "%%") + ("" if field is None else "%s") for literal, field, *_ in pieces)
        return lambda cells: pattern % tuple(map(cells, columns))

    def _column(self, shown: str, field: str, spec: str | None, conversion: str | None) -> str:
        if spec or conversion:
            raise InvalidInput(
                f"{shown}: {{{field}}} takes no format or conversion, the cell goes in as it is; {_LITERAL}"
            )
        if field in self.columns:
            return field
        if not field or field.isdigit() or "[" in field or "." in field:
            problem = f"{{{field}}} is not a column: fields are column names, not positions, attributes or items"
        else:
            problem = f"unknown field {field!r}"
        known = f"the columns are {listed(self.columns)}{did_you_mean(field, self.columns)}"
        raise InvalidInput(f"{shown}: {problem}; {known}; {_LITERAL}")
