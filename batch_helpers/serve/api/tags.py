"""TagResource, UntagResource and ListTagsForResource: docs.aws.amazon.com/batch/latest/userguide/using-tags.html"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from batch_helpers.serve.api.lookups import revision_named
from batch_helpers.serve.arns import DEFINITION, ENVIRONMENT, JOB, POLICY, QUEUE, parsed
from batch_helpers.serve.limits.names import check_tags
from batch_helpers.serve.service import Service
from batch_helpers.serve.wire.errors import ClientException


class Tagged(NamedTuple):
    """Something with tags, and how to give it other ones."""

    tags: dict[str, str]
    retag: Callable[[dict[str, str]], None]


def tag_resource(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """Tags that are not in the request stay."""
    tagged = _tagged(service, request["resourceArn"])
    return _retag(service, tagged, {**tagged.tags, **request["tags"]})


def untag_resource(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    tagged = _tagged(service, request["resourceArn"])
    return _retag(service, tagged, {key: text for key, text in tagged.tags.items() if key not in request["tagKeys"]})


def list_tags_for_resource(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    return {"tags": _tagged(service, request["resourceArn"]).tags}


def _retag(service: Service, tagged: Tagged, tags: dict[str, str]) -> dict[str, Any]:
    check_tags(tags)
    with service.database.transaction():
        tagged.retag(tags)
    return {}


def _tagged(service: Service, arn: str) -> Tagged:
    named = parsed(arn)
    if named is None:
        raise ClientException(f"{arn!r} is not the ARN of a resource of AWS Batch")
    finders = {JOB: _job, DEFINITION: _definition, QUEUE: _resource, ENVIRONMENT: _resource, POLICY: _resource}
    finder = finders.get(named.kind)
    found = finder(service, named.kind, named.name) if finder else None
    if found is None:
        raise ClientException(f"{arn} does not exist, or cannot have tags")
    return found


def _job(service: Service, _: str, job_id: str) -> Tagged | None:
    tags = service.database.jobs.tags(job_id)
    return None if tags is None else Tagged(tags, lambda new: service.database.jobs.retag(job_id, new))


def _definition(service: Service, _: str, label: str) -> Tagged | None:
    name, revision = revision_named(label)
    found = service.database.definitions.find(name, revision)
    if found is None:
        return None
    return Tagged(found.tags, lambda new: service.database.definitions.retag(name, found.revision, new))


def _resource(service: Service, kind: str, name: str) -> Tagged | None:
    found = service.database.resources.find(kind, name)
    if found is None:
        return None
    return Tagged(found.tags, lambda new: service.database.resources.put(kind, name, found.document, new))
