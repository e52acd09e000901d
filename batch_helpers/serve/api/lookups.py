"""Finding what requests name, by name or by ARN."""

from __future__ import annotations

import re

from batch_helpers.serve.arns import DEFINITION, ENVIRONMENT, QUEUE, name_of
from batch_helpers.serve.service import Service
from batch_helpers.serve.state.rows import Definition, Resource
from batch_helpers.serve.wire.errors import ClientException

_REVISION = re.compile(r"(.+):(\d{1,9})")


def queue_named(service: Service, reference: str) -> Resource:
    """A job queue; ClientException when there is none."""
    found = service.database.resources.find(QUEUE, name_of(QUEUE, reference))
    if found is None:
        raise ClientException(f"JobQueue {reference} not found.")
    return found


def environment_named(service: Service, reference: str) -> Resource:
    """A compute environment; ClientException when there is none."""
    found = service.database.resources.find(ENVIRONMENT, name_of(ENVIRONMENT, reference))
    if found is None:
        raise ClientException(f"ComputeEnvironment {reference} not found.")
    return found


def revision_named(reference: str) -> tuple[str, int | None]:
    """The name and the revision in `name`, `name:revision` or an ARN; None is the latest active revision."""
    name = name_of(DEFINITION, reference)
    match = _REVISION.fullmatch(name)
    return (match[1], int(match[2])) if match else (name, None)


def definition_named(service: Service, reference: str) -> Definition:
    """An active revision of a job definition; ClientException when there is none."""
    name, revision = revision_named(reference)
    found = service.database.definitions.find(name, revision)
    if found is None or not found.active:
        raise ClientException(f"JobDefinition name {reference} does not exist or is not in ACTIVE status")
    return found


def environments_of(service: Service, queue: Resource) -> list[Resource]:
    """The compute environments of a queue, in their order."""
    order = sorted(queue.document["computeEnvironmentOrder"], key=lambda item: int(item["order"]))
    found = (
        service.database.resources.find(ENVIRONMENT, name_of(ENVIRONMENT, item["computeEnvironment"])) for item in order
    )
    return [item for item in found if item is not None]
