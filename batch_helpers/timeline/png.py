"""SVG -> PNG, by resvg: https://pypi.org/project/resvg-py/"""

from __future__ import annotations

from batch_helpers.errors import MissingExtra

ZOOM = 2.0
"""Pixels to a unit of the drawing, so that it is sharp in print and on dense screens."""


def png(svg: str) -> bytes:
    """A picture of this SVG; MissingExtra when resvg-py is not installed."""
    try:
        from resvg_py import svg_to_bytes
    except ImportError as exc:
        raise MissingExtra("a picture as PNG", "png") from exc
    return bytes(svg_to_bytes(svg_string=svg, zoom=ZOOM))
