"""What would keep jobs from running on AWS Batch, looked at before any of them is submitted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from batch_helpers.aws_client import AWSAccess
from batch_helpers.doctor.checks import every_check
from batch_helpers.doctor.facts import Absent, Unknown
from batch_helpers.doctor.gathering import Asker, Questions, gather
from batch_helpers.doctor.gathering.batch import definitions
from batch_helpers.doctor.needs import asked_by, distinct
from batch_helpers.finding import Finding, problem, unknown
from batch_helpers.job import Job
from batch_helpers.uris import bucket_and_key, scheme_of

Raw = Mapping[str, Any]


def preflight(
    access: AWSAccess, jobs: Sequence[Job], queue: str | None, contents: Mapping[str, Raw] | None = None
) -> tuple[Finding, ...]:
    """The doctor's checks that these jobs make apply, each kind of need looked at once.

    queue: that of jobs that name none. contents: definitions that will be registered with the jobs, by name, as
    RegisterJobDefinition takes them. Changes nothing.
    """
    asker = Asker(access)
    named = dict.fromkeys(job.job_definition for job in jobs if job.job_definition)
    known: dict[str, Any] = {**(contents or {})}
    known |= definitions(asker, [name for name in named if name not in known])
    needs = distinct(asked_by(job, _there(known.get(job.job_definition or "")), job.job_queue or queue) for job in jobs)
    questions = Questions(
        queues=tuple(dict.fromkeys(need.queue for need in needs if need.queue)),
        needs=needs,
        reads=_folders(uri for job in jobs for uri in job.inputs),
        job_writes=_folders(uri for job in jobs for uri in job.outputs),
    )
    return (*_definitions(known), *every_check(gather(asker, questions)))


def _definitions(known: Mapping[str, Any]) -> Iterator[Finding]:
    for name, found in known.items():
        if isinstance(found, Absent):
            advice = f"batch-helpers job-definition list {name.partition(':')[0]} shows those there are"
            yield problem("definition", found.why, advice)
        elif isinstance(found, Unknown):
            yield unknown("definition", f"{name}: {found.why}")


def _there(found: Any) -> Raw | None:
    return None if isinstance(found, Absent | Unknown) else found


def _folders(uris: Iterator[str]) -> tuple[str, ...]:
    """One folder of each bucket: where the first of its objects is."""
    found: dict[str, str] = {}
    for uri in uris:
        if scheme_of(uri) == "s3":
            bucket, key = bucket_and_key(uri)
            found.setdefault(bucket, f"s3://{bucket}/{key.rpartition('/')[0]}")
    return tuple(found.values())
