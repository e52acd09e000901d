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
from batch_helpers.serve.jobs.tasks import ContainerEnd
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
        name, paths = container["name"], {}
        for point in container.get("mountPoints", ()):
            paths[point["containerPath"].rstrip("/")] = volumes[point["sourceVolume"]]
        written.append(
            {
                "name": name,
                "essential": container.get("essential", True),
                "after": [(item["containerName"], item["condition"]) for item in container.get("dependsOn", ())],
                "directory": os.path.join(folder, "containers", name),
                "log": folders.container_log(ready.id, ready.number, name),
                "command": substituted(container.get("command", ()), parameters),
                "environment": {item["name"]: item.get("value", "") for item in container.get("environment", ())},
                "removal": None,
            }
        )
        if runtime is None:
            _as_process(written[-1], container["image"], paths, entrypoints)
        else:
            _in_image(written[-1], container, paths, (runtime, f"{ready.id}:{name}", ready.number))
    with open(os.path.join(folder, _GIVEN), "w", encoding="utf-8") as file:
        json.dump({"containers": written, "result": os.path.join(folder, _RESULT)}, file)


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


def _as_process(written: dict[str, Any], image: str, paths: Mapping[str, str], entrypoints: Entrypoints) -> None:
    """Put folders of this machine where the container's paths are named."""
    command = whole_command(image, written["command"], entrypoints)
    written["command"] = [_put_in(paths, word) for word in command]
    written["environment"] = {name: _put_in(paths, text) for name, text in written["environment"].items()}


def _put_in(paths: Mapping[str, str], text: str) -> str:
    if not paths:
        return text
    ends = "|".join(map(re.escape, sorted(paths, key=len, reverse=True)))
    return re.sub(rf"(?<![\w./-])(?:{ends})(?![\w.-])", lambda match: paths[match[0]], text)


def _in_image(
    written: dict[str, Any], container: Mapping[str, Any], paths: Mapping[str, str], run: tuple[str, str, int]
) -> None:
    runtime, unique, number = run
    needed, name = needs(container), images.container_name(unique, number)
    variables = [*written["environment"], *SERVICE_VARIABLES]
    mounts = tuple((source, target) for target, source in paths.items())
    given = images.Container(
        runtime,
        name,
        container["image"],
        (written["directory"],),
        variables,
        float(needed["VCPU"]),
        int(needed["MEMORY"]),
        mounts,
    )
    written["command"], written["removal"] = (
        images.run_command(given, written["command"]),
        images.removal(runtime, name),
    )
