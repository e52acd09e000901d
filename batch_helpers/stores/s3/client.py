"""The gate that every request to S3 passes: on which client it goes, how fast, and how patiently it is sent again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from batch_helpers.aws_client import AWSAccess, aws_errors, http_status
from batch_helpers.budget import Budget, shared_budget
from batch_helpers.errors import AmbiguousAnswer, Throttled, Unreachable
from batch_helpers.stores.s3.reader import EVENT, fast_entries

RATE = 3500.0
"""Requests per second. A prefix takes 3,500 writes and 5,500 reads before S3 splits it:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html"""

Answer = TypeVar("Answer")

_ATTEMPTS, _ATTEMPTS_WHEN_BUSY = 6, 12
_UNAVAILABLE = 503


def s3_client(access: AWSAccess, connections: int) -> Any:
    """A client with `connections` connections and boto3's own retries off, because the gate does them."""
    client = access.client("s3", **_config(connections))
    client.meta.events.register(EVENT, fast_entries, unique_id=__name__)
    return client


class Gate:
    """Lets requests through from any thread, within the budget that all stores of one account and endpoint share.

    connections: the most at once. sleep: waits before a request is sent again, in seconds. budget: one of one's own.
    """

    def __init__(
        self, access: AWSAccess, connections: int, sleep: Callable[[float], None], budget: Budget | None = None
    ) -> None:
        self._access, self._connections, self._given = access, connections, budget
        self._retrying = _patience(sleep)

    def patiently(self, work: Callable[..., Answer], *args: Any, **kwargs: Any) -> Answer:
        """What `work` returns, which may be carried out several times."""
        return self._retrying(work, *args, **kwargs)

    @contextmanager
    def turn(self, doing: str) -> Iterator[Any]:
        """The client, when a request may go; what comes out of it becomes an error of ours (see aws_errors)."""
        client = self._client
        with self._budget.turn(slowed_by=is_busy), aws_errors(doing):
            yield client

    @cached_property
    def _client(self) -> Any:
        return s3_client(self._access, self._connections)

    @cached_property
    def _budget(self) -> Budget:
        return self._given or shared_budget(self._access.account("s3", **_config(self._connections)), None, RATE)


def _config(connections: int) -> dict[str, Any]:
    return {"max_pool_connections": connections, "connect_timeout": 10, "retries": {"total_max_attempts": 1}}


def is_busy(error: BaseException | None) -> bool:
    """Whether S3 asks to be asked less: SlowDown, and any 503, because HEAD's refusals carry no text."""
    return isinstance(error, Throttled) or (error is not None and http_status(error) == _UNAVAILABLE)


def _patience(sleep: Callable[[float], None]) -> Retrying:
    """For requests that do no harm when they are carried out twice: some 15 seconds, and a minute while S3 is busy.

    The waits double, and each is random up to that: https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
    """
    return Retrying(
        retry=retry_if_exception_type((AmbiguousAnswer, Throttled, Unreachable)),
        stop=_spent,
        wait=wait_random_exponential(multiplier=0.5, max=15),
        sleep=sleep,
        reraise=True,
    )


def _spent(state: RetryCallState) -> bool:
    error = state.outcome.exception() if state.outcome else None
    return state.attempt_number >= (_ATTEMPTS_WHEN_BUSY if is_busy(error) else _ATTEMPTS)
