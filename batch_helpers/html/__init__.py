"""A run as one HTML file that needs nothing but a browser."""

from __future__ import annotations

from batch_helpers.html.page import report_html

__all__ = ["report_html"]
