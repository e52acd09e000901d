"""`aws s3 cp`, `rm` and `ls` as far as mounts need them: with boto3, or between two local paths with nothing.

It runs inside the user's image as `python3 -c <this text> cp SOURCE DESTINATION [OPTION...]`, so it stands alone and
keeps to what Python 3.7 has.
"""

from __future__ import annotations

import argparse
import fnmatch
import mimetypes
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_AT_ONCE = 8
_EXTRA = {
    "sse": "ServerSideEncryption",
    "sse_kms_key_id": "SSEKMSKeyId",
    "storage_class": "StorageClass",
    "acl": "ACL",
    "content_type": "ContentType",
    "cache_control": "CacheControl",
}


class Refused(Exception):
    """What cannot be copied, and why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command; its exit code, with what went wrong as a line on stderr."""
    given = _parser().parse_args(arguments)
    try:
        given.run(given)
    except Exception as exc:
        sys.stderr.write(f"transfer: {given.source}: {exc}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="transfer", allow_abbrev=False)
    verbs = parser.add_subparsers(required=True, dest="verb")
    copy, remove, seek = (verbs.add_parser(name, allow_abbrev=False) for name in ("cp", "rm", "ls"))
    copy.set_defaults(run=_copy, filters=[])
    remove.set_defaults(run=_remove)
    seek.set_defaults(run=_seek)
    for verb in (copy, remove, seek):
        verb.add_argument("source")
        for name in ("--quiet", "--no-progress", "--only-show-errors"):
            verb.add_argument(name, action="store_true")
    copy.add_argument("destination")
    copy.add_argument("--recursive", action="store_true")
    copy.add_argument("--exclude", dest="filters", action="append", type=lambda pattern: (False, pattern))
    copy.add_argument("--include", dest="filters", action="append", type=lambda pattern: (True, pattern))
    for name in _EXTRA:
        copy.add_argument("--" + name.replace("_", "-"))
    return parser


def _copy(given: argparse.Namespace) -> None:
    one = _copier(given)
    pairs = _pairs(given) if given.recursive else [(given.source, _named(given.source, given.destination))]
    with ThreadPoolExecutor(_AT_ONCE) as crew:
        for copied in [crew.submit(one, *pair) for pair in pairs]:
            copied.result()


def _copier(given: argparse.Namespace) -> Callable[[str, str], None]:
    """The function that copies from a place to a place."""
    if not _remote(given.source) and not _remote(given.destination):
        return _copy_file
    client = _client()
    if _remote(given.source):
        return lambda uri, path: _download(client, uri, path)
    return lambda path, uri: _upload(client, path, uri, given)


def _pairs(given: argparse.Namespace) -> Iterator[tuple[str, str]]:
    source, destination = given.source.rstrip("/") + "/", given.destination.rstrip("/") + "/"
    for name in _keys(source) if _remote(source) else _files(source):
        if not _wanted(name, given.filters):
            continue
        if ".." in name.split("/"):
            raise Refused(f"{name!r} would leave the folder that it is copied to")
        yield source + name, destination + name


def _wanted(name: str, filters: Sequence[tuple[bool, str]]) -> bool:
    """The last pattern that fits decides, as https://docs.aws.amazon.com/cli/latest/reference/s3/ has it."""
    verdict = True
    for include, pattern in filters:
        if fnmatch.fnmatchcase(name, pattern):
            verdict = include
    return verdict


def _keys(source: str) -> Iterator[str]:
    bucket, prefix = _place(source)
    for page in _client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", ()):
            if not item["Key"].endswith("/"):
                yield item["Key"][len(prefix) :]


def _files(folder: str) -> Iterator[str]:
    if not os.path.isdir(folder):
        raise Refused("there is no such folder")
    for where, _, names in os.walk(folder, followlinks=True):
        for name in names:
            path = os.path.join(where, name)
            if os.path.exists(path) and not os.path.isfile(path):
                raise Refused(f"{path} is neither a file nor a folder")
            yield os.path.relpath(path, folder)


def _named(source: str, destination: str) -> str:
    """A destination that is a folder takes the source's own name."""
    name = source.rstrip("/").rpartition("/")[2]
    if _remote(destination):
        bucket, key = _place(destination)
        return f"s3://{bucket}/{key + name if not key or key.endswith('/') else key}"
    return os.path.join(destination, name) if destination.endswith("/") or os.path.isdir(destination) else destination


def _download(client: Any, uri: str, path: str) -> None:
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    client.download_file(*_place(uri), path)


def _upload(client: Any, path: str, uri: str, given: argparse.Namespace) -> None:
    extra = {name: getattr(given, option) for option, name in _EXTRA.items() if getattr(given, option)}
    guessed = mimetypes.guess_type(path)[0]
    if guessed:
        extra.setdefault("ContentType", guessed)
    client.upload_file(path, *_place(uri), ExtraArgs=extra)


def _copy_file(source: str, destination: str) -> None:
    """Whole or not at all."""
    os.makedirs(os.path.dirname(destination) or ".", exist_ok=True)
    unfinished = f"{destination}.{os.getpid()}.part"
    try:
        shutil.copyfile(source, unfinished)
        os.replace(unfinished, destination)
    finally:
        if os.path.lexists(unfinished):
            os.unlink(unfinished)


def _remove(given: argparse.Namespace) -> None:
    if _remote(given.source):
        bucket, key = _place(given.source)
        _client().delete_object(Bucket=bucket, Key=key)
    elif os.path.lexists(given.source):
        os.unlink(given.source)


def _seek(given: argparse.Namespace) -> None:
    """Whether there is anything in a folder."""
    if not any(_keys(given.source) if _remote(given.source) else _files(given.source)):
        raise Refused("there is nothing under it")


def _remote(place: str) -> bool:
    return place.startswith("s3://")


def _place(uri: str) -> tuple[str, str]:
    bucket, _, key = uri[len("s3://") :].partition("/")
    return bucket, key


def _client() -> Any:
    import boto3

    return boto3.client("s3")


if __name__ == "__main__":
    sys.exit(main())
