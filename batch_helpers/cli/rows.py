"""Lines of tab-separated cells, for cut and awk."""

from __future__ import annotations


def row(*cells: object) -> str:
    """One line; nothing in a cell can end the cell, the line, or steer a terminal. None is `-`."""
    from batch_helpers.words import printable

    return "\t".join("-" if cell is None else printable(str(cell)).replace("\t", " ") for cell in cells)
