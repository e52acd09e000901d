"""Whether an EZBatchJob can work: checked before any call, and without one."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batch_helpers.engines.aws import fargate
from batch_helpers.engines.aws.limits import DEFINITION_TAGS, MAX_TAGS, OWN_TAGS
from batch_helpers.errors import InvalidInput, InvalidJob
from batch_helpers.job import Job
from batch_helpers.s3 import S3Mounts

if TYPE_CHECKING:
    from batch_helpers.workflow.job import EZBatchJob

SMALLEST_STORAGE, LARGEST_STORAGE = 21, 200
"""GiB: https://docs.aws.amazon.com/batch/latest/APIReference/API_EphemeralStorage.html"""

_IMAGE = re.compile(r"[A-Za-z0-9:._/#@-]{1,255}")
_VARIABLE = re.compile(r"[^=\0]+")
_PLATFORMS, _ARCHITECTURES, _RETRIES = ("FARGATE", "EC2"), ("X86_64", "ARM64"), ("any", "spot")


def settled(job: EZBatchJob) -> dict[str, Any]:
    """The fields that are kept in another form than they may be given: own copies, of one type."""
    if not isinstance(job.image, str) or not job.image.strip():
        raise InvalidJob(str(job.image), "image", job.image, "a job needs a container image: name one")
    if not _IMAGE.fullmatch(job.image):
        raise _invalid(job, "image", "write it as repository/name:tag, at most 255 letters, digits and - _ . : / # @")
    command = job.command
    if not isinstance(command, str):
        command = list(_words(job, "command", command))
    elif "\0" in command:
        raise _invalid(job, "command", "it has a NUL character, which no command can carry")
    return {
        "command": command,
        "environment": _texts(job, "environment"),
        "tags": _texts(job, "tags"),
        "mounts": _mounts(job),
        "outputs": list(_words(job, "outputs", job.outputs)),
    }


def check_job(job: EZBatchJob) -> None:
    """Raise InvalidJob for the first field that cannot work on the job's platform."""
    for name, allowed in (("platform", _PLATFORMS), ("arch", _ARCHITECTURES), ("retry", _RETRIES)):
        if getattr(job, name) not in allowed:
            raise _invalid(job, name, f"give one of {', '.join(allowed)}")
    for name in ("preloader", "assign_public_ip"):
        if not isinstance(getattr(job, name), bool):
            raise _invalid(job, name, "give true or false")
    for name, unit in (("vcpus", "vCPUs"), ("memory", "MiB")):
        if getattr(job, name) is None:
            raise _invalid(job, name, f"give a number of {unit}, or leave it out")
    for check in (_check_as_job, _check_environment, _check_tags, _check_storage, _check_platform, _check_staging):
        check(job)


def _check_as_job(job: EZBatchJob) -> None:
    """What every engine checks of a Job: its command, numbers and outputs."""
    Job(
        job.image,
        image=job.image,
        command=job.command,
        vcpus=job.vcpus,
        memory=job.memory,
        gpus=job.gpus,
        outputs=job.expected,
        attempts=job.attempts,
        timeout=job.timeout,
        job_queue=job.queue,
    )
    if not job.command:
        raise _invalid(job, "command", "the command is empty")


def _check_environment(job: EZBatchJob) -> None:
    for name in job.environment:
        if name.startswith("AWS_BATCH"):
            raise InvalidJob(job.image, "environment", name, "names that begin with AWS_BATCH are AWS's own: rename it")
        if name.startswith("EZBATCH_"):
            raise InvalidJob(job.image, "environment", name, "names that begin with EZBATCH_ are ours: rename it")
        if not _VARIABLE.fullmatch(name):
            raise InvalidJob(job.image, "environment", name, "that is no name of a variable")


def _check_tags(job: EZBatchJob) -> None:
    own = OWN_TAGS + DEFINITION_TAGS
    if len(job.tags) > MAX_TAGS - own:
        problem = f"{len(job.tags)} tags; a job takes {MAX_TAGS}, of which {own} are needed to recognise it"
        raise _invalid(job, "tags", problem)


def _check_storage(job: EZBatchJob) -> None:
    size = job.storage_size
    if size is None:
        return
    if job.platform != "FARGATE":
        raise _invalid(job, "storage_size", "on EC2 the machine's own disk is used: leave it out, or use FARGATE")
    if not isinstance(size, int) or isinstance(size, bool) or not SMALLEST_STORAGE <= size <= LARGEST_STORAGE:
        raise _invalid(
            job,
            "storage_size",
            f"give {SMALLEST_STORAGE} to {LARGEST_STORAGE} GiB; Fargate gives 20 when it is left out",
        )


def _check_platform(job: EZBatchJob) -> None:
    if job.platform == "EC2":
        if job.vcpus != int(job.vcpus):
            raise _invalid(job, "vcpus", f"EC2 takes whole vCPUs: give {math.ceil(job.vcpus)}")
        if job.assign_public_ip:
            raise _invalid(job, "assign_public_ip", "that is for FARGATE; on EC2 the subnet decides")
        return
    if job.gpus:
        raise _invalid(job, "gpus", "Fargate has no GPUs: use platform='EC2'")
    if not fargate.valid(job.vcpus, job.memory):
        nearest = fargate.nearest(job.vcpus, job.memory)
        advice = f"the nearest is {nearest[0]:g} vCPUs with {nearest[1]} MiB" if nearest else "use platform='EC2'"
        raise _invalid(job, "memory", f"Fargate does not pair {job.vcpus:g} vCPUs with {job.memory} MiB: {advice}")


def _check_staging(job: EZBatchJob) -> None:
    if job.stager is not None:
        if not isinstance(job.stager, str) or not job.stager.strip():
            raise _invalid(job, "stager", "name an image with the AWS CLI, or leave it out")
        if job.preloader:
            raise _invalid(job, "stager", "give either a stager or preloader=True")
    if job.keep_failed is not None:
        if not isinstance(job.keep_failed, str) or not job.keep_failed.startswith("s3://"):
            raise _invalid(job, "keep_failed", "give an s3:// prefix")
        if not job.preloader:
            raise _invalid(job, "keep_failed", "only the preloader keeps what a failed command leaves: preloader=True")


def _texts(job: EZBatchJob, name: str) -> dict[str, str]:
    """A mapping of texts, as Job takes it."""
    given: Any = {name: getattr(job, name)}
    return dict(getattr(Job(job.image, **given), name))


def _words(job: EZBatchJob, name: str, given: object) -> Sequence[str]:
    if isinstance(given, str | Mapping) or not isinstance(given, Sequence):
        raise _invalid(job, name, "give a list of strings")
    for word in given:
        if not isinstance(word, str):
            raise _invalid(job, name, f"every item must be a string; {word!r} is {type(word).__name__}")
    return given


def _mounts(job: EZBatchJob) -> S3Mounts:
    given: Any = job.mounts
    if isinstance(given, Mapping):
        try:
            given = S3Mounts.from_dict(given)
        except InvalidInput as exc:
            raise InvalidInput(f"job {job.image!r}: mounts: {exc}") from exc
    if not isinstance(given, S3Mounts):
        raise _invalid(job, "mounts", "give S3Mounts(read=[…], write=[…])")
    return replace(given)


def _invalid(job: EZBatchJob, name: str, problem: str) -> InvalidJob:
    return InvalidJob(job.image, name, getattr(job, name), problem)
