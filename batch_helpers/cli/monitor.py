"""`batch-helpers monitor`: watch what is active, without submitting anything."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from batch_helpers.cli.outcome import ending
from batch_helpers.cli.where import Where, json_option, where_options

if TYPE_CHECKING:
    from batch_helpers.helper import BatchHelper
    from batch_helpers.job import JobDetail
    from batch_helpers.monitor import Snapshot


@click.command("monitor")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--interval", type=float, default=10.0, show_default=True, help="Seconds between polls at the most.")
@json_option
@ending
@where_options
def command(where: Where, names: tuple[str, ...], interval: float, as_json: bool) -> int:
    """Watch the active jobs of the queue until they have ended; with NAMEs those whose names begin so.

    A workflow's jobs begin with the workflow's name. Ctrl-C ends watching, the jobs go on.
    """
    helper = where.helper()
    active = helper.engine.active([where.one_queue])
    chosen = [item for item in active if not names or item.name.startswith(names)]
    snapshot = _watched(helper, where.one_queue, chosen, interval)
    if as_json:
        import json

        jobs = {job_id: {"name": item.short_name, "status": item.status} for job_id, item in snapshot.jobs.items()}
        click.echo(json.dumps({"jobs": jobs, "exit_code": snapshot.exit_code}))
    return snapshot.exit_code


def _watched(helper: BatchHelper, queue: str, details: Iterable[JobDetail], interval: float) -> Snapshot:
    from batch_helpers.display import Display
    from batch_helpers.job import Job
    from batch_helpers.monitor import Watch, watch

    watched = Watch(helper.engine, helper.store)
    for detail in details:
        watched.add(Job(detail.short_name).bound(queue, ()), detail)
    snapshot = watched.snapshot()
    with Display(sys.stderr, interval, helper.engine.logs) as display:
        try:
            for snapshot in watch(watched, helper.engine.wait, interval=interval, busy=lambda: bool(watched.open)):
                display.show(snapshot)
        except KeyboardInterrupt:
            snapshot = replace(snapshot, detached=True)
        display.finish(snapshot)
    return snapshot
