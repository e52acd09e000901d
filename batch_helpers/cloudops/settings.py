"""What a job was created with. It lives with the job, so that any process that adds tasks knows it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import NamedTuple

LOGS_FOLDER = "stdout_stderr"
PREFIX = "batch_helpers:"

_MADE = f"{PREFIX}cloudops"


@dataclass(frozen=True, slots=True)
class JobSettings:
    """See CloudClient.create_job. timeout: minutes."""

    name: str
    pool: str
    uses_deps: bool = True
    logs_container: str | None = None
    logs_folder: str = LOGS_FOLDER
    task_retries: int = 0
    mark_complete: bool = False
    task_id_ints: bool = False
    timeout: float | None = None

    def metadata(self) -> dict[str, str]:
        """What the service has no place of its own for."""
        texts = {_MADE: "1", f"{PREFIX}task_id_ints": str(int(self.task_id_ints))}
        texts[f"{PREFIX}mark_complete"] = str(int(self.mark_complete))
        if self.logs_container:
            texts[f"{PREFIX}logs_container"] = self.logs_container
            texts[f"{PREFIX}logs_folder"] = self.logs_folder
        return texts

    def with_metadata(self, texts: Mapping[str, str]) -> JobSettings:
        """These settings with what a job's metadata tells."""
        return JobSettings(
            self.name,
            self.pool,
            uses_deps=self.uses_deps,
            logs_container=texts.get(f"{PREFIX}logs_container"),
            logs_folder=texts.get(f"{PREFIX}logs_folder", LOGS_FOLDER),
            task_retries=self.task_retries,
            mark_complete=texts.get(f"{PREFIX}mark_complete") == "1",
            task_id_ints=texts.get(f"{PREFIX}task_id_ints") == "1",
            timeout=self.timeout,
        )

    def differences(self, there: JobSettings) -> list[str]:
        """What is otherwise in a job that exists, as `field is x there`."""
        pairs = ((item.name, getattr(self, item.name), getattr(there, item.name)) for item in fields(self))
        return [f"{name} is {theirs!r} there" for name, mine, theirs in pairs if _folded(mine) != _folded(theirs)]


class CloudJob(NamedTuple):
    """A job that exists. state: as Azure Batch spells it. reason: why it ended, if it did."""

    settings: JobSettings
    state: str
    reason: str = ""

    @property
    def name(self) -> str:
        return self.settings.name


def _folded(value: object) -> object:
    return value.lower() if isinstance(value, str) else value
