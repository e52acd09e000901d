"""Whether an attempt that failed is followed by another: docs.aws.amazon.com/batch/latest/userguide/job_retries.html"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from batch_helpers.serve.jobs.tasks import ContainerEnd


class Failure(NamedTuple):
    """How an attempt failed, in the words that rules are matched against.

    containers: how each of several containers ended, as far as it is known.
    """

    exit_code: int | None = None
    reason: str = ""
    status_reason: str = ""
    timed_out: bool = False
    containers: tuple[ContainerEnd, ...] = ()


def is_retried(strategy: Mapping[str, Any], attempt: int, failure: Failure) -> bool:
    """Whether attempt number `attempt`, which failed, is followed by another.

    The first rule whose conditions all hold decides; without one the attempt is retried. A timeout never is.
    """
    if failure.timed_out or attempt >= strategy.get("attempts", 1):
        return False
    for rule in strategy.get("evaluateOnExit", ()):
        if _holds(rule, failure):
            return bool(rule["action"].upper() == "RETRY")
    return True


def _holds(rule: Mapping[str, str], failure: Failure) -> bool:
    exit_code = "" if failure.exit_code is None else str(failure.exit_code)
    return (
        _matches(rule.get("onExitCode"), exit_code)
        and _matches(rule.get("onReason"), failure.reason)
        and _matches(rule.get("onStatusReason"), failure.status_reason)
    )


def _matches(pattern: str | None, text: str) -> bool:
    if pattern is None:
        return True
    if pattern.endswith("*"):
        return text.startswith(pattern[:-1])
    return text == pattern
