"""The workflow that a command is about: a JSON file, or a Python script that makes one."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from batch_helpers.cli.where import Where, where_options
from batch_helpers.errors import InvalidInput

if TYPE_CHECKING:
    from batch_helpers.workflow import EZBatchWorkflow

RUN_NAME = "batch_helpers_workflow"
"""The `__name__` of a script that is run for its workflow, so that its `if __name__ == "__main__"` is left out."""


@dataclass(frozen=True, slots=True)
class Target:
    """A workflow, the file that it is from, and where it runs."""

    file: str
    workflow: EZBatchWorkflow
    where: Where


_ARGUMENTS = (
    click.argument("file", type=click.Path()),
    click.option(
        "--bucket",
        "buckets",
        multiple=True,
        metavar="BUCKET=FOLDER",
        help="On the local engine FOLDER stands for BUCKET. May be given again.",
    ),
)


def target_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command FILE and the options of where it runs, and the function a `target`."""

    @wraps(function)
    def wrapped(
        *,
        file: str,
        buckets: tuple[str, ...],
        where: Where,
        **options: Any,
    ) -> Any:
        workflow = load(file)
        workflow.local_buckets.update(_bucket(text) for text in buckets)
        return function(target=Target(file, workflow, where), **options)

    decorated = where_options(wrapped)
    for argument in reversed(_ARGUMENTS):
        decorated = argument(decorated)
    return decorated


def load(file: str) -> EZBatchWorkflow:
    """The workflow of a JSON file or of a script. Raises InvalidInput."""
    from batch_helpers.workflow import EZBatchWorkflow

    return _from_script(file) if file.endswith(".py") else EZBatchWorkflow.load(file)


def _from_script(file: str) -> EZBatchWorkflow:
    from batch_helpers.workflow import EZBatchWorkflow

    if not os.path.isfile(file):
        raise InvalidInput(f"{file}: cannot be read: No such file or directory")
    sys.path.insert(0, os.path.dirname(os.path.abspath(file)))
    made = runpy.run_path(file, run_name=RUN_NAME)
    found = {name: value for name, value in made.items() if isinstance(value, EZBatchWorkflow)}
    distinct = list({id(value): value for value in found.values()}.values())
    if "workflow" in found:
        return found["workflow"]
    if len(distinct) != 1:
        what = f"has {len(distinct)} workflows ({', '.join(found)})" if found else "makes no EZBatchWorkflow"
        raise InvalidInput(
            f"{file}: {what} at its top level: make one, called `workflow`; a script that submits by itself is "
            f"run with python {file}"
        )
    return distinct[0]


def _bucket(text: str) -> tuple[str, str]:
    bucket, separator, folder = text.partition("=")
    if not (bucket and separator and folder):
        raise InvalidInput(f"--bucket {text}: write BUCKET=FOLDER")
    return bucket, folder
