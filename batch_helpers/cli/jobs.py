"""`batch-helpers jobs`: single jobs, without a workflow."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from batch_helpers.cli.names import named_with_command
from batch_helpers.cli.outcome import DONE, REFUSED, ending
from batch_helpers.cli.pairs import pairs
from batch_helpers.cli.rows import row
from batch_helpers.cli.where import Where, json_option, where_options

if TYPE_CHECKING:
    from batch_helpers.job import JobDetail

_STATES = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "FAILED")


@click.group("jobs", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Submit, list and describe single jobs."""


@command.command("submit")
@click.option("--image", help="Container image.")
@click.option("--job-definition", "--definition", help="Job definition, instead of an image.")
@click.option("--output", "outputs", multiple=True, metavar="URI", help="Skip the job when all of these exist.")
@click.option("--depends-on", multiple=True, metavar="JOBID", help="Wait for this job.")
@click.option("--env", "environment", multiple=True, metavar="NAME=VALUE", help="A variable of the job's environment.")
@click.option("--tag", "tags", multiple=True, metavar="NAME=VALUE")
@click.option("--vcpus", type=float)
@click.option("--memory", type=int, help="MiB.")
@click.option("--gpus", type=int, default=0)
@click.option("--attempts", type=int, default=1, show_default=True)
@click.option("--timeout", type=int, help="Seconds for each attempt.")
@json_option
@ending
@named_with_command
@where_options
def submit(
    where: Where, name: str, words: tuple[str, ...], environment: tuple[str, ...], tags: tuple[str, ...],
    as_json: bool, **fields: Any,
) -> int:  # fmt: skip
    """Submit one job called NAME and print its jobId; nothing when its outputs exist.

    One COMMAND word is run by the shell, several are the program and its arguments.
    """
    fields |= {"environment": pairs("--env", environment), "tags": pairs("--tag", tags)}
    job_id = where.helper().add_job(name, command=words[0] if len(words) == 1 else words, **fields)
    click.echo(json.dumps({"jobId": job_id}) if as_json else job_id or "", nl=as_json or job_id is not None)
    return DONE


@command.command("list")
@click.option(
    "--status", "statuses", multiple=True, type=click.Choice(_STATES, case_sensitive=False), help="Only these."
)
@json_option
@ending
@where_options
def list_jobs(where: Where, statuses: tuple[str, ...], as_json: bool) -> int:
    """List the queue's active jobs, and with `--status FAILED` those that have failed lately.

    A line for each: jobId, state, name, reason.
    """
    engine, queue = where.helper().engine, where.one_queue
    active = () if set(statuses) == {"FAILED"} else engine.active([queue])
    found = [*active, *(engine.failed([queue]) if "FAILED" in statuses else ())]
    for item in found:
        if not statuses or item.status in statuses:
            cells = (item.job_id, item.status, item.short_name, item.reason or None)
            click.echo(json.dumps(_plain(item)) if as_json else row(*cells))
    return DONE


@command.command("describe")
@click.argument("jobs", nargs=-1, required=True)
@json_option
@ending
@where_options
def describe(where: Where, jobs: tuple[str, ...], as_json: bool) -> int:
    """Tell all that is known of JOBS, by their jobIds."""
    found = where.helper().engine.describe(jobs)
    for item in found.values():
        click.echo(json.dumps(_plain(item)) if as_json else _text(item))
    missing = [job for job in jobs if job not in found]
    if missing:
        click.echo(f"batch-helpers: not known to {where.engine!r} (any more): {', '.join(missing)}", err=True)
    return REFUSED if missing else DONE


def _plain(detail: JobDetail) -> dict[str, Any]:
    return {**asdict(detail), "name": detail.short_name, "full_name": detail.name}


def _text(detail: JobDetail) -> str:
    return "\n".join(row(name, value) for name, value in _plain(detail).items() if value not in (None, "", ()))
