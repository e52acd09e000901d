"""The multi-container form: the AWS CLI's own image copies the mounts, around an image that is left as it is.

The containers of one task share volumes and run one after the other, each when the one before has succeeded. Only the
last may be essential, because a task ends with its first essential container:
https://docs.aws.amazon.com/batch/latest/APIReference/API_TaskContainerDependency.html
The AWS CLI's image has `aws` as its ENTRYPOINT, so each copy is a container with the words after `aws`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from batch_helpers import preloader
from batch_helpers.engines.aws.requests import key_values, resource_requirements
from batch_helpers.errors import InvalidJob
from batch_helpers.s3 import S3Mount
from batch_helpers.uris import bucket_and_key
from batch_helpers.workflow.job import EZBatchJob

COPY_VCPUS, COPY_MEMORY = 0.25, 512
"""What each copying container takes of a Fargate job's vCPUs and MiB."""

MAX_CONTAINERS = 10
"""https://docs.aws.amazon.com/batch/latest/userguide/multi-container-jobs.html"""

_OBJECT_OPTIONS = {
    "--sse": "--server-side-encryption",
    "--sse-kms-key-id": "--ssekms-key-id",
    "--storage-class": "--storage-class",
    "--acl": "--acl",
}


def ecs_properties(job: EZBatchJob) -> dict[str, Any]:
    """The containers and volumes of the job's only task.

    Raises InvalidJob for a mount straight under /, too many copies, and a Fargate job too small to share with them.
    """
    folders = shared_folders(job)
    points = [{"sourceVolume": f"mount{place}", "containerPath": folder} for place, folder in enumerate(folders)]
    chain = _chain(job)
    if len(chain) > MAX_CONTAINERS:
        problem = f"the copies and the job are {len(chain)} containers, and a task takes {MAX_CONTAINERS}: mount fewer"
        raise InvalidJob(job.image, "mounts", job.mounts, problem)
    return {
        "containers": [{**container, "mountPoints": points} for container in _one_after_the_other(chain)],
        "volumes": [{"name": point["sourceVolume"]} for point in points],
    }


def shared_folders(job: EZBatchJob) -> list[str]:
    """The folders that hold all ends of the mounts in the container, none inside another."""
    ends = {_shared(job, mount, mount.destination) for mount in job.mounts.reads}
    ends |= {_shared(job, mount, mount.source) for mount in job.mounts.writes}
    return [folder for folder in sorted(ends) if not any(folder.startswith(f"{other}/") for other in ends)]


def _shared(job: EZBatchJob, mount: S3Mount, path: str) -> str:
    whole = mount.is_recursive or path.endswith("/")
    folder = posixpath.normpath(path if whole else posixpath.dirname(path))
    if folder in ("/", "//"):
        raise InvalidJob(job.image, "mounts", path, "containers cannot share /: use a folder, as /mnt/data")
    return folder


def _chain(job: EZBatchJob) -> list[dict[str, Any]]:
    before, after = list(_downloads(job)), list(_uploads(job))
    vcpus, memory = _own_resources(job, len(before) + len(after))
    main = {
        "name": "main",
        "image": job.image,
        "command": job.words,
        "environment": key_values(job.environment),
        "resourceRequirements": resource_requirements(vcpus, memory, job.gpus),
    }
    return [*_copiers("before", job, before), main, *_copiers("after", job, after)]


def _downloads(job: EZBatchJob) -> Iterator[list[str]]:
    for verb, *words in preloader.copies(job.mounts, job.outputs):
        if verb == "get":
            kind, source, *_ = words
            if kind == "tree":  # a copy of nothing succeeds, a listing of nothing does not
                yield ["s3", "ls", f"{source.rstrip('/')}/"]
            yield ["s3", "cp", *words[1:]]


def _uploads(job: EZBatchJob) -> Iterator[list[str]]:
    wanted = [words for words in preloader.copies(job.mounts, job.outputs) if words[0] != "get"]
    yield from (["s3", "rm", words[1]] for words in wanted if words[0] == "done_at")
    for verb, *words in wanted:
        yield ["s3", "cp", *words[1:]] if verb == "put" else _marking(*words)


def _marking(marker: str, *options: str) -> list[str]:
    bucket, key = bucket_and_key(marker)
    words = ["s3api", "put-object", "--bucket", bucket, "--key", key]
    for option, value in pairwise(options):
        if option in _OBJECT_OPTIONS:
            words += [_OBJECT_OPTIONS[option], value]
    return words


def _copiers(when: str, job: EZBatchJob, commands: Sequence[list[str]]) -> Iterable[dict[str, Any]]:
    vcpus = COPY_VCPUS if job.platform == "FARGATE" else 1
    for place, command in enumerate(commands):
        needs = resource_requirements(vcpus, COPY_MEMORY)
        yield {"name": f"{when}{place}", "image": job.stager, "command": command, "resourceRequirements": needs}


def _one_after_the_other(chain: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for place, container in enumerate(chain):
        earlier = [{"containerName": other["name"], "condition": "SUCCESS"} for other in chain[:place][-1:]]
        yield {**container, "essential": place == len(chain) - 1, "dependsOn": earlier}


def _own_resources(job: EZBatchJob, copies: int) -> tuple[float, int]:
    """On Fargate vcpus and memory are the whole task's, of which the copying takes its part."""
    if job.platform != "FARGATE":
        return job.vcpus, job.memory
    taken = copies * COPY_VCPUS, copies * COPY_MEMORY
    vcpus, memory = job.vcpus - taken[0], job.memory - taken[1]
    if vcpus < COPY_VCPUS or memory < COPY_MEMORY:
        problem = f"{copies} copying containers take {taken[0]:g} vCPUs and {taken[1]} MiB of it: give it more"
        raise InvalidJob(job.image, "vcpus", job.vcpus, problem)
    return vcpus, memory
