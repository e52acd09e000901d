"""Limits on tasks of several containers.

https://docs.aws.amazon.com/batch/latest/APIReference/API_TaskContainerProperties.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from batch_helpers.serve.jobs.tasks import is_essential
from batch_helpers.serve.wire.errors import ClientException, NotImplementedHere

CONTAINERS = 10
CONDITIONS = ("START", "COMPLETE", "SUCCESS")

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_ELSEWHERE = ("efsVolumeConfiguration", "s3filesVolumeConfiguration")

Container = Mapping[str, Any]


def check_tasks(tasks: Sequence[Mapping[str, Any]]) -> None:
    """One task, of 1 to 10 containers: docs.aws.amazon.com/batch/latest/APIReference/API_EcsProperties.html"""
    if len(tasks) != 1:
        raise ClientException(f"ecsProperties must have exactly one element of taskProperties, got {len(tasks)}")
    containers = tasks[0]["containers"]
    if not 1 <= len(containers) <= CONTAINERS:
        raise ClientException(f"Task must have 1 to {CONTAINERS} containers, got {len(containers)}")
    _check_names(containers)
    if not any(is_essential(container) for container in containers):
        raise ClientException("All jobs must have at least one essential container")
    _check_order(containers)
    _check_volumes(tasks[0], containers)


def check_override(override: Mapping[str, Any], containers: Sequence[Container]) -> None:
    """An override names one of the containers; where there is only one, it needs no name."""
    name, names = override.get("name"), [container.get("name") for container in containers]
    if name is None and len(names) > 1:
        raise ClientException(f"Container override must have a name: the job definition has {len(names)} containers")
    if name is not None and name not in names:
        raise ClientException(f"Container override {name} does not match a container of the job definition")


def _check_names(containers: Sequence[Container]) -> None:
    """Several containers are told apart by their names; a single one needs none."""
    names = [container.get("name") for container in containers]
    for name in names:
        if name is None and len(names) > 1:
            raise ClientException("Container name is required in a task of several containers")
        if name is not None and not _NAME.fullmatch(name):
            raise ClientException("Container name should match valid pattern")
        if names.count(name) > 1:
            raise ClientException(f"Container names must be unique: {name} is given twice")


def _check_order(containers: Sequence[Container]) -> None:
    """Only what ends while the task goes on can be waited for.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_TaskContainerDependency.html
    """
    known = {container.get("name"): container for container in containers}
    for container in containers:
        for item in container.get("dependsOn", ()):
            name, condition = item["containerName"], item["condition"]
            if name not in known:
                raise ClientException(f"Container {container.get('name')} depends on {name}, which does not exist")
            if condition not in CONDITIONS:
                raise ClientException(f"Dependency condition must be one of {', '.join(CONDITIONS)}, got {condition}")
            if condition != "START" and is_essential(known[name]):
                raise ClientException(f"Dependency condition {condition} can't be set on essential container {name}")
    try:
        TopologicalSorter(
            {name: [item["containerName"] for item in of.get("dependsOn", ())] for name, of in known.items()}
        ).prepare()
    except CycleError as exc:
        raise ClientException(f"Container dependencies form a cycle: {' -> '.join(map(str, exc.args[1]))}") from exc


def _check_volumes(task: Mapping[str, Any], containers: Sequence[Container]) -> None:
    """What is mounted must be there."""
    volumes = task.get("volumes", ())
    names = {volume.get("name") for volume in volumes}
    for container in containers:
        for point in container.get("mountPoints", ()):
            if point.get("sourceVolume") not in names:
                raise ClientException(f"Unknown volume {point.get('sourceVolume')!r} in the mountPoints of a container")
    for name in _ELSEWHERE:
        if len(containers) > 1 and any(name in volume for volume in volumes):
            raise NotImplementedHere(f"{name} is not implemented by this endpoint: use a volume of the host")
