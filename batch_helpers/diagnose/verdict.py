"""One job -> its cause, the evidence for it, and one line of remedy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from batch_helpers.diagnose.causes import EXITED, RULES, UNDETERMINED, Cause, Rule
from batch_helpers.diagnose.messages import shortened, signature
from batch_helpers.job import Attempt, JobDetail

KILLED = 137
"""128 + SIGKILL: what is left of a process that was killed, for its memory or for anything else."""

_LOG = "look at its log: batch-helpers logs"
_KILLED = f"it was killed (SIGKILL), as going over the memory limit does too: {_LOG}"
_NOTHING = "the service gives no reason that is known here"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why a job failed.

    evidence: the words that tell it, as the service put them. passing: the same job may do well when tried again.
    attempts: the cause of each attempt, in order.
    """

    cause: Cause
    evidence: str
    remedy: str
    passing: bool = False
    attempts: tuple[Cause, ...] = ()


def diagnose(detail: JobDetail) -> Diagnosis:
    """The cause of a failed job: from its reason first, then from its attempts, the newest first.

    The exit code alone decides nothing; a reason that is not known is kept as it is, and its cause is `unknown`.
    """
    attempts = tuple(_cause(attempt.reason, attempt.exit_code) for attempt in detail.attempts)
    for text, code in _told(detail):
        message = signature(text)
        if rule := _matching(message):
            return Diagnosis(rule.cause, shortened(text), rule.remedy, rule.passing, attempts)
        if EXITED.search(message) and code:
            remedy = _KILLED if code == KILLED else f"the command exited with {code}: {_LOG}"
            return Diagnosis(Cause.APPLICATION, f"{shortened(text)} (exit code {code})", remedy, attempts=attempts)
        if text:
            return Diagnosis(Cause.UNKNOWN, shortened(text), f"{_NOTHING}: {_LOG}", attempts=attempts)
    code = detail.exit_code
    evidence = "no reason given" if code is None else f"no reason given, exit code {code}"
    return Diagnosis(Cause.UNKNOWN, evidence, f"{_NOTHING}: {_LOG}", attempts=attempts)


def why_waiting(detail: JobDetail) -> Diagnosis | None:
    """What keeps an active job from starting, when the service says so (the head of a blocked queue does)."""
    if not detail.status.active or not detail.reason:
        return None
    message = signature(detail.reason)
    if rule := _matching(message):
        return Diagnosis(rule.cause, shortened(detail.reason), rule.remedy, rule.passing)
    if UNDETERMINED.search(message):
        remedy = "the service does not know why the queue is blocked: batch-helpers doctor --queue looks further"
        return Diagnosis(Cause.UNKNOWN, shortened(detail.reason), remedy)
    return None


def _told(detail: JobDetail) -> Iterator[tuple[str, int | None]]:
    """What is said of a job, and the exit code that goes with it; what says more stands first."""
    last = detail.attempts[-1] if detail.attempts else Attempt(0)
    code = detail.exit_code if detail.exit_code is not None else last.exit_code
    newest = "; ".join(dict.fromkeys(text for text in (detail.reason, last.reason) if text))
    yield newest, code
    for attempt in reversed(detail.attempts[:-1]):
        yield attempt.reason, attempt.exit_code


def _cause(text: str, code: int | None) -> Cause:
    message = signature(text)
    if rule := _matching(message):
        return rule.cause
    return Cause.APPLICATION if code and EXITED.search(message) else Cause.UNKNOWN


@lru_cache(maxsize=4096)
def _matching(message: str) -> Rule | None:
    """Messages are told apart by their signatures, of which even thousands of failures have few."""
    return next((rule for rule in RULES if rule.pattern.search(message)), None)
