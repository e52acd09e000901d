"""One more attempt for jobs of the local engine, where AWS Batch's rules want one."""

from __future__ import annotations

from collections.abc import Iterable

from batch_helpers.engines.local.changes import Changes

_AGAIN = """
UPDATE jobs SET status = 'RUNNABLE', attempts = attempt + 1, reason = '', exit_code = NULL, stopped_at = NULL,
    cancel = NULL
WHERE id = ? AND status = 'FAILED'
"""


def again(changes: Changes, job_ids: Iterable[str]) -> None:
    """Make FAILED jobs RUNNABLE for another attempt; numbers and logs of attempts go on."""
    changes._sqlite.executemany(_AGAIN, [(job_id,) for job_id in job_ids])
