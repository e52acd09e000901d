"""Job definitions: registered once for a content, listed, and deregistered."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from batch_helpers.aws_client import AWSAccess
from batch_helpers.engines.aws.api import API
from batch_helpers.errors import AmbiguousAnswer, InvalidInput, NotFound
from batch_helpers.resources.aws.changes import Change, changes
from batch_helpers.resources.aws.checks import short
from batch_helpers.resources.aws.definition import JobDefinition, definition_body
from batch_helpers.resources.aws.desk import Outcome, Raw
from batch_helpers.words import nearest

_OURS_TO_LEAVE_OUT = ("command", "environment", "executionRoleArn", "jobRoleArn", "ephemeralStorage")
"""Members of a container that mean something by their absence."""


class JobDefinitions:
    """The job definitions of an account. Making one of these makes no call.

    A definition is named by `NAME`, its newest active revision, by `NAME:REVISION`, or by its ARN. sleep: how it waits.
    """

    def __init__(self, access: AWSAccess | None = None, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._api = API(access or AWSAccess(), "batch", sleep=sleep, connections=4)

    def create(self, spec: JobDefinition, *, update: bool = False) -> Outcome:
        """Register it: `created`, `exists` when the newest revision is like it, or `updated` by another revision.

        Raises InvalidInput, with what differs, when the newest revision differs and there is to be no other.
        """
        body, there = definition_body(spec), self.find(spec.name)
        differing = _differing(body, there) if there else []
        if there and not differing:
            return Outcome("exists")
        if there and not update:
            told = "; ".join(map(str, differing))
            raise InvalidInput(
                f"job definition {label(there)} exists and differs: {told}: use --update to register another revision"
            )
        self._register(body)
        return Outcome("updated" if there else "created", tuple(map(str, differing)))

    def find(self, name: str) -> Raw | None:
        """A definition as AWS Batch describes it, or None when there is no active one."""
        stem, _, revision = short(name).partition(":")
        active = [raw for raw in self.list(stem) if not revision or str(raw["revision"]) == revision]
        return active[-1] if active else None

    def get(self, name: str) -> Raw:
        """As `find`, but NotFound, with the nearest name, when there is none."""
        found = self.find(name)
        if found is None:
            known = {raw["jobDefinitionName"] for raw in self.list()}
            wanted = short(name).partition(":")[0]
            hint = "; other revisions of it are active" if wanted in known else nearest(wanted, known)
            raise NotFound(f"job definition {short(name)!r} does not exist, or is not active{hint}")
        return found

    def list(self, name: str | None = None, *, inactive: bool = False) -> Sequence[Raw]:
        """All active revisions, of one name or of all, as AWS Batch describes them; inactive: those too."""
        given: dict[str, Any] = {"jobDefinitionName": name} if name else {}
        if not inactive:
            given["status"] = "ACTIVE"
        return sorted(self._pages(**given), key=lambda raw: (str(raw["jobDefinitionName"]), int(raw["revision"])))

    def revisions(self, name: str, *, every: bool = False) -> Sequence[str]:
        """The NAME:REVISION that this names, or with `every` all that are active of this name.

        Raises NotFound when there is none, InvalidInput for a name without a revision unless `every`.
        """
        newest = self.get(name)
        if every:
            return [label(raw) for raw in self.list(newest["jobDefinitionName"])]
        if ":" not in short(name):
            raise InvalidInput(f"{name!r}: which revision? give {label(newest)}, the newest, or --all for every one")
        return [label(newest)]

    def deregister(self, revision: str) -> None:
        """Make a NAME:REVISION inactive; jobs that have been submitted are not touched."""
        doing = f"deregister job definition {revision}"
        self._api.ask("deregister_job_definition", doing, jobDefinition=revision)

    def _register(self, body: Mapping[str, Any]) -> None:
        """Once: each registration is another revision."""
        name = body["jobDefinitionName"]
        try:
            self._api.once("register_job_definition", f"register job definition {name!r}", "revision", **body)
        except AmbiguousAnswer:
            there = self.find(name)
            if there is None or _differing(body, there):
                raise

    def _pages(self, **request: Any) -> Sequence[Raw]:
        doing, required = "look up job definitions", "jobDefinitions.revision"
        return [*self._api.pages("describe_job_definitions", doing, required, **request)]


def label(raw: Raw) -> str:
    """`NAME:REVISION` of a description."""
    return f"{raw['jobDefinitionName']}:{raw['revision']}"


def _differing(body: Mapping[str, Any], there: Raw) -> Sequence[Change]:
    """What differs; what we would not leave out unless it was not wanted counts when it is there."""
    container = {**dict.fromkeys(_OURS_TO_LEAVE_OUT), **body["containerProperties"]}
    wanted = {"timeout": None, **body, "containerProperties": container}
    if (there.get("retryStrategy") or {}).get("attempts", 1) > 1:
        wanted.setdefault("retryStrategy", None)
    return list(changes(wanted, there))
