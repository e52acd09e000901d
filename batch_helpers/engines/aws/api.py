"""The gate that every call to AWS passes: how fast it goes and how patiently it is repeated is decided nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from batch_helpers.aws_client import AWSAccess, aws_errors, required_member
from batch_helpers.budget import Budget, Priority, checked_rate, shared_budget
from batch_helpers.engines.aws.rates import PRIORITIES, default_rate
from batch_helpers.errors import AmbiguousAnswer, ServiceError, Throttled, Unreachable

_CONFIG = {"retries": {"total_max_attempts": 1}, "connect_timeout": 10}
_TRIES: dict[type, int] = {Throttled: 12, AmbiguousAnswer: 6, Unreachable: 4}
_REFUSED = (Throttled, Unreachable)
_PAUSE = wait_random_exponential(multiplier=0.5, max=20)


class API:
    """One service, called by a client that never repeats anything by itself; safe to share between threads.

    boto3 repeats a request that it got no answer for, SubmitJob too, and each repeat may be a job of its own.
    budget: requests per second, for everything in this process that uses the same account, region and service; or a
    Budget of one's own. None is what the service is known to take.
    """

    def __init__(
        self,
        access: AWSAccess,
        service: str,
        *,
        sleep: Callable[[float], None],
        connections: int,
        budget: Budget | float | None = None,
    ) -> None:
        self._access, self._service = access, service
        self._given = budget if budget is None or isinstance(budget, Budget) else checked_rate(budget)
        self._config = {"max_pool_connections": connections, **_CONFIG}
        self._certain = _patience(sleep, _REFUSED)
        self._any = _patience(sleep, (*_REFUSED, AmbiguousAnswer))

    @cached_property
    def _client(self) -> Any:
        return self._access.client(self._service, **self._config)

    @cached_property
    def _budget(self) -> Budget:
        if isinstance(self._given, Budget):
            return self._given
        default = default_rate(self._service, self._client.meta.endpoint_url)
        return shared_budget(self._access.account(self._service, **self._config), self._given, default)

    @property
    def endpoint(self) -> str:
        """The URL that is called."""
        return str(self._client.meta.endpoint_url)

    @property
    def rate(self) -> float | None:
        """Requests a second that are allowed now; None before the first one, for whose account is not known yet."""
        return self._budget.rate if "_budget" in self.__dict__ else None

    def once(self, operation: str, doing: str, *required: str, **request: Any) -> dict[str, Any]:
        """The answer to a request that may not be carried out twice; repeated only when it certainly was refused.

        operation: the client's method. doing: completes "could not …". required: members without which the answer was
        cut short: `jobs`, or `jobs.jobId` for one that each item has. Raises AmbiguousAnswer when nobody knows whether
        it was carried out.
        """
        answer: dict[str, Any] = self._certain(self._call, operation, doing, required, request)
        return answer

    def ask(self, operation: str, doing: str, *required: str, **request: Any) -> dict[str, Any]:
        """The whole answer to a request that may be carried out any number of times; arguments as for `once`."""
        answer: dict[str, Any] = self._any(self._call, operation, doing, required, request)
        return answer

    def pages(
        self, operation: str, doing: str, required: str, *, most: int | None = None, **request: Any
    ) -> Iterator[Any]:
        """The items on every page, empty pages before the last included.

        required: `jobs.jobId`, as for `once`. most: how many pages are read; None is all.
        """
        member = required.partition(".")[0]
        seen: set[str] = set()
        while most is None or len(seen) < most:
            answer = self.ask(operation, doing, required, **request)
            yield from answer[member]
            token = answer.get("nextToken")
            if not token:
                return
            if token in seen:
                raise ServiceError(f"could not {doing}: the service gave the same page token twice")
            seen.add(token)
            request["nextToken"] = token

    def _call(self, operation: str, doing: str, required: Sequence[str], request: dict[str, Any]) -> dict[str, Any]:
        with self._budget.turn(PRIORITIES.get(operation, Priority.POLL)), aws_errors(doing):
            answer: dict[str, Any] = getattr(self._client, operation)(**request)
        for path in required:
            _check_member(answer, path, doing)
        return answer


def _check_member(answer: Mapping[str, Any], path: str, doing: str) -> None:
    """`jobs` must be there; `jobs.jobId` must be in each item of it too."""
    member, _, of_each = path.partition(".")
    value = required_member(answer, member, doing)
    for item in value if of_each else ():
        required_member(item or {}, of_each, doing)


def _patience(sleep: Callable[[float], None], errors: tuple[type[BaseException], ...]) -> Retrying:
    return Retrying(retry=retry_if_exception_type(errors), stop=_spent, wait=_PAUSE, sleep=sleep, reraise=True)


def _spent(state: RetryCallState) -> bool:
    error = state.outcome.exception() if state.outcome else None
    return state.attempt_number >= _TRIES.get(type(error), 1)
