"""Ending jobs: fifty to a call where the service knows how, one by one where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal

from batch_helpers.engines.aws.api import API
from batch_helpers.engines.aws.crew import chunks, each
from batch_helpers.errors import AmbiguousAnswer, CredentialsError, NotFound, ServiceError, Throttled, Unreachable

TOGETHER = 50
"""Jobs in one call: https://docs.aws.amazon.com/batch/latest/APIReference/API_TerminateJobs.html"""

MAX_REASON = 1024

_HOPELESS = (AmbiguousAnswer, CredentialsError, Throttled, Unreachable)
"""After these no other job fares better."""


class Termination:
    """Ends jobs; those that have ended or are unknown are left alone.

    how: `terminate` ends a job in any state, `cancel` one that has not begun to start:
    https://docs.aws.amazon.com/batch/latest/APIReference/API_CancelJob.html
    """

    def __init__(self, api: API, width: int, how: Literal["terminate", "cancel"]) -> None:
        self._api, self._width, self._how = api, width, how
        self._in_bulk = True

    def end(self, job_ids: Sequence[str], reason: str) -> None:
        """Raise ServiceError when the service refuses to end some of these jobs; the others are ended nevertheless."""
        wanted: Sequence[str] = list(dict.fromkeys(job_ids))
        reason = reason[:MAX_REASON]
        if len(wanted) > 1:
            rest = each(partial(self._end_together, reason=reason), chunks(wanted, TOGETHER), self._width)
            wanted = [job_id for some in rest for job_id in some]
        refusals = [exc for exc in each(partial(self._end_one, reason=reason), wanted, self._width) if exc]
        if refusals:
            raise ServiceError(f"{len(refusals)} jobs could not be ended; the first: {refusals[0]}") from refusals[0]

    def _end_together(self, job_ids: Sequence[str], reason: str) -> Sequence[str]:
        """The jobs that are still to be ended one by one: all of them where the service does not know the operation."""
        if not self._in_bulk:
            return job_ids
        doing = f"{self._how} {len(job_ids)} jobs"
        try:
            answer = self._api.ask(f"{self._how}_jobs", doing, "errors.job", jobs=list(job_ids), reason=reason)
        except _HOPELESS:
            raise
        except ServiceError:
            self._in_bulk = False
            return job_ids
        return [error["job"] for error in answer["errors"]]

    def _end_one(self, job_id: str, reason: str) -> ServiceError | None:
        try:
            self._api.ask(f"{self._how}_job", f"{self._how} job {job_id!r}", jobId=job_id, reason=reason)
        except NotFound:
            return None
        except _HOPELESS:
            raise
        except ServiceError as exc:
            return exc
        return None
