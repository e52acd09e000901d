"""What add_task is asked for, as a value. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batch_helpers.cloudops import checks
from batch_helpers.errors import InvalidInput
from batch_helpers.job import Job

FIELDS = (
    "command_line",
    "name_suffix",
    "depends_on",
    "depends_on_range",
    "run_dependent_tasks_on_fail",
    "container_image_name",
    "timeout",
    "outputs",
    "inputs",
)


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """A task before it has an ID. work: the task as a job, under its suffix or `task`."""

    work: Job
    suffix: str
    upstream: tuple[str, ...]
    range: tuple[int, int] | None
    either_way: bool

    def named(self, name: str) -> Job:
        """The job under the name that its task ID gives it; in tables it is counted by its suffix."""
        work = self.work
        return Job(
            name,
            command=work.command,
            image=work.image,
            timeout=work.timeout,
            inputs=work.inputs,
            outputs=work.outputs,
            run_dependents_on_fail=work.run_dependents_on_fail,
            stage=work.stage,
        )


def task_request(given: Mapping[str, Any] | Sequence[str] | str, *, ints: bool) -> TaskRequest:
    """A task from the arguments of add_task, or from its command alone. ints: whether its job's IDs are integers.

    Raises InvalidInput with the argument and its value.
    """
    fields: dict[str, Any] = dict(given) if isinstance(given, Mapping) else {"command_line": given}
    if unknown := [name for name in fields if name not in FIELDS]:
        raise InvalidInput(f"{unknown[0]!r} is no argument of a task; there are: {', '.join(FIELDS)}")
    suffix = fields.get("name_suffix") or ""
    if not isinstance(suffix, str):
        raise InvalidInput(f"name_suffix={suffix!r}: give a string")
    either_way = bool(fields.get("run_dependent_tasks_on_fail"))
    limit = checks.minutes(fields.get("timeout"))
    return TaskRequest(
        work=Job(
            suffix or "task",
            command=_command(fields.get("command_line")),
            image=fields.get("container_image_name"),
            timeout=None if limit is None else max(1, round(limit * 60)),
            inputs=fields.get("inputs") or (),
            outputs=fields.get("outputs") or (),
            run_dependents_on_fail=either_way,
            stage=suffix or "task",
        ),
        suffix=suffix,
        upstream=checks.task_ids(fields.get("depends_on")),
        range=checks.id_range(fields.get("depends_on_range"), ints=ints),
        either_way=either_way,
    )


def _command(given: Any) -> Any:
    if not given or (isinstance(given, str) and not given.strip()):
        raise InvalidInput(f"command_line={given!r}: give the command as you would type it in a terminal")
    return given
