"""A run on a page of plain text: what `batch-helpers report` prints, and what the monitor's tables say."""

from __future__ import annotations

from batch_helpers.cost import Costs
from batch_helpers.cost.words import cost_lines, cost_table
from batch_helpers.diagnose import failure_lines
from batch_helpers.events.record import RunRecord
from batch_helpers.report import snapshot_table, summary_line
from batch_helpers.words import printable


def summary_text(record: RunRecord, found: Costs) -> str:
    """The stages, the failures by cause, and what it all used."""
    parts = [summary_line(record.snapshot)]
    if record.stages or record.skipped or record.held:
        parts.append(snapshot_table(record.snapshot))
    if record.failures:
        parts.append("\n".join(["what went wrong:", *failure_lines(record.failures)]))
    if found.total.attempts:
        parts.append("\n".join([*cost_lines(found), "", cost_table(found.stages, found.currency)]))
    said = [*(text for _, text in record.notes), *(f"warning: {text}" for text in record.warnings)]
    if said:
        parts.append("\n".join(printable(text) for text in said))
    return "\n\n".join(parts)
