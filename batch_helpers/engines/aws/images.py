"""Job definitions for jobs that are given as an image: one for each content, whoever needs it, and however often."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from typing import Any

from batch_helpers.engines.aws.api import API
from batch_helpers.engines.aws.definition import DEFAULT_MEMORY, DEFAULT_VCPUS, EC2
from batch_helpers.engines.aws.once import settled
from batch_helpers.engines.aws.requests import resource_requirements
from batch_helpers.job import NAME_LIMIT, sanitized

PREFIX = "bh-"
_DIGITS = 16


def content(image: str) -> dict[str, Any]:
    """What the definition holds; its resources are what a job gets that asks for none. For EC2."""
    container = {"image": image, "resourceRequirements": resource_requirements(DEFAULT_VCPUS, DEFAULT_MEMORY)}
    return {"type": "container", "platformCapabilities": [EC2], "containerProperties": container}


def name_of(image: str) -> str:
    """`bh-<sanitized image>-<16 hex digits of what it holds>`."""
    text = json.dumps(content(image), sort_keys=True, separators=(",", ":"))
    digits = hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
    return f"{PREFIX}{sanitized(image)[: NAME_LIMIT - len(PREFIX) - _DIGITS - 1]}-{digits}"


class ImageDefinitions:
    """Finds or registers the definition of an image, each once in a lifetime of this object; thread-safe."""

    def __init__(self, api: API, sleep: Callable[[float], None]) -> None:
        self._api, self._sleep = api, sleep
        self._known: dict[str, str] = {}
        self._lock = threading.Lock()

    def definition(self, image: str) -> str:
        """The `name:revision` to submit with."""
        with self._lock:
            if image not in self._known:
                self._known[image] = self._find(image) or self._register(image)
            return self._known[image]

    def _find(self, image: str) -> str | None:
        doing = f"look up the job definition of image {image!r}"
        request = {"jobDefinitionName": name_of(image), "status": "ACTIVE"}
        revisions = [
            item["revision"]
            for item in self._api.pages("describe_job_definitions", doing, "jobDefinitions.revision", **request)
        ]
        return f"{name_of(image)}:{max(revisions)}" if revisions else None

    def _register(self, image: str) -> str:
        doing = f"register a job definition for image {image!r}"

        def send() -> str:
            request = {"jobDefinitionName": name_of(image), **content(image)}
            answer = self._api.once("register_job_definition", doing, "revision", **request)
            return f"{name_of(image)}:{answer['revision']}"

        return settled(send, lambda: self._find(image), self._sleep)
