"""How patiently a request is repeated."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from batch_helpers.azure_client.errors import retry_after
from batch_helpers.errors import AmbiguousAnswer, Throttled, Unreachable

REFUSED = (Throttled, Unreachable)
"""What certainly was not carried out."""

_TRIES: Mapping[type, int] = {Throttled: 12, AmbiguousAnswer: 6, Unreachable: 4}
_PAUSE = wait_random_exponential(multiplier=0.5, max=20)
_LONGEST_PAUSE = 120.0


def patience(
    sleep: Callable[[float], None], errors: tuple[type[Exception], ...] = (*REFUSED, AmbiguousAnswer)
) -> Retrying:
    """Repeats what raises one of these: 12 times when throttled, 6 when an answer was lost, 4 when nobody is there.

    Waits up to 20 seconds between, or as long as the service says, up to two minutes.
    """
    return Retrying(retry=retry_if_exception_type(errors), stop=_spent, wait=_pause, sleep=sleep, reraise=True)


def _spent(state: RetryCallState) -> bool:
    error = state.outcome.exception() if state.outcome else None
    return state.attempt_number >= _TRIES.get(type(error), 1)


def _pause(state: RetryCallState) -> float:
    wanted = retry_after(state.outcome.exception() if state.outcome else None)
    return max(_PAUSE(state), min(wanted or 0.0, _LONGEST_PAUSE))
