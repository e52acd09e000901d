"""Commands that are too long for the service: kept on S3, and fetched by the job when it starts."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from batch_helpers.engines.aws import limits
from batch_helpers.engines.aws.definition import Definition
from batch_helpers.errors import InvalidInput, InvalidJob
from batch_helpers.job import Job
from batch_helpers.uris import bucket_and_key

if TYPE_CHECKING:
    from batch_helpers.stores.base import Store

MAX_WORD = 128 * 1024 - 1
"""Bytes of one argument that Linux passes to a program (MAX_ARG_STRLEN): https://man7.org/linux/man-pages/man2/execve.2.html"""

MAX_COMMAND = 1024 * 1024
"""Bytes of all arguments; Linux passes a quarter of the stack's limit, which is 8 MiB nearly everywhere."""

_FETCH = """\
f="${TMPDIR:-/tmp}/batch_helpers.$$"
lost() { echo "batch_helpers: cannot fetch this job's command from $1: $2" >&2; exit 126; }
if command -v aws >/dev/null 2>&1; then
  aws s3 cp --only-show-errors "$1" "$f" || lost "$1" "aws failed, see above; may the job role read it?"
elif python3 -c 'import boto3' >/dev/null 2>&1; then
  python3 -c 'import boto3, sys
bucket, _, key = sys.argv[1][5:].partition("/")
boto3.client("s3").download_file(bucket, key, sys.argv[2])' "$1" "$f" ||
    lost "$1" "boto3 failed, see above; may the job role read it?"
else
  lost "$1" "the image has neither aws nor python3 with boto3"
fi
exec /bin/sh "$f"
"""


@dataclass(frozen=True, slots=True)
class Spilled:
    """A job as it is sent instead, and the script that its command fetches and runs."""

    carried: Job
    uri: str
    script: bytes


class Spill:
    """Where long commands are kept.

    prefix: `s3://bucket/prefix`; a script there is named by its content, and needed until its jobs have started for the
    last time; nothing removes it. store: writes to it.

    Raises InvalidInput for a prefix that is none.
    """

    def __init__(self, prefix: str, store: Store) -> None:
        if not prefix.startswith("s3://") or not bucket_and_key(prefix)[0]:
            raise InvalidInput(f"spill={prefix!r}: give a place on S3, as s3://bucket/prefix")
        self._prefix, self._store = prefix.rstrip("/"), store

    def spilled(self, job: Job, definition: Definition) -> Spilled:
        """What is sent for a job that is too long. Raises InvalidJob when that does not help."""
        words = [limits.substituted(word, _parameters(job, definition)) for word in job.command or definition.command]
        script = _script(job, words)
        uri = self.uri(f"{hashlib.sha256(script).hexdigest()[:32]}.sh")
        command = ["/bin/sh", "-c", _FETCH, "batch_helpers", uri]
        carried = replace(job, command=command, parameters={})
        limits.check_size(carried)
        return Spilled(carried, uri, script)

    def uri(self, name: str) -> str:
        """Where something of this name lies."""
        return f"{self._prefix}/{name}"

    def holds(self, uri: str) -> bool:
        """Whether a URI is in this place."""
        return uri.startswith(f"{self._prefix}/")

    def write(self, uri: str, content: bytes) -> None:
        """Put something there."""
        self._store.write(uri, content)

    def read(self, uri: str) -> bytes:
        """What lies at a URI, in this place or any other."""
        return self._store.read(uri)

    def keep(self, spilled: Spilled) -> None:
        """Write the script, unless it is there."""
        self._store.write(spilled.uri, spilled.script, only_if_absent=True)


def _parameters(job: Job, definition: Definition) -> Mapping[str, str]:
    return {**definition.parameters, **job.parameters}


def _script(job: Job, words: list[str]) -> bytes:
    """A script that removes itself and becomes the command; one for the shell is written as it is."""
    if words[:2] == ["/bin/sh", "-c"] and len(words) == 3:
        body = words[2]
    else:
        check_words(job, words)
        body = f"exec {shlex.join(words)}"
    try:
        return f'rm -f -- "$0"\n{body}\n'.encode(errors="surrogateescape")
    except UnicodeEncodeError as exc:
        raise InvalidJob(job.name, "command", words, "it is not Unicode text") from exc


def check_words(job: Job, words: Sequence[str]) -> None:
    """Raise InvalidJob for a command that no program takes."""
    sizes = [len(word.encode(errors="surrogatepass")) for word in words]
    if not words:
        problem = "only a command can be kept elsewhere, and neither the job nor its definition has one"
        raise InvalidJob(job.name, "parameters", dict(job.parameters), problem)
    if max(sizes) > MAX_WORD or sum(sizes) > MAX_COMMAND:
        problem = f"a program takes {MAX_WORD} bytes in one argument and {MAX_COMMAND} in all: put them in a file"
        raise InvalidJob(job.name, "command", words, problem)
