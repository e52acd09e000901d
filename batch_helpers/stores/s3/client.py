"""The client that all S3 requests go out on, and the patience with which they are sent again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from batch_helpers.aws_client import AWSAccess
from batch_helpers.errors import AmbiguousAnswer, Throttled, Unreachable
from batch_helpers.stores.s3.reader import EVENT, fast_entries

_ATTEMPTS = 6


def s3_client(access: AWSAccess, connections: int) -> Any:
    """A client with `connections` connections and boto3's own retries off, because `retrying` does them."""
    client = access.client(
        "s3", max_pool_connections=connections, connect_timeout=10, retries={"total_max_attempts": 1}
    )
    client.meta.events.register(EVENT, fast_entries, unique_id=__name__)
    return client


def retrying(sleep: Callable[[float], None]) -> Retrying:
    """Six attempts within some 15 seconds, for requests that do no harm when they are carried out twice.

    The waits double, and each is random up to that: https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
    """
    return Retrying(
        retry=retry_if_exception_type((AmbiguousAnswer, Throttled, Unreachable)),
        stop=stop_after_attempt(_ATTEMPTS),
        wait=wait_random_exponential(multiplier=0.5, max=15),
        sleep=sleep,
        reraise=True,
    )
