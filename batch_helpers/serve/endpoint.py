"""A running endpoint, as tests and benchmarks see it: its address, its counters, its faults."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

from batch_helpers.errors import InvalidInput, ServiceError
from batch_helpers.serve.control import PATH
from batch_helpers.serve.counters import Counters, counters_from
from batch_helpers.serve.faults import Fault
from batch_helpers.serve.outcomes import Outcome

_SECONDS = 60.0


class Endpoint:
    """An endpoint somewhere, reached over its control call, so that it may live in any process.

    url: where it is. faults: what is to go wrong. Errors of the endpoint are raised as InvalidInput or ServiceError.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.faults = EndpointFaults(self)

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that make boto3, the aws command and their like use it."""
        return environment(self.url)

    @property
    def counters(self) -> Counters:
        """What has been asked of it so far; a copy."""
        return counters_from(self.control("counters"))

    def script(self, outcomes: Sequence[Outcome]) -> None:
        """Say how instant jobs end that have not started yet."""
        self.control("outcomes", outcomes=[item.to_json() for item in outcomes])

    def release(self, name: str = "*") -> int:
        """Let held jobs go on whose names match; how many there were."""
        released: int = self.control("release", name=name)["released"]
        return released

    def advance(self, seconds: float) -> None:
        """Let time pass at once, as far as the endpoint is concerned."""
        self.control("advance", seconds=seconds)

    def forget(self, job_ids: Sequence[str]) -> None:
        """Let jobs age out at once."""
        self.control("forget", jobs=list(job_ids))

    def control(self, action: str, **body: Any) -> dict[str, Any]:
        """One control call."""
        data = json.dumps(body).encode()
        request = urllib.request.Request(self.url + PATH + action, data, {"content-type": "application/json"})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
                found: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as exc:
            problem = exc.read().decode(errors="replace")
            kind = InvalidInput if exc.code == 400 else ServiceError
            raise kind(f"{self.url}: {action}: {problem}") from exc
        except OSError as exc:
            raise ServiceError(f"{self.url} does not answer: {exc}") from exc
        return found


class EndpointFaults:
    """The faults of an endpoint. `when`: the members skip, times and probability of a Fault."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def add(self, fault: Fault) -> None:
        """Put a rule into force."""
        self._endpoint.control("fault", **fault.to_json())

    def clear(self) -> None:
        """Let everything go well again."""
        self._endpoint.control("clear")

    def lose_reply(self, operation: str, **when: Any) -> None:
        """Carry the request out, and close the connection without a byte."""
        self.add(Fault("drop", operation, after_work=True, **when))

    def lose_request(self, operation: str, **when: Any) -> None:
        """Close the connection without having done anything."""
        self.add(Fault("drop", operation, **when))

    def cut_headers(self, operation: str, **when: Any) -> None:
        """Carry the request out, and close the connection inside the answer's headers."""
        self.add(Fault("cut-headers", operation, **when))

    def cut_body(self, operation: str, **when: Any) -> None:
        """Carry the request out, and close the connection inside the answer's body."""
        self.add(Fault("cut-body", operation, **when))

    def throttle(self, operation: str, **when: Any) -> None:
        """Answer 429 TooManyRequestsException; nothing is done."""
        self.add(Fault("throttle", operation, **when))

    def fail(self, operation: str, *, after_work: bool = False, **when: Any) -> None:
        """Answer 500 ServerException; nothing is done, unless `after_work`."""
        self.add(Fault("error", operation, after_work=after_work, **when))

    def be_unavailable(self, operation: str, *, after_work: bool = False, **when: Any) -> None:
        """Answer 503; nothing is done, unless `after_work`."""
        self.add(Fault("unavailable", operation, after_work=after_work, **when))

    def delay(self, operation: str, seconds: float, **when: Any) -> None:
        """Answer `seconds` late."""
        self.add(Fault("delay", operation, seconds=seconds, **when))

    def hide_new_jobs(self, *, seconds: float = 0.0, listings: int | None = None, **when: Any) -> None:
        """Keep new jobs out of ListJobs and DescribeJobs for `seconds`, or out of so many listings."""
        self.add(Fault("hide", "SubmitJob", seconds=seconds, listings=listings, **when))

    def shorten_pages(self, operation: str = "*", **when: Any) -> None:
        """Give listings out one item at a time."""
        self.add(Fault("short-page", operation, **when))

    def empty_pages(self, operation: str = "*", **when: Any) -> None:
        """Put a page with nothing on it, which has a next one, before the page that was asked for."""
        self.add(Fault("empty-page", operation, **when))


def environment(url: str) -> dict[str, str]:
    """Environment variables that make boto3, the aws command and their like use the endpoint at `url`."""
    return {"AWS_ENDPOINT_URL_BATCH": url, "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": url}
