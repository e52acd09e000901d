"""When each job waited, started and ran: as a picture that stays readable at any number of jobs."""

from __future__ import annotations

from batch_helpers.timeline.picture import over_time_svg, timeline_svg
from batch_helpers.timeline.png import png
from batch_helpers.timeline.spans import Phase, Span, spans

__all__ = ["Phase", "Span", "over_time_svg", "png", "spans", "timeline_svg"]
