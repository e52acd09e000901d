"""Which queues and definitions there are: each looked up once, in bulk where the service can."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from batch_helpers.engines.aws.api import API
from batch_helpers.engines.aws.crew import chunks
from batch_helpers.engines.aws.definition import FOR_IMAGES, Definition, check_fits, from_description
from batch_helpers.engines.aws.details import short
from batch_helpers.errors import InvalidJob, NotFound
from batch_helpers.job import Job

PAGE = 100
"""Queues or definitions in one description."""

_UNKNOWN = Definition("a definition that has not been looked up", retries=True)
_WHERE = "check its spelling, the region and the account (`aws sts get-caller-identity`)"


class Queues:
    """The queues that have been found good. Their types are None where the service does not tell them."""

    def __init__(self, api: API) -> None:
        self._api = api
        self._types: dict[str, str | None] = {}

    def check(self, jobs: Sequence[Job]) -> None:
        """Raise NotFound or InvalidJob for the first job whose queue takes no jobs, or not this kind."""
        asked = {job.job_queue: job for job in reversed(jobs) if job.job_queue and job.job_queue not in self._types}
        found = self._described(list(asked))
        for queue, job in asked.items():
            self._types[queue] = _usable_type(job, found.get(short(queue)))
        for job in jobs:
            self._check_kind(job)

    def _described(self, queues: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        doing = "look up job queues"
        pages = (
            self._api.pages("describe_job_queues", doing, "jobQueues.jobQueueName", jobQueues=chunk)
            for chunk in chunks(queues, PAGE)
        )
        return {raw["jobQueueName"]: raw for page in pages for raw in page}

    def _check_kind(self, job: Job) -> None:
        kind = self._types.get(job.job_queue or "")
        if job.image is not None and kind not in (None, "ECS"):
            problem = (
                f"{job.job_queue} is of type {kind}; images run on EC2 (ECS) queues: give a job_definition made for it"
            )
            raise InvalidJob(job.name, "image", job.image, problem)


def _usable_type(job: Job, raw: Mapping[str, Any] | None) -> str | None:
    if raw is None:
        raise NotFound(f"job {job.name!r}: job_queue={job.job_queue!r} does not exist: {_WHERE}")
    if raw.get("state") != "ENABLED":
        problem = f"the queue is {raw.get('state')} and takes no jobs: enable it, or use another"
        raise InvalidJob(job.name, "job_queue", job.job_queue, problem)
    if raw.get("status") in ("INVALID", "DELETING", "DELETED"):
        problem = (
            f"the queue is {raw['status']} ({raw.get('statusReason', 'no reason given')}): mend it, or use another"
        )
        raise InvalidJob(job.name, "job_queue", job.job_queue, problem)
    if raw.get("schedulingPolicyArn"):
        problem = "the queue has a scheduling policy, which wants a share identifier of each job: use a plain queue"
        raise InvalidJob(job.name, "job_queue", job.job_queue, problem)
    kind: str | None = raw.get("jobQueueType")
    return kind


class Definitions:
    """The active definitions that have been found, by the names, name:revisions or ARNs that jobs give."""

    def __init__(self, api: API) -> None:
        self._api = api
        self._known: dict[str, Definition] = {}

    def check(self, jobs: Sequence[Job]) -> None:
        """Raise NotFound or InvalidJob for the first job whose definition is not active, or does not fit it."""
        asked = {job.job_definition: job for job in reversed(jobs) if job.job_definition}
        for given in self._known.keys() & asked.keys():
            del asked[given]
        pinned = self._pinned([given for given in asked if ":" in short(given)])
        for given, job in asked.items():
            self._known[given] = pinned.get(short(given)) or self._newest(given, job)
        for job in jobs:
            check_fits(job, self.of(job))

    def of(self, job: Job) -> Definition:
        """The job's definition, as far as it has been looked up."""
        return FOR_IMAGES if job.job_definition is None else self._known.get(job.job_definition, _UNKNOWN)

    def _pinned(self, given: Sequence[str]) -> dict[str, Definition]:
        doing = "look up job definitions"
        pages = (
            self._api.pages("describe_job_definitions", doing, "jobDefinitions.revision", jobDefinitions=chunk)
            for chunk in chunks(given, PAGE)
        )
        return _active(raw for page in pages for raw in page)

    def _newest(self, given: str, job: Job) -> Definition:
        """The newest active revision, or the one that is given."""
        name, _, revision = short(given).partition(":")
        doing = f"look up job definition {name!r}"
        required = "jobDefinitions.revision"
        pages = self._api.pages("describe_job_definitions", doing, required, jobDefinitionName=name, status="ACTIVE")
        active = _active(pages)
        if not active:
            raise NotFound(
                f"job {job.name!r}: job_definition={given!r} does not exist, or has no active revision: {_WHERE}"
            )
        if revision and short(given) not in active:
            raise NotFound(f"job {job.name!r}: job_definition={given!r} is not active; active are {', '.join(active)}")
        return active[short(given)] if revision else active[max(active, key=_revision)]


def _active(raws: Iterable[Mapping[str, Any]]) -> dict[str, Definition]:
    found = (from_description(raw) for raw in raws if raw.get("status", "ACTIVE") == "ACTIVE")
    return {definition.name: definition for definition in found}


def _revision(name: str) -> int:
    return int(name.rpartition(":")[2])
