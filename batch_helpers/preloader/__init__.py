"""The in-container script that downloads read mounts, runs the command and uploads write mounts."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.resources import files

from batch_helpers.s3.mounts import MARKER, S3Mount, S3Mounts

COMMAND, MOUNTS, TRANSFER, KEEP = "EZBATCH_COMMAND", "EZBATCH_S3_MOUNTS", "EZBATCH_TRANSFER", "EZBATCH_KEEP"
PYTHON, SCRATCH = "EZBATCH_PYTHON", "EZBATCH_SCRATCH"
"""The environment that the script reads; it says at its top what each one holds."""

DOWNLOAD_FAILED, UPLOAD_FAILED, NO_TOOL = 101, 102, 103
"""Exit codes of the script's own; any other one is the command's."""


@cache
def script() -> str:
    """The script, for /bin/sh -c."""
    return files(__name__).joinpath("preload.sh").read_text(encoding="utf-8")


@cache
def transfer_program() -> str:
    """The Python program with which it copies in images that have boto3 and no AWS CLI."""
    return files(__name__).joinpath("transfer.py").read_text(encoding="utf-8")


def shell_text(command: str | Sequence[str]) -> str:
    """A command as text for /bin/sh -c: a string as it is, the words of a list quoted."""
    return command if isinstance(command, str) else shlex.join(command)


def mount_lines(mounts: S3Mounts, outputs: Sequence[str] = ()) -> str:
    """The copies as lines for a shell."""
    return "\n".join(map(shlex.join, copies(mounts, outputs)))


def copies(mounts: S3Mounts, outputs: Sequence[str] = ()) -> list[list[str]]:
    """What is to be copied, in order: `get` and `put` with `file` or `tree`, two places and options of `aws s3 cp`.

    outputs: the objects that tell that the job is done, where these are not the default: they are uploaded after
    everything else. By default `done_at` with a marker and options does that for each folder.
    """
    first = [_copy("get", mount, *_without(f"*/{MARKER}", MARKER)) for mount in mounts.reads]
    last: list[list[str]] = []
    for mount in mounts.writes:
        names = [uri.removeprefix(_folder(mount)) for uri in outputs if uri.startswith(_folder(mount))]
        first.append(_copy("put", mount, *_without(*(names if outputs else [MARKER]))))
        if mount.is_recursive:
            last += [_last_copy(mount, name) for name in names]
            last += [] if outputs else [["done_at", mount.output, *_options(mount)]]
    return [*first, *last]


def _copy(verb: str, mount: S3Mount, *filters: str) -> list[str]:
    kind, extra = ("tree", filters) if mount.is_recursive else ("file", ())
    return [verb, kind, mount.source, mount.destination, *_telling(mount.arguments), *extra]


def _last_copy(mount: S3Mount, name: str) -> list[str]:
    return ["put", "file", f"{mount.source.rstrip('/')}/{name}", _folder(mount) + name, *_options(mount)]


def _telling(words: Iterable[str]) -> list[str]:
    """With --quiet the AWS CLI does not even say why it failed."""
    return ["--only-show-errors" if word == "--quiet" else word for word in words]


def _options(mount: S3Mount) -> Iterator[str]:
    """Of a folder's options those that suit one file of it."""
    words = iter(_telling(mount.arguments))
    for word in words:
        if word in ("--exclude", "--include"):
            next(words, None)
        elif word != "--recursive" and not word.startswith(("--exclude=", "--include=")):
            yield word


def _folder(mount: S3Mount) -> str:
    return f"{mount.destination.rstrip('/')}/"


def _without(*patterns: str) -> Iterable[str]:
    return [word for pattern in patterns for word in ("--exclude", pattern)]
