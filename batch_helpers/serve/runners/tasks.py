"""What the program that runs several containers is told, and what it tells: see runners.task."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from typing import Any

from batch_helpers.engines.local import containers as images
from batch_helpers.engines.local.launch import SERVICE_VARIABLES
from batch_helpers.serve.jobs.entrypoints import Entrypoints, whole_command
from batch_helpers.serve.jobs.merging import needs
from batch_helpers.serve.jobs.parameters import substituted
from batch_helpers.serve.jobs.retrying import Failure
from batch_helpers.serve.jobs.tasks import ContainerEnd, is_essential
from batch_helpers.serve.runners.folders import Folders
from batch_helpers.serve.state.rows import Ready
from batch_helpers.serve.verdicts import EXITED, NOT_STARTED

_GIVEN, _RESULT = "task.json", "ended.json"


def command_of(folder: str) -> list[str]:
    """The command that runs the task in a job's folder."""
    return [sys.executable, "-P", "-m", "batch_helpers.serve.runners.task", os.path.join(folder, _GIVEN)]


def several(ready: Ready) -> list[dict[str, Any]]:
    """The containers of a job that has more than one; none for any other."""
    return json.loads(ready.task).get("containers", []) if ready.task else []


def prepare(ready: Ready, folders: Folders, runtime: str | None, entrypoints: Entrypoints) -> None:
    """Write down what an attempt's containers are, in the job's folder."""
    folder, parameters = folders.path(ready.id), json.loads(ready.document)["parameters"]
    volumes = _volumes(json.loads(ready.task or "{}"), folder)
    written = []
    for container in several(ready):
        name, points = container["name"], container.get("mountPoints", ())
        paths = {point["containerPath"].rstrip("/"): volumes[point["sourceVolume"]] for point in points}
        log = folders.container_log(ready.id, ready.number, name)
        item = _written(container, parameters, os.path.join(folder, "containers", name), log)
        if runtime is None:
            written.append(_as_process(item, container["image"], paths, entrypoints))
        else:
            written.append(_in_image(item, container, paths, (runtime, f"{ready.id}:{name}", ready.number)))
    with open(os.path.join(folder, _GIVEN), "w", encoding="utf-8") as file:
        json.dump({"containers": written, "result": os.path.join(folder, _RESULT)}, file)


def _written(container: Mapping[str, Any], parameters: Mapping[str, str], directory: str, log: str) -> dict[str, Any]:
    """What is the same for a process and for an image."""
    return {
        "name": container["name"],
        "essential": is_essential(container),
        "after": [(item["containerName"], item["condition"]) for item in container.get("dependsOn", ())],
        "directory": directory,
        "log": log,
        "command": substituted(container.get("command", ()), parameters),
        "environment": {item["name"]: item.get("value", "") for item in container.get("environment", ())},
        "removal": None,
    }


def how_it_ended(folder: str, otherwise: Failure) -> Failure:
    """How the task in a job's folder ended; as the job's process did when that did not live to tell."""
    try:
        with open(os.path.join(folder, _RESULT), encoding="utf-8") as file:
            told = json.load(file)
    except (OSError, ValueError):
        return otherwise
    ends = tuple(ContainerEnd(**item) for item in told["containers"])
    by = next((item for item in ends if item.name == told["by"]), None)
    if by is None:
        return otherwise._replace(containers=ends)
    return Failure(by.exit_code, by.reason, NOT_STARTED if by.exit_code is None else EXITED, containers=ends)


def _volumes(task: Mapping[str, Any], folder: str) -> dict[str, str]:
    """The folders that stand for volumes: a path of this machine, or one that only this attempt has."""
    found = {}
    for place, volume in enumerate(task.get("volumes", ())):
        path = volume.get("host", {}).get("sourcePath") or os.path.join(folder, "volumes", str(place))
        os.makedirs(path, exist_ok=True)
        found[volume.get("name")] = path
    return found


def _as_process(item: dict[str, Any], image: str, paths: Mapping[str, str], entrypoints: Entrypoints) -> dict[str, Any]:
    """With folders of this machine where the container's paths are named."""
    command = [_put_in(paths, word) for word in whole_command(image, item["command"], entrypoints)]
    environment = {name: _put_in(paths, text) for name, text in item["environment"].items()}
    return {**item, "command": command, "environment": environment}


def _put_in(paths: Mapping[str, str], text: str) -> str:
    if not paths:
        return text
    ends = "|".join(map(re.escape, sorted(paths, key=len, reverse=True)))
    return re.sub(rf"(?<![\w./-])(?:{ends})(?![\w.-])", lambda match: paths[match[0]], text)


def _in_image(
    item: dict[str, Any], container: Mapping[str, Any], paths: Mapping[str, str], run: tuple[str, str, int]
) -> dict[str, Any]:
    """With the command of a runtime around it; `run` is the runtime, the container's unique name and the attempt."""
    runtime, unique, number = run
    needed, name = needs(container), images.container_name(unique, number)
    given = images.Container(
        runtime=runtime,
        name=name,
        image=container["image"],
        folders=(item["directory"],),
        variables=[*item["environment"], *SERVICE_VARIABLES],
        vcpus=float(needed["VCPU"]),
        memory=int(needed["MEMORY"]),
        volumes=tuple((source, target) for target, source in paths.items()),
    )
    command = images.run_command(given, item["command"])
    return {**item, "command": command, "removal": images.removal(runtime, name)}
