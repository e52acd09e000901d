"""A job's specification: its definition with the submission's overrides, as DescribeJobs will show it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from batch_helpers.serve.jobs.tasks import main_of

_LISTS = ("command", "volumes", "environment", "mountPoints", "ulimits", "resourceRequirements", "secrets")
_TASK_LISTS = ("command", "environment", "mountPoints", "ulimits", "resourceRequirements", "secrets", "dependsOn")
_DEPRECATED = {"vcpus": "VCPU", "memory": "MEMORY"}


class Specification(NamedTuple):
    """What of a JobDetail stays the same for the whole life of a job.

    document: the members beside the container. container: the container, or what is needed of several together.
    task: in a job that has ecsProperties, its task, with its containers only where they are several; None in any other.
    """

    document: dict[str, Any]
    container: dict[str, Any]
    task: dict[str, Any] | None

    @property
    def containers(self) -> list[dict[str, Any]]:
        """All containers of the job."""
        return [self.container] if self.task is None else self.task.get("containers", [self.container])

    def texts(self) -> tuple[str, str, str | None]:
        """The three as JSON."""
        task = None if self.task is None else json.dumps(self.task)
        return json.dumps(self.document), json.dumps(self.container), task


def specification(definition: Mapping[str, Any], request: Mapping[str, Any]) -> Specification:
    """The specification of a submission. Nothing is checked here."""
    document: dict[str, Any] = {
        "retryStrategy": retry_strategy(request.get("retryStrategy") or definition.get("retryStrategy") or {}),
        "dependsOn": request.get("dependsOn", []),
        "parameters": parameters_of(definition, request),
        "propagateTags": request.get("propagateTags", definition.get("propagateTags", False)),
        "platformCapabilities": definition.get("platformCapabilities", ["EC2"]),
    }
    timeout = request.get("timeout", definition.get("timeout"))
    if timeout:
        document["timeout"] = timeout
    priority = request.get("schedulingPriorityOverride", definition.get("schedulingPriority"))
    if priority is not None:
        document["schedulingPriority"] = priority
    containers, task = overridden_containers(definition, request), task_of(definition)
    if task is None:
        return Specification(document, with_lists(containers[0]), None)
    shown, task = [with_lists(container, _TASK_LISTS) for container in containers], {"volumes": [], **task}
    if len(shown) == 1:
        return Specification(document, shown[0], task)
    return Specification(document, together(containers), {**task, "containers": shown})


def parameters_of(definition: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, str]:
    """The definition's parameters with the submission's."""
    return {**definition.get("parameters", {}), **request.get("parameters", {})}


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
    containers = [with_lists(container, _TASK_LISTS) for container in containers_of(document)]
    return {
        **document,
        "ecsProperties": {"taskProperties": [{"volumes": [], **_task(document), "containers": containers}]},
    }


def containers_of(definition: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The containers that a definition runs, of whichever form it is."""
    if "ecsProperties" in definition:
        return list(_task(definition)["containers"])
    return [definition["containerProperties"]]


def task_of(definition: Mapping[str, Any]) -> dict[str, Any] | None:
    """The task of a definition that has ecsProperties, without its containers; None for any other."""
    if "ecsProperties" not in definition:
        return None
    return {name: item for name, item in _task(definition).items() if name != "containers"}


def overrides_of(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a submission overrides of each container that it names, of whichever form it is."""
    if "ecsPropertiesOverride" in request:
        tasks = request["ecsPropertiesOverride"].get("taskProperties") or [{}]
        return list(tasks[0].get("containers", ()))
    return [request["containerOverrides"]] if "containerOverrides" in request else []


def override_of(container: Mapping[str, Any], overrides: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The override that is meant for a container: the one of its name, or one without a name."""
    return next((item for item in overrides if item.get("name", container.get("name")) == container.get("name")), {})


def overridden_containers(definition: Mapping[str, Any], request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The containers of a definition with a submission's overrides."""
    overrides = overrides_of(request)
    return [overridden(item, override_of(item, overrides)) for item in containers_of(definition)]


def together(containers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What several containers need together, under the name and with the log of the main one."""
    totals: dict[str, float] = {}
    for container in containers:
        for kind, value in needs(container).items():
            totals[kind] = totals.get(kind, 0) + float(value)
    kept = {key: item for key, item in main_of(containers).items() if key in ("name", "logConfiguration")}
    return {
        **kept,
        "resourceRequirements": [{"type": kind, "value": f"{total:.12g}"} for kind, total in totals.items()],
    }


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
