"""LocalStore: outputs on this machine's file systems."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from stat import S_ISREG
from urllib.parse import urlsplit

from batch_helpers.errors import AccessDenied, BatchHelpersError, InvalidInput, NotFound, ServiceError
from batch_helpers.stores.base import Found
from batch_helpers.uris import local_path, scheme_of

_FEW = 64
"""Fewer wanted files than this are asked for one by one, however full their folder is."""

_Wanted = Sequence[tuple[str, str]]
"""Names in one folder, each with its URI."""

_UNMEASURED = Found()
_ESCAPES = re.compile("[%?#]")


class LocalStore:
    """A Store of plain paths and `file:///` URIs; `~` and percent-escapes are understood.

    An output is a regular file or a link to one; a folder, a socket or a dangling link is not there. What keeps a file
    from being seen is an error: AccessDenied, or ServiceError with the system's reason.
    """

    def find(self, uris: Collection[str], *, measured: Collection[str] = ()) -> dict[str, Found]:
        """Which of these exist.

        A folder with many of them is read in one pass, and then only sizes and dates that are asked for are known: on
        a cluster's file system each costs a round trip.
        """
        found: dict[str, Found] = {}
        for folder, wanted in _by_folder(uris).items():
            found |= _find_few(folder, wanted) if len(wanted) < _FEW else _find_many(folder, wanted, measured)
        return found

    def count(self, folders: Mapping[str, int]) -> dict[str, int]:
        """How many files lie below each of these folders; links to folders are not followed."""
        found = {}
        for folder, enough in folders.items():
            with _file_errors(f"look into {folder}"):
                found[folder] = sum(1 for _ in islice(_files_below(_path(folder)), enough))
        return found

    def read(self, uri: str) -> bytes:
        """The file's content; NotFound when there is none."""
        with _file_errors(f"read {uri}"):
            path = _path(uri)
            if _look(path) is None:
                raise NotFound(f"could not read {uri}: there is no such file")
            with open(path, "rb") as file:
                return file.read()

    def write(self, uri: str, data: bytes, *, only_if_absent: bool = False) -> bool:
        """Store `data` whole or not at all, with its folders; False when `only_if_absent` and there was one already.

        The bytes are on the disk before the name is, so not even a crash leaves a part of them under it.
        """
        with _file_errors(f"write {uri}"):
            path = os.path.realpath(_path(uri))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            draft = os.path.join(os.path.dirname(path), f".{secrets.token_hex(8)}.draft")
            try:
                _write_to_disk(draft, data)
                return _link(draft, path) if only_if_absent else _rename(draft, path)
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(draft)

    def delete(self, uris: Collection[str]) -> None:
        """Remove these; those that are not there are no error."""
        for uri in uris:
            with _file_errors(f"delete {uri}"), suppress(FileNotFoundError, NotADirectoryError):
                os.unlink(_path(uri))


def _by_folder(uris: Collection[str]) -> Mapping[str, _Wanted]:
    """The URIs by absolute folder. Each spelling of a folder is resolved once: this path is hot."""
    spelled: dict[str, list[tuple[str, str]]] = {}
    folders: dict[str, list[tuple[str, str]]] = {}
    for uri in uris:
        folder, slash, name = uri.rpartition("/")
        if slash and ("://" not in uri or (uri.startswith("file:///") and not _ESCAPES.search(uri))):
            spelled.setdefault(folder + slash, []).append((name, uri))
        else:
            folder, name = os.path.split(_path(uri))
            folders.setdefault(folder, []).append((name, uri))
    for folder, wanted in spelled.items():
        folders.setdefault(_path(folder), []).extend(wanted)
    return folders


def _find_few(folder: str, wanted: _Wanted) -> dict[str, Found]:
    found = {}
    for name, uri in wanted:
        with _file_errors(f"look for {uri}"):
            if (file := _look(os.path.join(folder, name))) is not None:
                found[uri] = file
    return found


def _find_many(folder: str, wanted: _Wanted, measured: Collection[str]) -> dict[str, Found]:
    try:
        with _file_errors(f"look into {folder}"), os.scandir(folder) as entries:
            present = {entry.name: entry for entry in entries}
    except NotFound:
        return {}
    except AccessDenied:
        return _find_few(folder, wanted)
    found: dict[str, Found] = {}
    closer: list[tuple[str, str]] = []
    for name, uri in wanted:
        entry = present.get(name)
        if entry is None:
            continue
        if entry.is_symlink() or (measured and uri in measured):
            closer.append((name, uri))
        elif entry.is_file(follow_symlinks=False):
            found[uri] = _UNMEASURED
    return found | _find_few(folder, closer)


def _files_below(folder: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from _files_below(entry.path)
                elif entry.is_file():
                    yield entry.path
    except (FileNotFoundError, NotADirectoryError):
        return


def _look(path: str) -> Found | None:
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Found(status.st_size, status.st_mtime) if S_ISREG(status.st_mode) else None


def _path(uri: str) -> str:
    if scheme_of(uri) != "file":
        raise InvalidInput(f"{uri!r} is not on this machine: write a path or file:///path")
    _, separator, rest = uri.partition("://")
    with _file_errors(f"resolve {uri!r}"):
        host = urlsplit(uri).netloc if separator else ""
        path = local_path(f"file://{rest}" if separator else uri)
    if path is None or host not in ("", "localhost"):
        raise InvalidInput(f"{uri!r} names the machine {host!r}: write three slashes, file:///path")
    return path


def _write_to_disk(path: str, data: bytes) -> None:
    with open(path, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _rename(draft: str, path: str) -> bool:
    os.replace(draft, path)
    return True


def _link(draft: str, path: str) -> bool:
    """Give the draft its name unless the name is taken: on POSIX linking is what does that in one step."""
    try:
        os.link(draft, path)
    except FileExistsError:
        if _look(path) is None:
            raise
        return False
    return True


@contextmanager
def _file_errors(doing: str) -> Iterator[None]:
    try:
        yield
    except BatchHelpersError:
        raise
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise NotFound(f"could not {doing}: {exc.strerror}") from exc
    except PermissionError as exc:
        hint = "check the permissions of the file and its folders"
        raise AccessDenied(f"could not {doing}: {exc.strerror}; {hint}") from exc
    except OSError as exc:
        raise ServiceError(f"could not {doing}: {exc.strerror}") from exc
    except ValueError as exc:
        raise InvalidInput(f"could not {doing}: {exc}") from exc
