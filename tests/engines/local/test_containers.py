"""The command lines that container runtimes are given."""

from __future__ import annotations

import os

import pytest

from batch_helpers.engines.local.containers import Container, container_name, removal, run_command

BOX = Container("/bin/docker", "batch-1", "alpine:3", ("/work", "/out put"), ("A", "B"), 1.5, 512)


def test_docker_is_told_folders_variables_limits_and_name() -> None:
    assert run_command(BOX, ["echo", "hi"]) == [
        *("/bin/docker", "run", "--rm", "--name", "batch-1", "--workdir", "/work"),
        *("--user", f"{os.getuid()}:{os.getgid()}"),
        *("--mount", "type=bind,source=/work,target=/work"),
        *("--mount", "type=bind,source=/out put,target=/out put"),
        *("--env", "A", "--env", "B", "--cpus", "1.5", "--memory", "512m", "alpine:3", "echo", "hi"),
    ]


def test_podman_maps_the_user_itself_and_no_memory_is_no_limit() -> None:
    command = run_command(BOX._replace(runtime="/bin/podman", memory=0), [])
    assert "--user" not in command
    assert "--memory" not in command
    assert command[-1] == "alpine:3"


def test_a_folder_with_commas_and_quotes_is_one_field_of_a_mount() -> None:
    command = run_command(BOX._replace(folders=('/a,"b"',)), [])
    assert command[command.index("--mount") + 1] == 'type=bind,"source=/a,""b""","target=/a,""b"""'


def test_apptainer_runs_images_of_registries_and_files() -> None:
    box = BOX._replace(runtime="/opt/apptainer", folders=("/a:b,c",))
    binds = ["--pwd", "/a:b,c", "--bind", "/a\\:b\\,c"]
    assert run_command(box, ["echo"]) == ["/opt/apptainer", "exec", *binds, "docker://alpine:3", "echo"]
    assert run_command(box._replace(image="tool.sif"), []) == ["/opt/apptainer", "run", *binds, "tool.sif"]
    assert run_command(box._replace(image="oras://x/y"), [])[-1] == "oras://x/y"


@pytest.mark.parametrize("runtime", ["docker", "podman"])
def test_a_container_is_removed_by_its_name(runtime: str) -> None:
    assert removal(f"/bin/{runtime}", "batch-1") == [f"/bin/{runtime}", "rm", "--force", "batch-1"]


def test_an_apptainer_ends_with_its_process() -> None:
    assert removal("/bin/apptainer", "batch-1") is None


def test_each_attempt_has_a_container_name_of_its_own_without_colons() -> None:
    assert container_name("parent:3", 2) == "batch-parent-3-2"
