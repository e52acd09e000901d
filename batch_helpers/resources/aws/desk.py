"""What compute environments and job queues have in common: made once, compared, waited for, switched and deleted."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from batch_helpers.aws_client import AWSAccess
from batch_helpers.engines.aws.api import API
from batch_helpers.errors import InvalidInput, NotFound, ServiceError, TimedOut
from batch_helpers.resources.aws.bodies import update_body
from batch_helpers.resources.aws.changes import Change, changes
from batch_helpers.resources.aws.checks import short
from batch_helpers.words import nearest

Raw = Mapping[str, Any]

_PAUSE, _SAID_EVERY, _BUSY_FOR = 2.0, 30.0, 120.0
_BUSY = re.compile("resource is being modified|existing JobQueue relationship")
"""Refusals that go away: of what is VALID already, and of an environment whose queue has just gone."""

_SETTLED = ("VALID", "INVALID")


class Outcome(NamedTuple):
    """What became of a resource. said: `created`, `exists` or `updated`. changed: what an update changed, in words."""

    said: str
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """How AWS Batch calls a kind of resource. what: for people; one: in its operations; member: in their requests."""

    what: str
    one: str
    member: str


ENVIRONMENT = Kind("compute environment", "compute_environment", "computeEnvironment")
QUEUE = Kind("job queue", "job_queue", "jobQueue")


def described(api: API, kind: Kind, names: Sequence[str] = ()) -> list[Raw]:
    """Those of these names or ARNs, or all, as AWS Batch describes them, by name; unknown ones are left out."""
    given: dict[str, Any] = {f"{kind.member}s": list(names)} if names else {}
    key = f"{kind.member}Name"
    pages = api.pages(f"describe_{kind.one}s", f"look up {kind.what}s", f"{kind.member}s.{key}", **given)
    return sorted((raw for raw in pages if raw.get("status") != "DELETED"), key=lambda raw: str(raw[key]))


def silent(told: object) -> None:
    """Tells nobody."""


class Desk:
    """One kind of resource of an account. Making one makes no call.

    sleep, clock: how it waits. tell: gets a line for people whenever a state changes, and now and then. patience: the
    most seconds of one wait.
    """

    kind: ClassVar[Kind]

    def __init__(
        self,
        access: AWSAccess | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        tell: Callable[[str], None] = silent,
        patience: float = 900.0,
    ) -> None:
        self.access = access or AWSAccess()
        self.sleep, self.clock, self.tell, self.patience = sleep, clock, tell, patience
        self.api = API(self.access, "batch", sleep=sleep, connections=4)

    def list(self) -> Sequence[Raw]:
        """All of them, as AWS Batch describes them, by name."""
        return described(self.api, self.kind)

    def find(self, name: str) -> Raw | None:
        """The one of this name or ARN as AWS Batch describes it, or None."""
        return next(iter(described(self.api, self.kind, [name])), None)

    def get(self, name: str) -> Raw:
        """As `find`, but NotFound, with the nearest name, when there is none."""
        found = self.find(name)
        if found is None:
            known = [self.name_of(raw) for raw in self.list()]
            raise NotFound(f"{self._called(name)} does not exist{nearest(short(name), known)}")
        return found

    def name_of(self, raw: Raw) -> str:
        """The plain name in a description."""
        name: str = raw[f"{self.kind.member}Name"]
        return name

    def set_state(self, name: str, state: str) -> bool:
        """Make it ENABLED or DISABLED, and wait until it is; whether that changed anything."""
        if self.get(name).get("state") == state:
            return False
        self.update(name, state=state)
        self._await(name, state, lambda raw: raw is not None and raw.get("state") == state)
        return True

    def toggle(self, name: str) -> str:
        """Enable what is disabled, and the other way round; the new state."""
        state = "DISABLED" if self.get(name).get("state") == "ENABLED" else "ENABLED"
        self.set_state(name, state)
        return state

    def update(self, name: str, **members: Any) -> None:
        """Send an update, before and after which nothing is under way."""
        self._await_settled(name)
        self._ask("update", name, **{self.kind.member: name}, **members)
        self._await_settled(name)

    def _ensure(self, body: Raw, *, update: bool, check: Callable[[Raw | None], None] = silent) -> Outcome:
        """Make what the request `body` tells of, unless it is there, and wait until it is VALID.

        check: gets what is there, before anything is changed.
        """
        name = self.name_of(body)
        there = self.find(name)
        if there is not None and there.get("status") == "DELETING":
            self._await(name, "deleted", lambda raw: raw is None)
            there = None
        check(there)
        if there is None:
            try:
                self._ask("create", name, **body)
            except ServiceError:
                there = self.find(name)  # somebody else was faster, or an answer was lost
                if there is None:
                    raise
        differing = [] if there is None else list(changes(body, there))
        if differing:
            self._change(name, there or {}, differing, update=update)
        self._await_valid(name)
        if there is None:
            return Outcome("created")
        return Outcome("updated" if differing else "exists", tuple(map(str, differing)))

    def _change(self, name: str, there: Raw, differing: Sequence[Change], *, update: bool) -> None:
        if not update:
            told = "; ".join(map(str, differing))
            raise InvalidInput(f"{self._called(name)} exists and differs: {told}: use --update, or another name")
        if body := update_body(differing):
            self.update(name, **body)
        if tags := {change.path[1]: change.wanted for change in differing if change.path[0] == "tags"}:
            arn = there[f"{self.kind.member}Arn"]
            self.api.ask("tag_resource", f"tag {self._called(name)}", resourceArn=arn, tags=tags)

    def _remove(self, name: str) -> None:
        """Delete it, which must be disabled and unused, and wait until it is gone."""
        self._ask("delete", name, **{self.kind.member: name})
        self._await(name, "deleted", lambda raw: raw is None)

    def _ask(self, verb: str, name: str, **request: Any) -> None:
        """One request about one of them; sent again while AWS Batch is busy with what was asked before."""
        begun = self.clock()
        while True:
            try:
                self.api.ask(f"{verb}_{self.kind.one}", f"{verb} {self._called(name)}", **request)
                return
            except ServiceError as exc:
                if not _BUSY.search(str(exc)) or self.clock() - begun >= min(_BUSY_FOR, self.patience):
                    raise
                self.sleep(_PAUSE)

    def _await_valid(self, name: str) -> None:
        raw = self._await_settled(name) or {}
        if raw.get("status") == "INVALID":
            reason = raw.get("statusReason") or "AWS Batch gives no reason"
            raise ServiceError(f"{self._called(name)} is INVALID: {reason}")

    def _await_settled(self, name: str) -> Raw | None:
        return self._await(name, "settled", lambda raw: raw is not None and raw.get("status") in _SETTLED)

    def _await(self, name: str, what: str, done: Callable[[Raw | None], bool]) -> Raw | None:
        begun, told, said_at = self.clock(), "", 0.0
        while not done(raw := self.find(name)):
            waited, state = self.clock() - begun, _state(raw)
            if waited >= self.patience:
                look = f"batch-helpers {self.kind.what.replace(' ', '-')} describe {short(name)}"
                problem = f"{self._called(name)} is not {what} after {waited:.0f} s ({state})"
                raise TimedOut(f"{problem}; `{look}` shows how it goes on")
            if state != told or waited - said_at >= _SAID_EVERY:
                told, said_at = state, waited
                self.tell(f"{self._called(name)}: {state} ({waited:.0f} s)")
            self.sleep(_PAUSE)
        return raw

    def _called(self, name: str) -> str:
        return f"{self.kind.what} {short(name)!r}"


def _state(raw: Raw | None) -> str:
    return "not there yet" if raw is None else " ".join(filter(None, (raw.get("status"), raw.get("statusReason"))))
