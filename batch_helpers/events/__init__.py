"""A run written down as it happens, one line per change, and read again after the service has forgotten it."""

from __future__ import annotations

from batch_helpers.events.history import History
from batch_helpers.events.reader import EventsFile, read_events, runs_in
from batch_helpers.events.record import Entry, RunRecord
from batch_helpers.events.writer import EventLog

__all__ = ["Entry", "EventLog", "EventsFile", "History", "RunRecord", "read_events", "runs_in"]
