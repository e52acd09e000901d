"""Images and buckets."""

from __future__ import annotations

from batch_helpers.doctor import images
from batch_helpers.doctor.facts import Absent, Bucket, Refused, Unknown
from batch_helpers.finding import Finding, ok, problem, unknown
from batch_helpers.uris import bucket_and_key


def check_image(name: str, found: bool | Absent | Unknown | None) -> Finding:
    """Whether a registry could have it, and for ECR whether it has."""
    if not images.well_formed(name):
        return problem("image", f"{name!r} is no image's name", "write registry/repository:tag, in lower case")
    latest = "" if images.pinned(name) else " (latest: name a tag, so that every job gets the same)"
    ours = images.ecr_image(name)
    if ours is None:
        return ok("image", f"{name} comes from {images.registry_of(name)}, which was not asked{latest}")
    if isinstance(found, Unknown):
        return unknown("image", f"{name}: {found.why}")
    if found is not True:
        why = found.why if isinstance(found, Absent) else "the repository has no such image"
        command = f"aws ecr list-images --registry-id {ours.account} --region {ours.region}"
        return problem("image", f"{name}: {why}", f"{command} --repository-name {ours.repository}")
    return ok("image", f"{name} is in ECR{latest}")


def check_bucket(uri: str, found: Bucket | Absent | Unknown, region: str) -> Finding:
    """Whether it is there, where the jobs are, and can be written if that is wanted."""
    bucket, _ = bucket_and_key(uri)
    if isinstance(found, Unknown):
        return unknown("bucket", f"{uri}: {found.why}")
    if isinstance(found, Absent):
        return problem("bucket", f"{uri}: there is no bucket {bucket}", f"aws s3 mb s3://{bucket} --region {region}")
    if isinstance(found.writable, Refused):
        advice = f"allow s3:PutObject on arn:aws:s3:::{bucket}/* to whoever writes there"
        return problem("bucket", f"{uri} cannot be written from here: {found.writable.why}", advice)
    if isinstance(found.writable, Unknown):
        return unknown("bucket", f"{uri}: {found.writable.why}")
    far = found.region not in ("", region)
    if far and found.writable:
        text = f"{uri} is in {found.region} and the jobs are in {region}: every byte is paid for"
        return problem("bucket", text, f"use a bucket in {region}, or a queue in {found.region}")
    what = "can be written from here" if found.writable else "is there"
    return ok("bucket", f"{uri} {what}{f', in {found.region}' if far else ''}")
