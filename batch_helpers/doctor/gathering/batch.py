"""Queues, compute environments, definitions and jobs, as AWS Batch describes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from batch_helpers.doctor import needs
from batch_helpers.doctor.facts import Absent, Environment, Queue, Unknown, Waiting
from batch_helpers.doctor.gathering.asking import Asker
from batch_helpers.engines.aws import details
from batch_helpers.engines.aws.crew import chunks
from batch_helpers.errors import AmbiguousAnswer
from batch_helpers.job import JobDetail

Raw = Mapping[str, Any]
T = TypeVar("T")

_PAGE = 100


def queues(asker: Asker, names: Sequence[str]) -> dict[str, Queue | Absent | Unknown]:
    """These queues, by name or ARN."""
    return _described(asker, "describe_job_queues", "jobQueues", "jobQueueName", names, _queue)


def all_queues(asker: Asker) -> dict[str, Queue | Absent | Unknown] | Unknown:
    """Every queue of the region."""
    found = asker.items("batch", "describe_job_queues", "list job queues", "jobQueues")
    if isinstance(found, Absent | Unknown):
        return Unknown(found.why)
    return {raw["jobQueueName"]: _queue(raw) for raw in found}


def environments(asker: Asker, names: Sequence[str]) -> dict[str, Environment | Absent | Unknown]:
    """These compute environments, by name or ARN."""
    member, key = "computeEnvironments", "computeEnvironmentName"
    return _described(asker, "describe_compute_environments", member, key, names, _environment)


def definitions(asker: Asker, names: Sequence[str]) -> dict[str, Raw | Absent | Unknown]:
    """Definitions by name, name:revision or ARN: the newest active revision where none is named."""
    pinned = [name for name in names if ":" in details.short(name)]
    operation, member = "describe_job_definitions", "jobDefinitions"
    found: dict[str, Raw | Absent | Unknown] = {**_described(asker, operation, member, _revision, pinned, dict)}
    for name in names:
        if name not in found:
            found[name] = _newest(asker, name)
    return found


def waiting(asker: Asker, job_id: str) -> Waiting | JobDetail | Absent | Unknown:
    """A job: with what it asks for and its place in its queue while it has not started, as it is afterwards."""
    answer = asker.ask("batch", "describe_jobs", f"look up job {job_id}", jobs=[job_id])
    if isinstance(answer, Absent | Unknown):
        return answer
    jobs = answer.get("jobs")
    if not jobs:
        return Absent(f"the service knows no job {job_id}: it keeps them for 7 days, in one region and account")
    try:
        detail = details.from_description(jobs[0])
        need = needs.from_description(jobs[0], detail.short_name, detail.queue)
    except (AmbiguousAnswer, ValueError, KeyError) as exc:
        return Unknown(str(exc))
    if not detail.status.active:
        return detail
    place, since = _place(asker, jobs[0])
    return Waiting(detail, need, place, since)


def _place(asker: Asker, job: Raw) -> tuple[int | Unknown | None, float | None]:
    """https://docs.aws.amazon.com/batch/latest/APIReference/API_GetJobQueueSnapshot.html"""
    queue = job.get("jobQueue", "")
    answer = asker.ask("batch", "get_job_queue_snapshot", f"look at the front of {queue}", jobQueue=queue)
    if isinstance(answer, Absent | Unknown):
        return Unknown(answer.why), None
    front = (answer.get("frontOfQueue") or {}).get("jobs") or ()
    for place, item in enumerate(front, start=1):
        if str(item.get("jobArn", "")).rsplit("/", 1)[-1] == job["jobId"]:
            since = item.get("earliestTimeAtPosition")
            return place, since / 1000 if since else None
    return None, None


def _described(
    asker: Asker,
    operation: str,
    member: str,
    key: str | Callable[[Raw], str],
    names: Sequence[str],
    made: Callable[[Raw], T],
) -> dict[str, T | Absent | Unknown]:
    """What is described in bulk, by the names that it was asked for with."""
    found: dict[str, T | Absent | Unknown] = {}
    for chunk in chunks(list(dict.fromkeys(names)), _PAGE):
        raws = asker.items("batch", operation, f"look up {', '.join(chunk[:3])}", member, **{member: chunk})
        if isinstance(raws, Absent | Unknown):
            found |= dict.fromkeys(chunk, raws)
            continue
        by_name = {raw[key] if isinstance(key, str) else key(raw): raw for raw in raws}
        for name in chunk:
            raw = by_name.get(details.short(name))
            found[name] = Absent(f"there is no {details.short(name)}") if raw is None else made(raw)
    return found


def _newest(asker: Asker, name: str) -> Raw | Absent | Unknown:
    request = {"jobDefinitionName": details.short(name), "status": "ACTIVE"}
    found = asker.items("batch", "describe_job_definitions", f"look up {name}", "jobDefinitions", **request)
    if isinstance(found, Absent | Unknown):
        return found
    if not found:
        return Absent(f"there is no active job definition {name}")
    return max(found, key=lambda raw: int(raw["revision"]))


def _revision(raw: Raw) -> str:
    return f"{raw['jobDefinitionName']}:{raw['revision']}"


def _queue(raw: Raw) -> Queue:
    order = sorted(raw.get("computeEnvironmentOrder") or (), key=lambda item: item["order"])
    return Queue(
        raw["jobQueueName"],
        raw.get("state", ""),
        raw.get("status", ""),
        raw.get("statusReason") or "",
        tuple(details.short(item["computeEnvironment"]) for item in order),
        elsewhere=bool(raw.get("serviceEnvironmentOrder")),
    )


def _environment(raw: Raw) -> Environment:
    resources = raw.get("computeResources") or {}
    most = resources.get("maxvCpus")
    return Environment(
        raw["computeEnvironmentName"],
        raw.get("state", ""),
        raw.get("status", ""),
        raw.get("statusReason") or "",
        kind=resources.get("type") or "UNMANAGED",
        max_vcpus=None if most is None else int(most),
        instance_types=tuple(resources.get("instanceTypes") or ()),
        subnets=tuple(resources.get("subnets") or ()),
        service_role=raw.get("serviceRole") or "",
        instance_role=resources.get("instanceRole") or "",
    )
