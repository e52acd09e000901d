"""Running a job's command in its image, under docker, podman or apptainer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

RUNTIMES = ("docker", "podman", "apptainer")


class Container(NamedTuple):
    """An attempt's container.

    runtime: the program's path. name: what the runtime calls the container. folders: seen inside at the same paths;
    the first one is the working directory. variables: names of environment variables that are passed on, with the
    values that the runtime itself is given. memory: MiB, 0 is no limit. volumes: folders, and where they are inside.
    """

    runtime: str
    name: str
    image: str
    folders: Sequence[str]
    variables: Sequence[str]
    vcpus: float
    memory: int
    volumes: Sequence[tuple[str, str]] = ()


def container_name(job_id: str, attempt: int) -> str:
    return f"batch-{job_id.replace(':', '-')}-{attempt}"


def run_command(container: Container, command: Sequence[str]) -> list[str]:
    """The command line that runs `command`, or the image's own when that is empty, in a container."""
    if _is_apptainer(container.runtime):
        return _apptainer(container, command)
    user = ["--user", f"{os.getuid()}:{os.getgid()}"] if os.path.basename(container.runtime) == "docker" else []
    mounts = [word for pair in _bound(container) for word in ("--mount", _mount(*pair))]
    passed = [word for variable in container.variables for word in ("--env", variable)]
    memory = ["--memory", f"{container.memory}m"] if container.memory else []
    start = [container.runtime, "run", "--rm", "--name", container.name, "--workdir", container.folders[0], *user]
    return [*start, *mounts, *passed, "--cpus", f"{container.vcpus:g}", *memory, container.image, *command]


def removal(runtime: str, name: str) -> list[str] | None:
    """The command that ends and removes a container, where killing the processes that we started would not do."""
    return None if _is_apptainer(runtime) else [runtime, "rm", "--force", name]


def _apptainer(container: Container, command: Sequence[str]) -> list[str]:
    binds = [word for pair in _bound(container) for word in ("--bind", ":".join(map(_escaped, dict.fromkeys(pair))))]
    image = container.image if _is_file_or_uri(container.image) else f"docker://{container.image}"
    verb = "exec" if command else "run"
    return [container.runtime, verb, "--pwd", container.folders[0], *binds, image, *command]


def _is_apptainer(runtime: str) -> bool:
    return os.path.basename(runtime) == "apptainer"


def _is_file_or_uri(image: str) -> bool:
    return "://" in image or image.endswith((".sif", ".img")) or os.path.isdir(image)


def _bound(container: Container) -> list[tuple[str, str]]:
    """Folders, and where they are inside."""
    return [*((folder, folder) for folder in container.folders), *container.volumes]


def _mount(source: str, target: str) -> str:
    """A --mount option is a row of CSV."""
    fields = [f"source={source}", f"target={target}"]
    quoted = ['"' + field.replace('"', '""') + '"' if set(field) & set(',"') else field for field in fields]
    return ",".join(["type=bind", *quoted])


def _escaped(folder: str) -> str:
    return folder.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")
