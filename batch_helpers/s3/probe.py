"""Asking S3 whether mounts can be copied, without leaving anything there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batch_helpers.aws_client import AWSAccess, aws_errors, required_member
from batch_helpers.errors import AccessDenied, BatchHelpersError, NotFound, ServiceError
from batch_helpers.s3.mounts import S3Mount, S3Mounts
from batch_helpers.uris import bucket_and_key

PROBE = "batch_helpers-probe"
"""The object of which an upload is begun, and never made."""


def validate(mounts: S3Mounts, access: AWSAccess) -> None:
    """See S3Mounts.validate."""
    client = access.client("s3")
    problems = [
        problem
        for side, some, check in (
            ("read", mounts.reads, _check_source),
            ("write", mounts.writes, _check_destination),
        )
        for place, mount in enumerate(some)
        if (problem := _problem(f"{side}[{place}]", check, client, mount))
    ]
    if problems:
        first = problems[0]
        raise type(first)("\n".join(map(str, problems))) from first


def _problem(
    place: str, check: Callable[[Any, S3Mount], None], client: Any, mount: S3Mount
) -> BatchHelpersError | None:
    try:
        check(client, mount)
    except ServiceError as exc:
        problem = type(exc)(f"{place}: {exc}")
        problem.__cause__ = exc
        return problem
    return None


def _check_source(client: Any, mount: S3Mount) -> None:
    bucket, key = bucket_and_key(mount.source)
    if mount.is_recursive:
        prefix = f"{key.rstrip('/')}/" if key.rstrip("/") else ""
        if not _anything(client, bucket, prefix):
            raise NotFound(f"source {mount.source} is missing: there is nothing under it")
    else:
        _check_object(client, bucket, key, mount.source)


def _check_object(client: Any, bucket: str, key: str, uri: str) -> None:
    """A HEAD tells only that something is wrong; a listing tells a missing bucket from a missing object."""
    try:
        with aws_errors(f"read source {uri}"):
            client.head_object(Bucket=bucket, Key=key)
    except NotFound as exc:
        _anything(client, bucket, key)
        raise NotFound(f"source {uri} is missing: the bucket has no such object") from exc


def _anything(client: Any, bucket: str, prefix: str) -> bool:
    """Whether a key begins with `prefix`; raises for a bucket that is missing or denied."""
    doing = f"list s3://{bucket}/{prefix}"
    try:
        with aws_errors(doing):
            page = client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
    except NotFound as exc:
        raise NotFound(f"bucket {bucket} is missing: {exc}") from exc
    except AccessDenied as exc:
        raise AccessDenied(f"bucket {bucket} is denied: {exc}") from exc
    return bool(required_member(page, "KeyCount", doing))


def _check_destination(client: Any, mount: S3Mount) -> None:
    """Whether the mount could be uploaded; a folder is asked about by an object in it."""
    bucket, key = bucket_and_key(mount.output)
    if mount.is_recursive:
        key = f"{key.rpartition('/')[0]}/{PROBE}".lstrip("/")
    encryption = {"ServerSideEncryption": mount.sse, "SSEKMSKeyId": mount.sse_kms_key_id}
    doing = f"write to destination {mount.destination}"
    try:
        try_upload(client, bucket, key, doing, **{name: text for name, text in encryption.items() if text})
    except ServiceError as exc:
        raise type(exc)(f"destination {mount.destination} cannot be written: {exc}") from exc


def try_upload(client: Any, bucket: str, key: str, doing: str, **encryption: str) -> None:
    """Begin an upload and abort it: that needs the permission to write, and never makes an object or a version.

    doing: completes "could not …". encryption: arguments of CreateMultipartUpload. Raises ServiceError.
    """
    place = {"Bucket": bucket, "Key": key}
    with aws_errors(doing):
        answer = client.create_multipart_upload(**place, **encryption)
    upload = required_member(answer, "UploadId", doing)
    with aws_errors(f"abort the upload {upload} of s3://{bucket}/{key}, which was only a test"):
        client.abort_multipart_upload(**place, UploadId=upload)
