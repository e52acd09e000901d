"""How outputs and inputs are spelled: `s3://bucket/key`, `az://container/path`, `file:///path` or a plain path."""

from __future__ import annotations

import os
import re
from urllib.parse import unquote

_GLOB = re.compile(r"[*?]|\[[^\]/]+\]")
_ODD = re.compile(r"/\.|//|/$")
_ONE_SLASH = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


def scheme_of(uri: str) -> str:
    """The URI's scheme in lower case; a plain path is `file`."""
    scheme, separator, _ = uri.partition("://")
    return scheme.lower() if separator else "file"


def local_path(uri: str) -> str | None:
    """The absolute path that a `file://` URI or a plain path means, or None for any other scheme."""
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return os.path.abspath(os.path.expanduser(uri))
    if scheme.lower() != "file":
        return None
    return os.path.abspath(unquote("/" + rest.partition("/")[2]))


def canonical_uri(uri: str) -> str:
    """One spelling for one place: local paths become absolute, other URIs stay as they are."""
    if uri[:5] == "s3://" or (uri[0] == "/" and not _ODD.search(uri)):  # in its only spelling: this is hot
        return uri
    return local_path(uri) or uri


def claimed_uri(uri: str) -> str:
    """The canonical URI of an output; a folder's still ends with `/`."""
    place = canonical_uri(uri)
    return place if uri[-1] != "/" or place[-1] == "/" else f"{place}/"


def bucket_and_key(uri: str) -> tuple[str, str]:
    """The two halves of `scheme://bucket/key`; the key is taken literally, nothing is decoded."""
    bucket, _, key = (uri[5:] if uri[:5] == "s3://" else uri.partition("://")[2]).partition("/")
    return bucket, key


def output_problem(uri: str) -> str | None:
    """Why this cannot be an output, or None. An output is one file or object, never a folder or a pattern."""
    scheme, separator, rest = uri.partition("://")
    path = rest if separator else uri
    if path.endswith("/") or path.rsplit("/", 1)[-1] in (".", ".."):
        return f"{uri!r} is a folder; name the files that the job leaves"
    if _GLOB.search(path):
        return f"{uri!r} is a pattern; name the files that the job leaves"
    if "\0" in uri:
        return f"{uri!r} has a NUL character, which no name can carry"
    if separator and scheme.lower() == "file" and rest.partition("/")[0] not in ("", "localhost"):
        return f"{uri!r} names another machine: write three slashes, file:///path"
    if separator and scheme.lower() != "file" and not all(bucket_and_key(uri)):
        return f"{uri!r} names no object: write {scheme}://<bucket>/<key>"
    if not separator and _ONE_SLASH.match(uri):
        return f"{uri!r} is neither a path nor a URI: write two slashes after the scheme"
    return None
