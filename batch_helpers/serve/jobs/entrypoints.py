"""What images put before a command: without containers, only what is told here is known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Entrypoints = Mapping[str, Sequence[str]]
"""The words of the ENTRYPOINT of an image, by its name without tag and digest."""

AWS_CLI: Entrypoints = {"public.ecr.aws/aws-cli/aws-cli": ("aws",), "amazon/aws-cli": ("aws",)}
"""https://docs.aws.amazon.com/cli/latest/userguide/getting-started-docker.html"""


def whole_command(image: str, command: Sequence[str], entrypoints: Entrypoints) -> list[str]:
    """The command as the image would run it."""
    return [*entrypoints.get(_untagged(image), ()), *command]


def _untagged(image: str) -> str:
    name = image.partition("@")[0]
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.partition(':')[0]}"
