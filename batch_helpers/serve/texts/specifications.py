"""Specifications held to the model of what DescribeJobs answers, once, when a job is accepted."""

from __future__ import annotations

from batch_helpers.serve.jobs.merging import Specification
from batch_helpers.serve.wire.errors import ServerException
from batch_helpers.serve.wire.model import part_of_answer
from batch_helpers.serve.wire.shapes import ShapeError


def check_specification(specification: Specification) -> None:
    """Raise ServerException when a part of a specification has no place in a JobDetail: that is a mistake of ours."""
    document, container, task = specification
    if task is None:
        detail = {**document, "container": container}
    else:
        detail = {**document, "ecsProperties": {"taskProperties": [{"containers": [container], **task}]}}
    try:
        part_of_answer("batch", "JobDetail")(detail)
    except ShapeError as exc:
        raise ServerException(f"the specification does not fit the model: {exc}") from exc
