"""A table's text as records and cells: separators, quotes, line numbers."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from batch_helpers.errors import InvalidSamples
from batch_helpers.samples.problems import Problem, refused

if TYPE_CHECKING:
    import pandas as pd

_SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}


@dataclass(frozen=True)
class Table:
    """A file as a table: `raw` is every record from the header on, `body` the stripped rows below the header."""

    header: Sequence[str]
    header_line: int
    raw: pd.DataFrame
    body: pd.DataFrame

    def column(self, name: str) -> list[str]:
        return list(self.body[self.header.index(name)])

    @cached_property
    def lines(self) -> Sequence[int]:
        """The line of the file on which each record starts; a cell in quotes may go over several."""
        breaks = self.raw.fillna("").apply(lambda column: column.str.count("\n")).sum(axis=1)
        return list(self.header_line + self.raw.index + breaks.cumsum() - breaks)


def parse(path: str | os.PathLike[str], text: str) -> Table:
    """The table in this text; InvalidSamples when its rows have no common shape."""
    import pandas as pd

    sep = _separator(path, text)
    try:
        line, header = next(_records(text, sep), (0, []))
        if not header:
            raise InvalidSamples(f"{path} is empty: its first line must name the columns")
        # The python engine, because it alone tells a missing cell (NaN) from an empty one.
        raw = pd.read_csv(
            io.StringIO(text.split("\n", line - 1)[-1]),
            sep=sep,
            names=range(len(header)),
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=False,
            engine="python",
        )
    except (csv.Error, pd.errors.ParserError) as exc:
        raise refused(path, list(_shape_problems(text, sep)) or [(1, str(exc))]) from exc
    stripped = raw.fillna("").apply(lambda column: column.str.strip())
    filled = (stripped != "").any(axis=1)
    if raw[filled].isna().any(axis=None):
        raise refused(path, list(_shape_problems(text, sep)))
    return Table([name.strip() for name in header], line, raw, stripped[filled].iloc[1:])


def _separator(path: str | os.PathLike[str], text: str) -> str:
    """The separator of the file's extension if the header has it, else the one that the header has most."""
    header = text.lstrip().partition("\n")[0]
    usual = _SEPARATORS.get(os.path.splitext(os.fspath(path))[1].lower())
    return usual if usual and usual in header else max(usual or ",", ",", "\t", ";", key=header.count)


def _shape_problems(text: str, sep: str) -> Iterator[Problem]:
    """Rows with too many or too few cells, up to the first quote that cannot be understood."""
    width = 0
    try:
        for line, cells in _records(text, sep):
            width = width or len(cells)
            if len(cells) != width:
                yield line, f"the number of cells is {len(cells)}, but the header has {width}"
    except _Unreadable as exc:
        yield exc.line, f"the row cannot be read ({exc}); is there a stray or unclosed quote?"


class _Unreadable(csv.Error):
    def __init__(self, line: int, problem: str) -> None:
        self.line = line
        super().__init__(problem)


def _records(text: str, sep: str) -> Iterator[tuple[int, list[str]]]:
    """Every record that is not blank, with the line on which it starts."""
    reader = csv.reader(io.StringIO(text), delimiter=sep, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as exc:
        raise _Unreadable(line, str(exc)) from exc
