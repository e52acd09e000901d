"""Images, buckets and log groups."""

from __future__ import annotations

from batch_helpers.doctor.facts import Absent, Bucket, Refused, Unknown
from batch_helpers.doctor.gathering.asking import Asker
from batch_helpers.doctor.images import ECRImage, ecr_image
from batch_helpers.errors import AccessDenied, BatchHelpersError
from batch_helpers.s3.probe import PROBE, try_upload
from batch_helpers.uris import bucket_and_key

LOG_GROUP = "/aws/batch/job"
"""Where jobs write unless their definitions say otherwise."""


def image(asker: Asker, name: str) -> bool | Absent | Unknown | None:
    """Whether an image of ECR is there; None for other registries, which are not asked."""
    ours = ecr_image(name)
    if ours is None:
        return None
    if ours.region != asker.client("ecr").meta.region_name:
        asker = asker.elsewhere(ours.region)
    return _in_ecr(asker, ours)


def _in_ecr(asker: Asker, found: ECRImage) -> bool | Absent | Unknown:
    answer = asker.ask(
        "ecr",
        "describe_images",
        f"look up image {found.repository}",
        registryId=found.account,
        repositoryName=found.repository,
        imageIds=[found.identifier],
    )
    return answer if isinstance(answer, Absent | Unknown) else bool(answer.get("imageDetails"))


def bucket(asker: Asker, uri: str, write: bool) -> Bucket | Absent | Unknown:
    """A bucket, given as `s3://bucket/prefix`; to see whether that can be written an upload is begun and aborted."""
    name, prefix = bucket_and_key(uri)
    answer = asker.ask("s3", "head_bucket", f"look up bucket {name}", Bucket=name)
    if isinstance(answer, Absent):
        return answer
    if isinstance(answer, Unknown):  # whoever may write need not be allowed to look
        return Bucket("", True) if write and _write(asker, name, prefix) is True else answer
    region = answer.get("BucketRegion") or answer["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region") or ""
    return Bucket(region, _write(asker, name, prefix) if write else None)


def _write(asker: Asker, name: str, prefix: str) -> bool | Refused | Unknown:
    folder = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    try:
        try_upload(asker.client("s3"), name, f"{folder}{PROBE}", f"write to s3://{name}/{folder}")
    except AccessDenied as exc:
        return Refused(str(exc))
    except BatchHelpersError as exc:
        return Unknown(str(exc))
    return True


def log_group(asker: Asker) -> str | Absent | Unknown:
    """The log group, when it is there."""
    doing = f"look up log group {LOG_GROUP}"
    answer = asker.ask("logs", "describe_log_groups", doing, logGroupNamePrefix=LOG_GROUP, limit=1)
    if isinstance(answer, Absent | Unknown):
        return answer
    if not any(item["logGroupName"] == LOG_GROUP for item in answer.get("logGroups") or ()):
        return Absent(f"there is no log group {LOG_GROUP} yet")
    return LOG_GROUP
