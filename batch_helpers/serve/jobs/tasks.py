"""Tasks of several containers, as pure functions of what a definition says about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from batch_helpers.serve.jobs.logs import place_of, task_in


class ContainerEnd(NamedTuple):
    """How one container of an attempt ended; no exit code for one that never ran."""

    name: str
    exit_code: int | None = None
    reason: str = ""


def is_essential(container: Mapping[str, Any]) -> bool:
    """Whether a container's end is the end of its task: it is, unless told."""
    essential: bool = container.get("essential", True)
    return essential


def main_of(containers: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The container whose end is its job's end, the last of those that are essential."""
    return [item for item in containers if is_essential(item)][-1]


def streams_of(containers: Sequence[Mapping[str, Any]], definition: str, stream: str | None) -> dict[str, str | None]:
    """The log stream of each container by its name.

    definition: name:revision. stream: the main container's; without one there is none of any.
    """
    if stream is None:
        return dict.fromkeys(item["name"] for item in containers)
    return {item["name"]: place_of(definition, item, task_in(stream)).stream for item in containers}
