"""`batch-helpers doctor`: what stands between a job and its start, and the commands that mend it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from batch_helpers.cli.account import account_options
from batch_helpers.cli.configured import configured
from batch_helpers.cli.outcome import DONE, FAILED, ending
from batch_helpers.cli.where import json_option
from batch_helpers.errors import InvalidInput

if TYPE_CHECKING:
    from batch_helpers.aws_client import AWSAccess
    from batch_helpers.doctor.needs import Need


@click.command("doctor")
@click.option("--queue", "-q", "queues", multiple=True, help="Job queue, by name or ARN. May be given again.")
@click.option("--job", "job_id", metavar="ID", help="A job that does not start, or that has failed.")
@click.option("--image", "images", multiple=True, help="A container image that jobs use. May be given again.")
@click.option("--bucket", "buckets", multiple=True, metavar="BUCKET[/PREFIX]", help="Where jobs write. May be again.")
@click.option("--vcpus", type=float, help="Would a job with this many vCPUs fit?")
@click.option("--memory", type=int, help="Would a job with this many MiB fit?")
@click.option("--gpus", type=int, help="Would a job with this many GPUs fit?")
@json_option
@ending
@account_options
def command(
    access: AWSAccess,
    *,
    queues: tuple[str, ...],
    job_id: str | None,
    images: tuple[str, ...],
    buckets: tuple[str, ...],
    as_json: bool,
    **size: float | None,
) -> int:
    """Look at the account, a queue and its environments, roles, images and buckets; changes nothing.

    Prints a line for each check: ok, problem or unknown (for lack of permission, say), and below a problem what mends
    it. Exit code 1 when there is a problem.
    """
    from batch_helpers.doctor import examine
    from batch_helpers.doctor.gathering import Questions
    from batch_helpers.finding import finding_lines, problems

    queues = queues or _usual(job_id)
    questions = Questions(
        queues,
        job_id,
        needs=_needs(queues, {name: value for name, value in size.items() if value is not None}),
        images=images,
        writes=tuple(_uri(text) for text in buckets),
        everywhere=True,
    )
    findings = examine(access, questions)
    if as_json:
        click.echo(json.dumps({"findings": [item.to_dict() for item in findings]}))
    else:
        click.echo("\n".join(finding_lines(findings)))
    return FAILED if problems(findings) else DONE


def _usual(job_id: str | None) -> tuple[str, ...]:
    """The queue that was named before the command, or the settings', when no job says which one is meant."""
    named: str | None = click.get_current_context().find_root().params.get("queue")
    if named:
        return (named,)
    settings = configured()
    queue = settings["queue"] if settings["engine"] == "aws" and job_id is None else None
    return (queue,) if queue else ()


def _needs(queues: tuple[str, ...], size: dict[str, float]) -> tuple[Need, ...]:
    from batch_helpers.doctor.needs import Need

    for name, value in size.items():
        if not value > 0:
            raise InvalidInput(f"--{name} {value:g}: give a positive number")
    if size and not queues:
        raise InvalidInput(f"--{next(iter(size))}: say in which queue: --queue")
    return tuple(Need("such a job", queue, **size) for queue in queues) if size else ()  # type: ignore[arg-type]


def _uri(text: str) -> str:
    uri = text if "://" in text else f"s3://{text}"
    if not uri.startswith("s3://") or not uri.removeprefix("s3://").partition("/")[0]:
        raise InvalidInput(f"--bucket {text}: write BUCKET, BUCKET/PREFIX or s3://BUCKET/PREFIX")
    return uri
