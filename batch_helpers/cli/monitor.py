"""`batch-helpers monitor`: watch what is active, without submitting anything."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from batch_helpers.cli.outcome import ending
from batch_helpers.cli.target import Target, is_file
from batch_helpers.cli.where import Where, json_option, where_options
from batch_helpers.errors import InvalidInput

if TYPE_CHECKING:
    from batch_helpers.helper import BatchHelper
    from batch_helpers.job import JobDetail
    from batch_helpers.monitor import Snapshot


@click.command("monitor")
@click.argument("targets", nargs=-1, metavar="[FILE|NAME]...")
@click.option("--interval", type=float, default=10.0, show_default=True, help="Seconds between polls at the most.")
@json_option
@ending
@where_options
def command(where: Where, targets: tuple[str, ...], interval: float, as_json: bool) -> int:
    """Watch active jobs until they have ended: those of the workflow in FILE, those whose names begin with NAME, or all
    of the queue. Ctrl-C ends watching, the jobs go on. With --json each picture that differs is a line, and the last
    one has the jobs and the exit code.
    """
    if not interval > 0:
        raise InvalidInput(f"--interval {interval}: give a positive number of seconds")
    files = [Target(item, where) for item in targets if is_file(item)]
    helper = files[0].helper if files else where.helper()
    names = tuple(item for item in targets if not is_file(item))
    chosen = {item.job_id: item for item in _chosen(helper, where, files, names)}
    snapshot = _watched(helper, chosen.values(), interval, _lines() if as_json else lambda snapshot: None)  # noqa: ARG005
    if as_json:
        jobs = {job_id: {"name": item.short_name, "status": item.status} for job_id, item in snapshot.jobs.items()}
        click.echo(json.dumps({"jobs": jobs, "exit_code": snapshot.exit_code}))
    return snapshot.exit_code


def _lines() -> Callable[[Snapshot], None]:
    """What prints a picture as a line of JSON when anything but the time has changed."""
    from batch_helpers.report import snapshot_fields

    said: dict[str, object] = {}

    def tell(snapshot: Snapshot) -> None:
        found = snapshot_fields(snapshot)
        news = {name: value for name, value in found.items() if name not in ("elapsed", "left")}
        if news != said:
            said.clear()
            said.update(news)
            click.echo(json.dumps({"time": round(time.time(), 3), **found}))

    return tell


def _chosen(helper: BatchHelper, where: Where, files: Sequence[Target], names: tuple[str, ...]) -> Iterator[JobDetail]:
    for file in files:
        yield from helper.engine.describe([item.job_id for item in file.plan if item.job_id]).values()
    if names or not files:
        for detail in helper.engine.active([where.one_queue]):
            if not names or detail.name.startswith(names):
                yield replace(detail, queue=detail.queue or where.one_queue)


def _watched(
    helper: BatchHelper, details: Iterable[JobDetail], interval: float, tell: Callable[[Snapshot], None]
) -> Snapshot:
    from batch_helpers.display import Display
    from batch_helpers.job import Job
    from batch_helpers.monitor import Watch, watch

    watched = Watch(helper.engine, helper.store)
    for detail in details:
        watched.add(Job(detail.short_name).bound(detail.queue, ()), detail)
    snapshot = watched.snapshot()
    with Display(sys.stderr, interval, helper.engine.logs) as display:
        try:
            for snapshot in watch(watched, helper.engine.wait, interval=interval, busy=lambda: bool(watched.open)):
                display.show(snapshot)
                tell(snapshot)
        except KeyboardInterrupt:
            snapshot = replace(snapshot, detached=True)
        display.finish(snapshot)
    return snapshot
