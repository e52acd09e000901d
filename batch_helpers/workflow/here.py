"""A container's paths and buckets on this machine, where a job's command runs without its container.

Jobs that all mount /mnt/data must not meet there: each gets a folder of its own, in which the folders of its mounts
lie, and these take the place of the container's paths in its command and environment. A bucket may be a folder too.
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from batch_helpers import preloader
from batch_helpers.errors import InvalidJob
from batch_helpers.s3 import S3Mount
from batch_helpers.uris import bucket_and_key
from batch_helpers.workflow.job import EZBatchJob

_ROOM = os.path.dirname(os.path.abspath(preloader.__file__))
_TRANSFER = f"import runpy; runpy.run_path({os.path.join(_ROOM, 'transfer.py')!r}, run_name='__main__')"
_UNQUOTED = re.compile(r"[\w./+@:,-]+")
_PROGRAMS = re.compile(r"/(?:bin|sbin|lib\w*|usr|opt|etc|dev|proc|sys)(?:/|$)")


def on_this_machine(
    job: EZBatchJob, added: Mapping[str, str], scratch: str, buckets: Mapping[str, str]
) -> dict[str, Any]:
    """The fields of a Job that runs here as the EZBatchJob would in its container.

    added: more of its environment. scratch: the folder that takes the jobs' own. buckets: folders that stand for
    buckets.
    Raises InvalidJob for a mount on / itself.
    """
    uris = {
        "inputs": [as_path(mount.source, buckets) for mount in job.mounts.reads],
        "outputs": [as_path(uri, buckets) for uri in job.expected],
    }
    if not job.staged:
        return {"command": job.words, "environment": {**job.environment, **added}, **uris}
    paths = _Paths(job, added, scratch)
    environment = {name: paths.put_in(text) for name, text in job.environment.items()}
    told = {
        **added,
        preloader.COMMAND: _command(job.command, paths),
        preloader.MOUNTS: "\n".join(shlex.join(words) for words in _copies(job, paths, buckets)),
        preloader.TRANSFER: _TRANSFER,
        preloader.PYTHON: sys.executable,
        preloader.SCRATCH: paths.folder,
        preloader.KEEP: as_path(job.keep_failed or "", buckets),
    }
    script = ["/bin/sh", os.path.join(_ROOM, "preload.sh")]
    return {"command": script, "environment": environment | {name: text for name, text in told.items() if text}, **uris}


def as_path(uri: str, buckets: Mapping[str, str]) -> str:
    """Where an s3:// URI lies: in a folder when one stands for its bucket."""
    bucket, key = bucket_and_key(uri)
    if not uri.startswith("s3://") or bucket not in buckets:
        return uri
    return os.path.join(os.path.abspath(os.path.expanduser(buckets[bucket])), key)


class _Paths:
    """The paths of one job's mounts, under a folder that is its alone."""

    def __init__(self, job: EZBatchJob, added: Mapping[str, str], scratch: str) -> None:
        content = json.dumps([job.to_dict(), dict(added)], sort_keys=True)
        digest = hashlib.sha256(content.encode()).hexdigest()[:16]
        self.folder = os.path.join(_plain(os.path.abspath(scratch)), digest)
        ends = "|".join(map(re.escape, sorted(set(_ends(job))))) or "(?!)"
        self._pattern = re.compile(rf"(?<![\w./-])(?:{ends})(?![\w.-])")

    def put_in(self, text: str) -> str:
        """The text with the container's paths replaced by those that lie here."""
        return self._pattern.sub(lambda match: self.folder + match[0], text)


def _plain(scratch: str) -> str:
    """The folder, or one whose path needs no quotes, since it is put into commands."""
    return scratch if _UNQUOTED.fullmatch(scratch) else f"{tempfile.gettempdir()}/batch_helpers-{os.getuid()}"


def _command(command: str | Sequence[str], paths: _Paths) -> str:
    if isinstance(command, str):
        return paths.put_in(command)
    return preloader.shell_text([paths.put_in(word) for word in command])


def _ends(job: EZBatchJob) -> Iterator[str]:
    """For each mount its folder in the container; a file among the system's own stands for itself."""
    for mount, path in _locals(job):
        end = posixpath.normpath(path)
        if not (mount.is_recursive or path.endswith("/")):
            folder = posixpath.dirname(end)
            end = end if folder == "/" or _PROGRAMS.match(folder) else folder
        if end in ("/", "//"):
            raise InvalidJob(job.image, "mounts", path, "only a container can mount on /: use a folder, as /mnt/data")
        yield end


def _locals(job: EZBatchJob) -> Iterator[tuple[S3Mount, str]]:
    yield from ((mount, mount.destination) for mount in job.mounts.reads)
    yield from ((mount, mount.source) for mount in job.mounts.writes)


def _copies(job: EZBatchJob, paths: _Paths, buckets: Mapping[str, str]) -> Iterator[list[str]]:
    for verb, *words in preloader.copies(job.mounts, job.outputs):
        if verb == "get":
            kind, source, destination, *options = words
            yield [verb, kind, as_path(source, buckets), paths.put_in(destination), *options]
        elif verb == "put":
            kind, source, destination, *options = words
            yield [verb, kind, paths.put_in(source), as_path(destination, buckets), *options]
        else:
            marker, *options = words
            yield [verb, as_path(marker, buckets), *options]
