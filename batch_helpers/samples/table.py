"""read_samples: a CSV or TSV file, one row per sample, every value the text that stands in the file."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from typing import TypeAlias

from batch_helpers.job import sanitized
from batch_helpers.samples.nearest import did_you_mean, listed
from batch_helpers.samples.parse import Table, parse
from batch_helpers.samples.problems import Problem, refused
from batch_helpers.samples.source import read_text

Sample: TypeAlias = dict[str, str]


def read_samples(
    path: str | os.PathLike[str],
    *,
    key: str = "sample",
    required: Iterable[str] = (),
    optional: Iterable[str] = (),
) -> list[Sample]:
    """Read a CSV or TSV file into one plain dict per row, from column names to the text of the cells.

    Nothing is converted: a sample named `NA`, `001` or `1e5` stays that. Blanks around cells are dropped, and so are
    rows without any text. The separator is that of the extension, else the comma, tab or semicolon that the header
    has most.

    key: the column that names the samples; its values are unique, also after they are sanitised for job names.
    required: columns that must be there. optional: columns that may be missing or have empty cells; both read as `""`.

    Raises InvalidSamples with every problem (the first ten), each by its line in the file and its column.
    """
    wanted = dict.fromkeys((key, *_names(required)))
    may_be_empty = set(_names(optional)) - {key}
    table = parse(path, read_text(path))
    problems = list(_header_problems(table, wanted)) or list(_row_problems(table, key, may_be_empty))
    if problems:
        raise refused(path, problems)
    absent = dict.fromkeys(may_be_empty.difference(table.header), "")
    cells = (table.column(name) for name in table.header)
    return [{**dict(zip(table.header, row, strict=True)), **absent} for row in zip(*cells, strict=True)]


def _header_problems(table: Table, wanted: Iterable[str]) -> Iterator[Problem]:
    line = table.header_line
    for place, name in enumerate(table.header):
        if not name:
            yield line, f"column {place + 1} has no name"
        elif table.header.index(name) < place:
            yield line, f"column {name!r} stands there twice; rename one"
    for name in wanted:
        if name not in table.header:
            known = f"the columns are {listed(table.header)}"
            yield line, f"there is no column {name!r}; {known}{did_you_mean(name, table.header)}"
    if table.body.empty:
        yield line, "there is a header, but no sample below it"


def _row_problems(table: Table, key: str, may_be_empty: Collection[str]) -> Iterator[Problem]:
    yield from _empty_cells(table, may_be_empty)
    first: dict[str, tuple[int, str]] = {}
    for record, name in zip(table.body.index, table.column(key), strict=True):
        before, twin = first.setdefault(sanitized(name), (record, name)) if name else (record, name)
        if before == record:
            continue
        there = f"line {table.lines[before]}"
        if twin == name:
            problem = f"sample {name!r} is on {there} too; a sample has one row"
        else:
            problem = f"{name!r} and {twin!r} on {there} are both {sanitized(name)!r} in job names; rename one"
        yield table.lines[record], f"column {key!r}: {problem}"


def _empty_cells(table: Table, may_be_empty: Collection[str]) -> Iterator[Problem]:
    for place, name in enumerate(table.header):
        if name in may_be_empty:
            continue
        for record in table.body.index[table.body[place] == ""]:
            yield (
                table.lines[record],
                f"column {name!r}: the cell is empty; fill it, or read it with optional=[{name!r}]",
            )


def _names(given: Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
