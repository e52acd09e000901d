"""A job's specification: its definition with the submission's overrides, as DescribeJobs will show it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

_LISTS = ("command", "volumes", "environment", "mountPoints", "ulimits", "resourceRequirements", "secrets")
_TASK_LISTS = ("command", "environment", "mountPoints", "ulimits", "resourceRequirements", "secrets", "dependsOn")
_DEPRECATED = {"vcpus": "VCPU", "memory": "MEMORY"}


class Specification(NamedTuple):
    """What of a JobDetail stays the same for the whole life of a job.

    document: the members beside the container. container: the main container. task: in a job that has ecsProperties,
    its task without the containers; None in any other.
    """

    document: dict[str, Any]
    container: dict[str, Any]
    task: dict[str, Any] | None

    def texts(self) -> tuple[str, str, str | None]:
        """The three as JSON."""
        task = None if self.task is None else json.dumps(self.task)
        return json.dumps(self.document), json.dumps(self.container), task


def specification(definition: Mapping[str, Any], request: Mapping[str, Any]) -> Specification:
    """The specification of a submission. Nothing is checked here."""
    document: dict[str, Any] = {
        "retryStrategy": retry_strategy(request.get("retryStrategy") or definition.get("retryStrategy") or {}),
        "dependsOn": request.get("dependsOn", []),
        "parameters": {**definition.get("parameters", {}), **request.get("parameters", {})},
        "propagateTags": request.get("propagateTags", definition.get("propagateTags", False)),
        "platformCapabilities": definition.get("platformCapabilities", ["EC2"]),
    }
    timeout = request.get("timeout", definition.get("timeout"))
    if timeout:
        document["timeout"] = timeout
    priority = request.get("schedulingPriorityOverride", definition.get("schedulingPriority"))
    if priority is not None:
        document["schedulingPriority"] = priority
    container, task = overridden(main_container(definition), overrides_of(request)), task_of(definition)
    if task is None:
        return Specification(document, with_lists(container), None)
    return Specification(document, with_lists(container, _TASK_LISTS), {"volumes": [], **task})


def retry_strategy(given: Mapping[str, Any]) -> dict[str, Any]:
    """A strategy with everything said: one attempt unless told."""
    return {"attempts": given.get("attempts", 1), "evaluateOnExit": given.get("evaluateOnExit", [])}


def with_lists(container: Mapping[str, Any], lists: Sequence[str] = _LISTS) -> dict[str, Any]:
    """A container with the empty lists that the service adds."""
    return {**{name: [] for name in lists}, **container}


def shown_definition(document: Mapping[str, Any]) -> dict[str, Any]:
    """A registration as DescribeJobDefinitions shows it, with the empty lists that the service adds."""
    if "containerProperties" in document:
        return {**document, "containerProperties": with_lists(document["containerProperties"])}
    containers = [with_lists(main_container(document), _TASK_LISTS)]
    return {
        **document,
        "ecsProperties": {"taskProperties": [{"volumes": [], **_task(document), "containers": containers}]},
    }


def main_container(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The container that a definition runs, of whichever form it is."""
    container: dict[str, Any]
    if "ecsProperties" in definition:
        container = _task(definition)["containers"][0]
    else:
        container = definition["containerProperties"]
    return container


def task_of(definition: Mapping[str, Any]) -> dict[str, Any] | None:
    """The task of a definition that has ecsProperties, without its containers; None for any other."""
    if "ecsProperties" not in definition:
        return None
    return {name: item for name, item in _task(definition).items() if name != "containers"}


def overrides_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """What a submission overrides, of whichever form it is."""
    if "ecsPropertiesOverride" in request:
        tasks = request["ecsPropertiesOverride"].get("taskProperties") or [{}]
        containers = tasks[0].get("containers") or [{}]
        first: dict[str, Any] = containers[0]
        return first
    overrides: dict[str, Any] = request.get("containerOverrides", {})
    return overrides


def needs(container: Mapping[str, Any]) -> dict[str, str]:
    """VCPU, MEMORY (MiB) and GPU of a container, as strings, as far as they are given."""
    found = {kind: str(container[name]) for name, kind in _DEPRECATED.items() if name in container}
    return found | {item["type"]: item["value"] for item in container.get("resourceRequirements", ())}


def overridden(container: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """A container with overrides.

    The deprecated vcpus and memory never override a resource requirement of the definition:
    https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerOverrides.html
    """
    merged = dict(container)
    if "command" in overrides:
        merged["command"] = overrides["command"]
    if "environment" in overrides:
        merged["environment"] = _merged(container.get("environment", ()), overrides["environment"], "name")
    required = {item["type"] for item in container.get("resourceRequirements", ())}
    for name, kind in _DEPRECATED.items():
        if name in overrides and kind not in required:
            merged[name] = overrides[name]
    if "resourceRequirements" in overrides:
        given = overrides["resourceRequirements"]
        merged["resourceRequirements"] = _merged(container.get("resourceRequirements", ()), given, "type")
        for name, kind in _DEPRECATED.items():
            if any(item["type"] == kind for item in given):
                merged.pop(name, None)
    return merged


def _task(definition: Mapping[str, Any]) -> dict[str, Any]:
    task: dict[str, Any] = definition["ecsProperties"]["taskProperties"][0]
    return task


def _merged(base: Sequence[Mapping[str, str]], over: Sequence[Mapping[str, str]], key: str) -> list[Mapping[str, str]]:
    return list({item.get(key): item for item in (*base, *over)}.values())
