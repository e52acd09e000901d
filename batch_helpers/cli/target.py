"""What a command is about: the workflow of a JSON file or of a script, or the jobs that a script adds itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any

import click

from batch_helpers.cli.configured import with_roles
from batch_helpers.cli.script import Script
from batch_helpers.cli.where import Where, where_options
from batch_helpers.errors import InvalidInput

if TYPE_CHECKING:
    from batch_helpers.helper import BatchHelper
    from batch_helpers.preview import Preview
    from batch_helpers.workflow import EZBatchWorkflow


@dataclass(frozen=True)
class Target:
    """A file, and where what is in it runs."""

    file: str
    where: Where
    arguments: Sequence[str] = ()
    buckets: dict[str, str] = field(default_factory=dict)

    @cached_property
    def workflow(self) -> EZBatchWorkflow | None:
        """The workflow; None of a script that adds jobs itself."""
        workflow = load(self.file, self.arguments)
        if workflow is not None:
            workflow.local_buckets.update(self.buckets)
            if self.arguments and not self.is_script:
                raise InvalidInput(f"{self.file} is no script: it takes no arguments ({' '.join(self.arguments)})")
        return workflow

    @property
    def name(self) -> str:
        """What it is called."""
        return self.file if self.workflow is None else self.workflow.name

    @property
    def is_script(self) -> bool:
        """Whether it is Python."""
        return self.file.endswith(".py")

    @property
    def script(self) -> Script:
        """The file as a script."""
        return Script(self.file, self.arguments)

    @cached_property
    def _decided(self) -> tuple[BatchHelper, Preview]:
        if self.workflow is None:
            return self.script.rehearse(self.where)
        helper = self.where.helper()
        return helper, self.workflow.plan(self.where.queue, engine=helper)

    @property
    def helper(self) -> BatchHelper:
        """What the plan was made with."""
        return self._decided[0]

    @property
    def plan(self) -> Preview:
        """What would happen to each job; made once."""
        return self._decided[1]

    def looked_at(self) -> Preview:
        """The plan, with what would keep its jobs from running."""
        if self.workflow is None:
            return replace(self.plan, preflight=self.helper.preflight(self.plan.wanted))
        helper, roles = self.where.helper(), with_roles({})
        return self.workflow.plan(self.where.queue, engine=helper, preflight=True, **roles)

    def cancel(self, reason: str) -> list[str]:
        """End what is active of it; the jobIds."""
        if self.workflow is None:
            return self.helper.cancel([item.job for item in self.plan], reason=reason)
        return self.workflow.cancel(self.where.queue, engine=self.where.helper(), reason=reason)


_ARGUMENTS = (
    click.argument("file", type=click.Path()),
    click.argument("arguments", nargs=-1, metavar="[-- ARGUMENTS...]"),
    click.option(
        "--bucket",
        "buckets",
        multiple=True,
        metavar="BUCKET=FOLDER",
        help="On the local engine FOLDER stands for BUCKET. May be given again.",
    ),
)


def target_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command FILE, a script's ARGUMENTS and the options of where it runs, and the function a `target`."""

    @wraps(function)
    def wrapped(
        *, file: str, arguments: tuple[str, ...], buckets: tuple[str, ...], where: Where, **options: Any
    ) -> Any:
        return function(target=Target(file, where, arguments, dict(map(_bucket, buckets))), **options)

    decorated = where_options(wrapped)
    for argument in reversed(_ARGUMENTS):
        decorated = argument(decorated)
    return decorated


def is_file(word: str) -> bool:
    """Whether a word of the command line names a workflow or a script, and no job."""
    return word.endswith((".json", ".py"))


def load(file: str, arguments: Sequence[str] = ()) -> EZBatchWorkflow | None:
    """The workflow of a JSON file or of a script; None of a script that makes none. Raises InvalidInput."""
    from batch_helpers.workflow import EZBatchWorkflow

    return Script(file, arguments).workflow() if file.endswith(".py") else EZBatchWorkflow.load(file)


def _bucket(text: str) -> tuple[str, str]:
    bucket, separator, folder = text.partition("=")
    if not (bucket and separator and folder):
        raise InvalidInput(f"--bucket {text}: write BUCKET=FOLDER")
    return bucket, folder
