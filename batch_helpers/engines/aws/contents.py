"""Job definitions that are named by what they hold: one for each content, whoever needs it, and however often."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from batch_helpers.aws_client import http_status
from batch_helpers.engines.aws.api import API
from batch_helpers.engines.aws.once import settled
from batch_helpers.errors import AmbiguousAnswer, InvalidInput, NotFound, ServiceError
from batch_helpers.job import NAME_LIMIT, sanitized

PREFIX = "bh-"
MAX_CONTENT = 24 * 1024
"""Bytes of one definition: https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html"""

REGISTERED_TAG = "batch_helpers:registered"
"""Says when a definition was registered, which the service does not tell; it is on every definition of ours."""

_DIGITS = 16
_CONFLICT = 409


def definition_name(stem: str, content: Mapping[str, Any]) -> str:
    """`bh-<sanitized stem>-<16 hex digits of the content>`, at most 128 characters.

    content: the members of RegisterJobDefinition but for its name, in values that JSON knows.
    """
    digits = hashlib.sha256(_json(dict(content)).encode()).hexdigest()[:_DIGITS]
    return f"{PREFIX}{sanitized(stem)[: NAME_LIMIT - len(PREFIX) - _DIGITS - 1]}-{digits}"


class ContentDefinitions:
    """Finds or registers the definition of a content, each once in a lifetime of this object; thread-safe.

    registered: name:revision of what this object has registered itself, in order.
    """

    def __init__(self, api: API, sleep: Callable[[float], None], now: Callable[[], float] = time.time) -> None:
        self._api, self._sleep, self._now = api, sleep, now
        self._known: dict[str, Mapping[str, Any]] = {}
        self._registered: list[str] = []
        self._lock = threading.Lock()

    @property
    def registered(self) -> Sequence[str]:
        return tuple(self._registered)

    def define(self, stem: str, content: Mapping[str, Any]) -> str:
        """The name to submit with. Raises InvalidInput, before anything is sent, for a content that is too long."""
        name = definition_name(stem, content)
        with self._lock:
            if name not in self._known:
                self._provide(name, content)
        return name

    def renew(self, name: str) -> bool:
        """Provide a definition once more that somebody has deregistered meanwhile; False when it is not of ours."""
        with self._lock:
            content = self._known.get(name)
            if content is not None:
                self._provide(name, content)
        return content is not None

    def knows(self, definition: str) -> bool:
        """Whether this object has looked up or registered a definition (name or name:revision)."""
        return definition.partition(":")[0] in self._known

    def deregister(self, definitions: Iterable[str]) -> None:
        """Make these (name:revision or ARN) inactive; those that are not there, or not any more, are no error."""
        for definition in definitions:
            try:
                self._api.ask(
                    "deregister_job_definition", f"deregister job definition {definition!r}", jobDefinition=definition
                )
            except NotFound:
                continue

    def _provide(self, name: str, content: Mapping[str, Any]) -> None:
        request = self._request(name, content)
        if not self._find(name):
            self._register(request)
        self._known[name] = content

    def _request(self, name: str, content: Mapping[str, Any]) -> dict[str, Any]:
        registered = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="seconds")
        tags = {**content.get("tags", {}), REGISTERED_TAG: registered}
        request = {"jobDefinitionName": name, **content, "tags": tags}
        size = len(_json(request).encode())
        if size > MAX_CONTENT:
            raise InvalidInput(
                f"job definition {name!r} comes to {size} bytes, and the service takes {MAX_CONTENT}: "
                "put the long part (command or environment) in a file that the job reads"
            )
        return request

    def _find(self, name: str) -> bool:
        doing = f"look up job definition {name!r}"
        required = "jobDefinitions.revision"
        pages = self._api.pages("describe_job_definitions", doing, required, jobDefinitionName=name, status="ACTIVE")
        return any(True for _ in pages)

    def _register(self, request: Mapping[str, Any]) -> None:
        name = request["jobDefinitionName"]

        def send() -> bool:
            revision = self._send(request)
            self._registered.append(f"{name}:{revision}")
            return True

        settled(send, lambda: self._find(name) or None, self._sleep)

    def _send(self, request: Mapping[str, Any]) -> int:
        doing = f"register job definition {request['jobDefinitionName']!r}"
        try:
            revision: int = self._api.once("register_job_definition", doing, "revision", **request)["revision"]
        except ServiceError as exc:
            if http_status(exc) == _CONFLICT:
                raise AmbiguousAnswer(f"{exc}; somebody else is registering it at this moment") from exc
            raise
        return revision


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
