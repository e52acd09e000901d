"""Why jobs fail, in words: pure."""

from __future__ import annotations

from batch_helpers.diagnose.causes import Cause
from batch_helpers.diagnose.groups import FailureGroup, Failures, failure_lines, group_failures
from batch_helpers.diagnose.verdict import Diagnosis, diagnose, why_waiting

__all__ = [
    "Cause",
    "Diagnosis",
    "FailureGroup",
    "Failures",
    "diagnose",
    "failure_lines",
    "group_failures",
    "why_waiting",
]
