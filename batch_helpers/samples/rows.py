"""Samples as rows of text, whatever they came as: dicts, other mappings or a DataFrame."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

from batch_helpers.errors import InvalidInput
from batch_helpers.samples.nearest import listed

if TYPE_CHECKING:
    import pandas as pd

Samples: TypeAlias = "Iterable[Mapping[str, Any]] | pd.DataFrame"
Located: TypeAlias = tuple[str, Mapping[str, Any]]
"""A row, with the expression by which its owner finds it again: `samples[3]`, `samples.loc['s1']`."""


def located(samples: Samples) -> tuple[Sequence[str], Iterator[Located]]:
    """The columns, and every row with its place."""
    if _is_frame(samples):
        return _of_frame(samples)
    if isinstance(samples, str | os.PathLike):
        raise InvalidInput(f"samples={samples!r} is a path: give read_samples({os.fspath(samples)!r})")
    if isinstance(samples, Mapping) or not isinstance(samples, Iterable):
        raise InvalidInput(f"samples is one {type(samples).__name__}: give a list of rows, or a DataFrame")
    rows: Iterator[tuple[str, Any]] = ((f"samples[{place}]", row) for place, row in enumerate(samples))
    first = next(rows, None)
    return ([], iter(())) if first is None else (list(_checked(first)[1]), map(_checked, chain([first], rows)))


def cells_of(located_row: Located, columns: Collection[str]) -> Callable[[str], str]:
    """A look-up from column to text for these columns of a row; InvalidInput for a cell that is not exactly a text."""
    place, row = located_row
    missing = [column for column in columns if column not in row]
    if missing:
        raise InvalidInput(f"{place} has no {missing[0]!r}, as the first row has; it has {listed(row)}")
    return {column: _text(row[column], place, column) for column in columns}.__getitem__


def _is_frame(samples: Samples) -> TypeGuard[pd.DataFrame]:
    # Whoever has a DataFrame has imported pandas.
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(samples, pandas.DataFrame)


def _of_frame(frame: pd.DataFrame) -> tuple[Sequence[str], Iterator[Located]]:
    columns = [str(column) for column in frame.columns]
    if len(set(columns)) < len(columns):
        raise InvalidInput(f"the DataFrame has two columns of one name: {listed(columns)}; rename one")
    rows = frame.itertuples(name=None)
    return columns, ((f"samples.loc[{label!r}]", dict(zip(columns, row, strict=True))) for label, *row in rows)


def _checked(numbered: tuple[str, Any]) -> Located:
    place, row = numbered
    if not isinstance(row, Mapping):
        raise InvalidInput(f"{place} is {row!r}: a row is a mapping from column names to values")
    return place, row


def _text(cell: Any, place: str, column: str) -> str:
    """The text of a cell, where there is no doubt about it."""
    if isinstance(cell, str):
        return str(cell)
    if isinstance(cell, os.PathLike):
        return os.fsdecode(cell)
    if not isinstance(cell, bool) and isinstance(cell, Real) and math.isfinite(cell):
        if isinstance(cell, Integral) or cell != math.floor(cell):
            return str(cell)
        raise InvalidInput(
            f"{place}[{column!r}] is the float {cell}: was it {math.floor(cell)} once? Read the file with "
            "read_samples, which keeps the text, or convert the column to integers or strings"
        )
    raise InvalidInput(f"{place}[{column!r}] is {cell!r}: give a string; a missing value never reaches a command")
