"""`batch-helpers retry`: submit the failed jobs of a run again, and nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from batch_helpers.cli.outcome import DONE, ending
from batch_helpers.cli.watching import Watching, watch_options
from batch_helpers.cli.where import Where, json_option, submission_options, where_options
from batch_helpers.diagnose import Cause
from batch_helpers.errors import InvalidInput

if TYPE_CHECKING:
    from batch_helpers.events import RunRecord
    from batch_helpers.job import Job


@click.command("retry")
@click.argument("run", required=False, type=click.Path(), metavar="[RUN]")
@click.option("--failed", is_flag=True, help="Those of the newest run of this folder, instead of RUN.")
@click.option("--cause", "causes", multiple=True, type=click.Choice([str(cause) for cause in Cause]),
              help="Only failures of this cause. May be given again.")  # fmt: skip
@click.option("--detach", is_flag=True, help="Submit, and do not watch.")
@click.option("--dry-run", is_flag=True, help="Tell what would be submitted, and submit nothing.")
@json_option
@ending
@watch_options
@where_options
@submission_options
def command(
    where: Where,
    watching: Watching,
    run: str | None,
    failed: bool,
    causes: tuple[str, ...],
    detach: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Submit the failed jobs of a run again, on its engine, with what they had asked for last.

    RUN is a file that monitor(events=...) has written. Jobs whose outputs are there meanwhile are skipped, active ones
    are reused, as always.
    """
    from batch_helpers.events import read_events
    from batch_helpers.events.again import failed_jobs

    watching.check()
    record = read_events(_run(run, failed=failed))
    jobs = failed_jobs(record, {Cause(cause) for cause in causes} or None)
    _check_folder(record, jobs)
    _tell_of_strangers(record)
    helper = replace(where, engine=record.engine or where.engine).helper(dry_run=dry_run, **watching.recovery)
    ids = helper.add_jobs(jobs)
    told = [(job.name, job_id) for job, job_id in zip(jobs, ids, strict=True) if job_id is not None]
    if as_json:
        click.echo(json.dumps({"jobs": dict(told), "dry_run": dry_run}))
    elif told:
        click.echo("\n".join(f"{name}\t{job_id}" for name, job_id in told))
    else:
        click.echo("nothing to retry", err=True)
    return DONE if detach or not told else helper.monitor(**watching.monitor).exit_code


def _run(given: str | None, *, failed: bool) -> str:
    """The file of events that is meant."""
    from batch_helpers.events import runs_in

    if (given is not None) == failed:
        raise InvalidInput(
            "name a run, a file that monitor(events=...) has written, or give --failed for the newest here"
        )
    if given is not None:
        return given
    found = runs_in(".")
    if not found:
        raise InvalidInput(f"no run was written down in {os.getcwd()}: name one, or run with events=...")
    newest = max(found, key=os.path.getmtime)
    click.echo(f"the newest run here is {newest}", err=True)
    return newest


def _check_folder(record: RunRecord, jobs: Sequence[Job]) -> None:
    """Relative paths mean files of the folder in which the run was made."""
    here = os.getcwd()
    paths = (uri for job in jobs for uri in (*job.outputs, *job.inputs) if "://" not in uri and not os.path.isabs(uri))
    if record.directory and record.directory != here and (path := next(paths, None)) is not None:
        raise InvalidInput(f"{path} is a path in {record.directory}, where the run was made: go there first")


def _tell_of_strangers(record: RunRecord) -> None:
    unknown = sum(entry.job is None and entry.status == "FAILED" for entry in record)
    if unknown:
        click.echo(f"{unknown:,} failed jobs are left out: what they were asked for is not in the events", err=True)
