"""DescribeJobs, CancelJob, TerminateJob and their bulk forms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from batch_helpers.serve.limits.names import check_reason
from batch_helpers.serve.limits.pages import check_bulk, check_described_jobs
from batch_helpers.serve.service import Service
from batch_helpers.serve.wire.errors import ClientException
from batch_helpers.serve.wire.messages import Rendered

_JOB_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}([:#]\d{1,5})?")


def describe_jobs(service: Service, request: dict[str, Any]) -> Rendered:
    """Unknown jobs are silently left out: https://docs.aws.amazon.com/batch/latest/APIReference/API_DescribeJobs.html"""
    check_described_jobs(request["jobs"])
    wanted = request["jobs"]
    if service.hiding:
        now = service.clock.seconds()
        wanted = [job_id for job_id in wanted if not service.hiding.hidden(job_id, now)]
    found = service.database.jobs.details(wanted)
    summaries = service.database.jobs.status_summaries(job.seq for job in found if job.size is not None)
    return service.details.answer(found, summaries)


def cancel_job(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """Nothing happens to jobs that have started: docs.aws.amazon.com/batch/latest/APIReference/API_CancelJob.html"""
    return _end_one(service, request, terminate=False)


def terminate_job(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/batch/latest/APIReference/API_TerminateJob.html"""
    return _end_one(service, request, terminate=True)


def cancel_jobs(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/batch/latest/APIReference/API_CancelJobs.html"""
    return _end_many(service, request, terminate=False)


def terminate_jobs(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/batch/latest/APIReference/API_TerminateJobs.html"""
    return _end_many(service, request, terminate=True)


def end_jobs(service: Service, job_ids: Sequence[str], reason: str, *, terminate: bool) -> None:
    """Cancel or terminate jobs in one transaction; those that do not exist count as done."""
    known = service.database.jobs.known(job_ids)
    now = service.clock.milliseconds()
    with service.database.transaction():
        for job_id in job_ids:
            if job_id in known:
                service.wishes.stops += service.database.moves.cancel(known[job_id], reason, now, terminate=terminate)
    service.wishes.wake()


def _end_one(service: Service, request: dict[str, Any], *, terminate: bool) -> dict[str, Any]:
    check_reason(request["reason"])
    if not _JOB_ID.fullmatch(request["jobId"]):
        raise ClientException(f"Job id {request['jobId']!r} is not valid")
    end_jobs(service, [request["jobId"]], request["reason"], terminate=terminate)
    return {}


def _end_many(service: Service, request: dict[str, Any], *, terminate: bool) -> dict[str, Any]:
    """Each job has its own result; a job that cannot be found counts as successful."""
    check_bulk(request["jobs"])
    check_reason(request["reason"])
    valid = [job_id for job_id in request["jobs"] if _JOB_ID.fullmatch(job_id)]
    end_jobs(service, valid, request["reason"], terminate=terminate)
    errors = [
        {"job": job_id, "code": "ValidationException", "message": f"Job id {job_id!r} is not valid"}
        for job_id in request["jobs"]
        if job_id not in valid
    ]
    return {"successful": valid, "errors": errors}
