"""What the service tells of arrays: their tables, their numbers, and their children."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from batch_helpers.aws_client import AWSAccess, aws_errors
from batch_helpers.engines.aws import details
from batch_helpers.engines.aws.api import API
from batch_helpers.engines.aws.arrays.carriers import carried
from batch_helpers.engines.aws.arrays.grouping import split_child
from batch_helpers.engines.aws.arrays.known import Array
from batch_helpers.engines.aws.arrays.table import Table, digest_in
from batch_helpers.engines.aws.details import Parent
from batch_helpers.engines.aws.listing import LISTED, is_ending
from batch_helpers.engines.aws.reading import describe_jobs
from batch_helpers.errors import AccessDenied, ServiceError
from batch_helpers.job import JobDetail, Status
from batch_helpers.uris import bucket_and_key


def parents(api: API, job_ids: Sequence[str], width: int) -> dict[str, Parent]:
    """These arrays as they stand; those that the service has forgotten are absent."""
    found = (details.from_description(raw) for raw in describe_jobs(api, job_ids, width))
    return {parent.job_id: parent for parent in found if isinstance(parent, Parent)}


def array_of(parent: Parent, read: Callable[[str], bytes], ours: Callable[[str], bool]) -> Array | None:
    """The array behind a parent that has been described; None when it is somebody else's.

    read: gives the object at a URI. ours: whether a URI is in a place of this engine's own. Raises ServiceError for
    one of ours whose table cannot be read: to guess what its children are could run them twice.
    """
    try:
        table = _table(parent, read, ours)
        return None if table is None else Array(parent.job_id, table.names, parent)
    except ServiceError as exc:
        raise type(exc)(
            f"cannot tell which jobs the array job {parent.job_id} ({parent.name}) runs: {exc}; "
            "wait until it has ended, or terminate it"
        ) from exc


def _table(parent: Parent, read: Callable[[str], bytes], ours: Callable[[str], bool]) -> Table | None:
    found = carried(parent.command)
    if not isinstance(found, str):
        return found
    try:
        table = Table(read(found))
    except AccessDenied:
        if ours(found):
            raise
        return None
    if table.digest != digest_in(parent.name):
        raise ServiceError(f"{found} is malformed: it is not what was written there")
    return table


def children(api: API, array: Array, status: Status, *, most: int | None = None) -> list[tuple[int, JobDetail, bool]]:
    """The children of one status: index, what is told of each, and whether it has been told to end.

    most: how many pages are read; None is all.
    """
    doing = f"list the {status} children of array job {array.job_id!r}"
    request: dict[str, Any] = {"arrayJobId": array.job_id, "jobStatus": str(status), "maxResults": LISTED}
    pages = api.pages("list_jobs", doing, "jobSummaryList.jobId", most=most, **request)
    return [
        (child[1], array.child(child[1], details.from_summary(raw, array.latest.queue)), is_ending(raw))
        for raw in pages
        if (child := split_child(raw["jobId"])) and child[1] < len(array.names)
    ]


def s3_reader(access: AWSAccess) -> Callable[[str], bytes]:
    """What reads one object with this access."""

    def read(uri: str) -> bytes:
        bucket, key = bucket_and_key(uri)
        with aws_errors(f"read {uri}"):
            content: bytes = access.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    return read


def presigned(access: AWSAccess, uri: str) -> str:
    """A URL of an object for tools that cannot sign: valid for a week, or for as long as the credentials are."""
    bucket, key = bucket_and_key(uri)
    with aws_errors(f"sign a URL of {uri}"):
        client = access.client("s3", signature_version="s3v4")
        url: str = client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key}, ExpiresIn=7 * 86400)
    return url
