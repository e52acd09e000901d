"""`batch-helpers logs`: what a job has written."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

import click

from batch_helpers.cli.outcome import DONE, ending
from batch_helpers.cli.where import Where, json_option, where_options
from batch_helpers.errors import InvalidInput, NotFound
from batch_helpers.words import printable

if TYPE_CHECKING:
    from batch_helpers.engines.base import Engine
    from batch_helpers.job import JobDetail

_EVERY = 2.0


@click.command("logs")
@click.argument("job")
@click.option("--attempt", type=click.IntRange(1), help="Which attempt, counted from 1; by default the last.")
@click.option("--follow", "-f", is_flag=True, help="Go on until the job has ended.")
@json_option
@ending
@where_options
def command(where: Where, job: str, attempt: int | None, follow: bool, as_json: bool) -> int:
    """Print the log of JOB, a jobId, or the name of a job of the queue that is active or has failed."""
    engine = where.helper().engine
    detail = _found(engine, where, job)
    lines = _followed(engine, detail, attempt) if follow else engine.logs(detail.job_id, attempt)
    shown = printable if sys.stdout.isatty() else str
    for line in lines:
        click.echo(json.dumps({"jobId": detail.job_id, "line": line}) if as_json else shown(line))
    return DONE


def _found(engine: Engine, where: Where, job: str) -> JobDetail:
    if (detail := engine.describe([job]).get(job)) is not None:
        return detail
    if where.queue is None and where.engine != "local":
        raise NotFound(f"{job!r} is no jobId that {where.engine!r} knows; to look for a name, give its --queue")
    queue = where.one_queue
    named = [item for item in (*engine.active([queue]), *engine.failed([queue])) if job in (item.name, item.short_name)]
    if not named:
        raise NotFound(f"{job!r} is neither a jobId nor the name of an active or failed job of queue {queue!r}")
    if len({item.job_id for item in named}) > 1 and not named[0].status.active:
        raise InvalidInput(
            f"{len(named)} jobs are called {job!r}: give one of {', '.join(i.job_id for i in named[:5])}"
        )
    return named[0]


def _followed(engine: Engine, detail: JobDetail, attempt: int | None) -> Iterator[str]:
    """The lines as they come, of one attempt or of each one that there is from now on."""
    number, printed = attempt, 0
    while True:
        current = engine.describe([detail.job_id]).get(detail.job_id, detail)
        known = sorted({item.number for item in current.attempts}) if attempt is None else [attempt]
        number = number or (known[-1] if known else None)
        for following in [item for item in known if number is not None and item >= number]:
            if following != number:
                number, printed = following, 0
            for line in islice(engine.logs(detail.job_id, number), printed, None):
                printed += 1
                yield line
        if not current.status.active:
            return
        engine.wait(_EVERY)
