"""The seam to engines that keep job definitions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from batch_helpers.engines.base import Engine


@runtime_checkable
class Registry(Protocol):
    """An engine whose jobs run from definitions that must be registered."""

    @property
    def registered(self) -> Sequence[str]:
        """What this object has registered itself, in order."""
        ...

    def define(self, stem: str, content: Mapping[str, Any]) -> str:
        """The name of the definition with this content: looked up, or else registered."""
        ...

    def deregister(self, definitions: Iterable[str]) -> None:
        """Deregister these; jobs that were submitted with them go on."""
        ...


def registry_of(engine: Engine) -> Registry | None:
    """The engine as a registry, if it is one."""
    return engine if isinstance(engine, Registry) else None


def definition_name(stem: str, content: Mapping[str, Any]) -> str:
    """The name under which a content is registered."""
    from batch_helpers.engines.aws import definition_name

    return definition_name(stem, content)
