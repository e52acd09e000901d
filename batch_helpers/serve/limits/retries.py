"""Limits on retry strategies and timeouts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from batch_helpers.serve.wire.errors import ClientException

ATTEMPTS = range(1, 11)
RULES = 5
PATTERN = 512
SHORTEST_TIMEOUT = 60

_PATTERNS = {
    "onStatusReason": re.compile(r"[A-Za-z0-9.:\s]*\*?"),
    "onReason": re.compile(r"[A-Za-z0-9.:\s]*\*?"),
    "onExitCode": re.compile(r"[0-9]*\*?"),
}


def check_retry_strategy(strategy: Mapping[str, Any]) -> None:
    """1 to 10 attempts, at most 5 rules: https://docs.aws.amazon.com/batch/latest/APIReference/API_RetryStrategy.html"""
    if "attempts" not in strategy:
        raise ClientException("RetryAttempts must be provided with retry strategy")
    if strategy["attempts"] not in ATTEMPTS:
        raise ClientException(f"RetryAttempts must be between {ATTEMPTS[0]} and {ATTEMPTS[-1]}")
    rules = strategy.get("evaluateOnExit", ())
    if len(rules) > RULES:
        raise ClientException(f"EvaluateOnExit must have at most {RULES} conditions, got {len(rules)}")
    for rule in rules:
        check_rule(rule)


def check_rule(rule: Mapping[str, str]) -> None:
    """Patterns are up to 512 letters, digits, `.`, `:` and white space, with one `*` allowed at the end.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_EvaluateOnExit.html
    """
    for name, allowed in _PATTERNS.items():
        pattern = rule.get(name, "")
        if len(pattern) > PATTERN:
            raise ClientException(f"EvaluateOnExit {name} length must be at most {PATTERN}")
        if not allowed.fullmatch(pattern):
            raise ClientException(
                f"EvaluateOnExit {name} should match valid pattern {allowed.pattern}, got {pattern!r}"
            )


def check_timeout(timeout: Mapping[str, int]) -> None:
    """At least 60 seconds: https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html"""
    if timeout.get("attemptDurationSeconds", SHORTEST_TIMEOUT) < SHORTEST_TIMEOUT:
        raise ClientException(f"AttemptDurationSeconds must be at least {SHORTEST_TIMEOUT}")
