"""The options that say where jobs run, the same on every command."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from batch_helpers.cli.configured import configured
from batch_helpers.errors import InvalidInput

if TYPE_CHECKING:
    from batch_helpers.helper import BatchHelper
    from batch_helpers.settings import Settings

_LOCAL_QUEUE = "local"


@dataclass(frozen=True, slots=True)
class Where:
    """The engine, and how it is reached; what is None is left to the engine's own rules."""

    engine: str
    queue: str | None = None
    profile: str | None = None
    region: str | None = None
    directory: str | None = None
    containers: str | None = None
    pool: str | None = None
    rate: float | None = None
    array: bool | None = None
    spill: str | None = None
    named: bool = False
    """Whether the engine was named in the call, and not only by settings or by default."""

    def helper(self, *, dry_run: bool = False, narrating: bool = True, **more: Any) -> BatchHelper:
        """The engine's helper. narrating: it tells what it does on stderr, otherwise on stdout, as scripts do.
        more: other arguments of the helper.

        Raises InvalidInput for an option that the engine has no use for.
        """
        from batch_helpers.engine_helpers import connect

        own: dict[str, dict[str, Any]] = {
            "aws": {"profile": self.profile, "region": self.region, "spill": self.spill},
            "local": {"directory": self.directory, "containers": self.containers},
            "azure": {"pool": self.pool},
        }
        for engine, options in own.items():
            for name, value in options.items():
                if value is not None and engine != self.engine:
                    raise InvalidInput(f"--{name} {value} is for --engine {engine}, and this is {self.engine}")
        own["aws"] |= {"rate": self.rate, "array": self.array}
        given = {name: value for name, value in {"job_queue": self.queue, **own.get(self.engine, {})}.items() if value}
        return connect(self.engine, dry_run=dry_run, stdout=sys.stderr if narrating else None, **given, **more)

    @property
    def one_queue(self) -> str:
        """The queue that is looked at. Raises InvalidInput when none is named."""
        if self.queue is not None:
            return self.queue
        if self.engine == "local":
            return _LOCAL_QUEUE
        raise InvalidInput("name the job queue to look at: --queue, BATCH_HELPERS_QUEUE, or `queue` in the settings")


_OPTIONS = {
    "engine": click.option(
        "--engine", "-e", show_default="aws", metavar="ENGINE", help="Where jobs run: aws, azure or local."
    ),
    "queue": click.option("--queue", "-q", help="Job queue, by name or ARN; on Azure the Azure job."),
    "profile": click.option("--profile", help="Profile of the AWS configuration."),
    "region": click.option("--region", help="AWS region."),
    "directory": click.option("--directory", show_default=".batch", help="Where the local engine keeps its state."),
    "containers": click.option(
        "--containers", metavar="RUNTIME", help="Runtime of local jobs: docker, podman or apptainer."
    ),
    "pool": click.option("--pool", help="The pool of Azure jobs that are made."),
}

_SUBMISSION = (
    click.option("--array/--no-array", default=None, help="On AWS, jobs that are alike go out as array jobs."),
    click.option("--spill", metavar="s3://BUCKET/PREFIX", help="On AWS, where commands are kept that are too long."),
)


def where_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options, and the function a `where`; what the command is not given, `batch-helpers` may be."""

    @wraps(function)
    def wrapped(**options: Any) -> Any:
        from batch_helpers.settings import FOR_AWS

        outer = click.get_current_context().find_root().params
        given: dict[str, Any] = {
            name: value if (value := options.pop(name)) is not None else outer.get(name) for name in _OPTIONS
        }
        settings, named = configured(), given["engine"] is not None
        given["engine"] = engine = settings.first("engine", given["engine"])
        if given["queue"] is None and _is_for(settings, engine):
            given["queue"] = settings["queue"]
        own = {name: options.pop(name, None) for name in FOR_AWS}
        if engine == "aws":
            own = {name: settings.first(name, value) for name, value in own.items()}
        return function(where=Where(**given, **own, named=named), **options)

    return outer_options(wrapped)


def outer_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a group the options, for its commands."""
    for option in reversed(_OPTIONS.values()):
        function = option(function)
    return function


def submission_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command that submits, beside `where_options`, the options that say how."""
    for option in reversed(_SUBMISSION):
        function = option(function)
    return function


def _is_for(settings: Settings, engine: str) -> bool:
    """Whether the settings' queue is one of this engine: a file names the queue of the engine that it names."""
    return engine == settings["engine"] or settings.setting("queue").kind == "environment"


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
