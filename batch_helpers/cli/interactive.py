"""`batch-helpers interactive`: runs and queues in a terminal application."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from batch_helpers.cli.outcome import DONE, ending
from batch_helpers.cli.where import Where, where_options
from batch_helpers.errors import InvalidInput, MissingExtra

if TYPE_CHECKING:
    from batch_helpers.tui.sources import Source

_EPILOG = """
Keys: / search, f filter, o order, enter look into a job, w workflow, c cancel, r retry (R all that failed), s other
runs, q quit. Cancelling and retrying ask first.
"""


@click.command("interactive", epilog=_EPILOG)
@click.argument("events", nargs=-1, type=click.Path())
@click.option("--offline", is_flag=True, help="Show what EVENTS tell, and ask no engine.")
@click.option("--refresh", type=click.FloatRange(0.1), default=5.0, show_default=True, help="Seconds between looks.")
@ending
@where_options
def command(where: Where, events: tuple[str, ...], offline: bool, refresh: float) -> int:
    """See runs and queues, look into jobs, cancel and retry them.

    EVENTS are files that monitor(events=...) has written; without any, those in this folder are offered, and the queue
    that --queue names.
    """
    sources = list(_sources(where, events, offline=offline))
    try:
        from batch_helpers.tui.app import Interactive
    except ImportError as exc:
        raise MissingExtra("the interactive view", "tui") from exc
    Interactive(sources, interval=refresh).run()
    return DONE


def _sources(where: Where, events: tuple[str, ...], *, offline: bool) -> Iterator[Source]:
    from batch_helpers.tui.sources import Source

    found = events or tuple(_runs_here())
    if not events and not offline and (where.queue is not None or where.engine == "local" or not found):
        yield Source(where.helper, queue=where.one_queue)
    for path in found:
        yield Source(None if offline else _where(where, path).helper, events=path)
    if events and where.queue is not None and not offline:
        yield Source(where.helper, queue=where.queue)
    if offline and not found:
        raise InvalidInput("--offline shows files of events, and there is none here: name one")


def _runs_here() -> list[str]:
    from batch_helpers.events import runs_in

    return runs_in(".")


def _where(where: Where, path: str) -> Where:
    """The engine on which a run was; a file that is none of ours is told of now."""
    from batch_helpers.events import EventsFile

    return replace(where, engine=EventsFile(path).engine() or where.engine)
