"""How the doctor asks: every question has an answer, if only why there is none."""

from __future__ import annotations

import calendar
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate
from typing import Any

from batch_helpers.aws_client import AWSAccess, aws_errors
from batch_helpers.diagnose.messages import shortened
from batch_helpers.doctor.facts import Absent, Unknown
from batch_helpers.errors import AccessDenied, BatchHelpersError, CredentialsError, NotFound, Unreachable

Answer = Mapping[str, Any]

_CONFIG = {"retries": {"total_max_attempts": 2}, "connect_timeout": 5, "read_timeout": 20}


@dataclass(slots=True)
class Asker:
    """Asks read-only questions of an account, each once, and once and no more a service that cannot be reached.

    clock: seconds since the epoch. skew: seconds by which the last answer's clock was ahead of it.
    """

    access: AWSAccess
    clock: Callable[[], float] = time.time
    skew: float | None = None
    _closed: dict[str, Unknown] = field(default_factory=dict)
    _told: dict[str, Answer | Absent | Unknown] = field(default_factory=dict)

    def ask(self, service: str, operation: str, doing: str, **request: Any) -> Answer | Absent | Unknown:
        """The answer of one call; Absent when what it is about does not exist."""
        question = f"{service} {operation} {sorted(request.items())!r}"
        if question not in self._told:
            self._told[question] = self._closed.get(service) or self._asked(service, operation, doing, request)
        return self._told[question]

    def _asked(self, service: str, operation: str, doing: str, request: Answer) -> Answer | Absent | Unknown:
        try:
            with aws_errors(doing):
                answer: Answer = getattr(self.client(service), operation)(**request)
        except BatchHelpersError as exc:
            return self._failed(service, exc)
        self._note_clock(answer)
        return answer

    def items(
        self, service: str, operation: str, doing: str, member: str, **request: Any
    ) -> tuple[Answer, ...] | Absent | Unknown:
        """The items on all pages of a listing."""
        found: list[Answer] = []
        token: str | None = None
        while True:
            more = {"nextToken" if service in _LOWER_CASE else "NextToken": token} if token else {}
            answer = self.ask(service, operation, doing, **request, **more)
            if isinstance(answer, Absent | Unknown):
                return answer
            found += answer.get(member) or ()
            following = answer.get("nextToken") or answer.get("NextToken")
            if not following or following == token:
                return tuple(found)
            token = following

    def client(self, service: str) -> Any:
        """The client that questions go through."""
        return self.access.client(service, **_CONFIG)

    def elsewhere(self, region: str) -> Asker:
        """The same account in another region."""
        return Asker(replace(self.access, region=region), self.clock)

    def _failed(self, service: str, exc: BatchHelpersError) -> Absent | Unknown:
        self._note_clock(getattr(exc.__cause__, "response", None) or {})
        why = shortened(" ".join(str(exc).split()))
        if isinstance(exc, NotFound):
            return Absent(why)
        if isinstance(exc, Unreachable):
            self._closed[service] = Unknown(why)
        refused = isinstance(exc, CredentialsError)
        if isinstance(exc, AccessDenied):
            why = f"no permission: {why}"
        return Unknown(why, refused=refused)

    def _note_clock(self, answer: Answer) -> None:
        headers = (answer.get("ResponseMetadata") or {}).get("HTTPHeaders") or {}
        told = parsedate(headers.get("date") or "")
        if told:
            self.skew = calendar.timegm(told) - self.clock()


_LOWER_CASE = frozenset({"batch", "ecr", "logs"})
"""Services whose page tokens are spelled nextToken."""
