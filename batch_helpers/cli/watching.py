"""The options of commands that watch what they submit: who is told, what recovers, when a run pauses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import click

from batch_helpers.errors import InvalidInput

_MONITOR = ("interval", "events", "max_failures", "notify", "end_duplicates")
_RECOVERY = ("memory_growth", "memory_cap", "fallback_queue")


@dataclass(frozen=True, slots=True)
class Watching:
    """monitor: arguments of BatchHelper.monitor. recovery: arguments of a helper. Only what was given."""

    monitor: Mapping[str, Any] = field(default_factory=dict)
    recovery: Mapping[str, Any] = field(default_factory=dict)

    @property
    def given(self) -> list[str]:
        """The options that were given, as they are written; the interval always is."""
        names = [*self.monitor, *self.recovery]
        return ["--" + name.replace("_", "-") for name in names if name != "interval"]

    def check(self) -> None:
        """Raise InvalidInput for what monitor() would refuse, before anything is submitted."""
        from batch_helpers.notify import targets
        from batch_helpers.recovery import circuit

        targets(self.monitor.get("notify", ()))
        circuit((), 0, self.monitor.get("max_failures"))
        if not self.monitor["interval"] > 0:
            raise InvalidInput(f"--interval {self.monitor['interval']}: give a positive number of seconds")
        if (events := self.monitor.get("events")) is not None:
            _touch(events)


def _touch(path: str) -> None:
    try:
        with open(path, "ab"):
            pass
    except OSError as exc:
        raise InvalidInput(f"--events {path}: it cannot be written to: {exc.strerror}") from exc


_OPTIONS = (
    click.option("--interval", type=float, default=10.0, show_default=True, help="Seconds between polls at the most."),
    click.option("--events", type=click.Path(), metavar="FILE", help="Write down the run, for report and retry."),
    click.option("--max-failures", type=float, metavar="SHARE", help="Pause when such a share, 0.05, fails alike."),
    click.option(
        "--notify",
        multiple=True,
        metavar="URL|ARN|COMMAND",
        help="Tell a webhook, an SNS topic or a command of the end and of a pause. May be given again.",
    ),
    click.option("--end-duplicates", is_flag=True, help="End jobs that run beside another of the same work."),
    click.option("--memory-growth", type=float, metavar="FACTOR", help="Again with more memory what ran out of it."),
    click.option("--memory-cap", type=int, metavar="MIB", help="The most memory that a job grows to."),
    click.option("--fallback-queue", metavar="QUEUE", help="Where jobs go that were reclaimed too often."),
)


def watch_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options, and the function a `watching`."""

    @wraps(function)
    def wrapped(**options: Any) -> Any:
        given = {name: options.pop(name) for name in (*_MONITOR, *_RECOVERY)}
        chosen = {name: value for name, value in given.items() if value is not False and value not in (None, ())}
        monitor = {name: value for name, value in chosen.items() if name in _MONITOR}
        recovery = {name: value for name, value in chosen.items() if name in _RECOVERY}
        return function(watching=Watching(monitor, recovery), **options)

    decorated: Callable[..., Any] = wrapped
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated
