"""Uploads and downloads of files and folders, several at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from typing import Any

from batch_helpers.cloudops.cloud import Files
from batch_helpers.errors import InvalidInput, NotFound, ServiceError

WIDTH = 8


class Chosen:
    """Which files of a folder are meant: by extension (`.csv` or `csv`) and by patterns of names and folders."""

    def __init__(self, include: Any = None, exclude: Any = None, patterns: Any = None) -> None:
        self._include, self._exclude = _extensions(include), _extensions(exclude)
        self._patterns = _listed(patterns)

    def __contains__(self, name: str) -> bool:
        if self._include and not name.endswith(self._include):
            return False
        if self._exclude and name.endswith(self._exclude):
            return False
        parts = name.split("/")
        return not any(fnmatch(part, pattern) for part in parts for pattern in self._patterns)


def blob_name(location: str, name: str) -> str:
    """A name in a container, below `location` (`.` or nothing is its root)."""
    parts = [part for part in f"{location}/{name}".split("/") if part not in ("", ".")]
    if ".." in parts or not parts:
        raise InvalidInput(f"{location}/{name} is no place in a container")
    return "/".join(parts)


def files_below(folder: str, chosen: Chosen) -> list[str]:
    """The chosen files below a folder, as paths relative to it."""
    if not os.path.isdir(folder):
        raise InvalidInput(f"{folder!r} is no folder on this machine")
    found = []
    for place, _, names in os.walk(folder):
        paths = (os.path.relpath(os.path.join(place, name), folder) for name in names)
        found += [path for path in paths if path.replace(os.sep, "/") in chosen]
    return sorted(found)


def upload(files: Files, container: str, paths: Iterable[tuple[str, str]]) -> list[str]:
    """Store local files under names: pairs of a path and a name. Returns the names."""
    files.check(container)
    pairs = list(paths)
    for path, _ in pairs:
        if not os.path.isfile(path):
            raise InvalidInput(f"{path!r} is no file on this machine")
    _each(lambda pair: files.put(container, pair[1], pair[0]), pairs)
    return [name for _, name in pairs]


def changed(files: Files, container: str, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those pairs whose file is not there with the same size."""
    files.check(container)
    folders = {name.partition("/")[0] for _, name in pairs}
    there = {name: size for folder in sorted(folders) for name, size in files.sizes(container, folder)}
    return [(path, name) for path, name in pairs if there.get(name) != os.path.getsize(path)]


def download_one(files: Files, container: str, name: str, path: str, *, check_size: bool) -> None:
    """Download a file, with the folders that it needs; ServiceError when its size is not what the container tells."""
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    files.get(container, name, path)
    if check_size:
        wanted = dict(files.sizes(container, name)).get(name)
        if wanted is not None:
            _check_size(path, wanted)


def download_folder(
    files: Files, container: str, folder: str, target: str, chosen: Chosen, *, check_size: bool = True
) -> list[str]:
    """Download what is below a folder of a container; the paths. NotFound when there is nothing below it."""
    prefix = folder.strip("/")
    prefix = f"{prefix}/" if prefix not in ("", ".") else ""
    there = list(files.sizes(container, prefix))
    if not there:
        raise NotFound(f"there is nothing below {container}/{prefix}")
    pairs = [(name, _inside(target, name.removeprefix(prefix)), size) for name, size in there if name in chosen]
    for path in {os.path.dirname(path) for _, path, _ in pairs}:
        os.makedirs(path, exist_ok=True)
    _each(lambda pair: files.get(container, pair[0], pair[1]), pairs)
    for _, path, size in pairs if check_size else ():
        _check_size(path, size)
    return [path for _, path, _ in pairs]


def download_some(files: Files, container: str, names: Iterable[str], target: str) -> list[str]:
    """Download files and folders of a container into a folder, under their names there; the paths."""
    paths: list[str] = []
    for name in names:
        place = blob_name("", name)
        path = os.path.join(target, place)
        if place in dict(files.sizes(container, place)):
            download_one(files, container, place, path, check_size=True)
            paths.append(path)
        else:
            paths += download_folder(files, container, place, path, Chosen())
    return paths


def _check_size(path: str, wanted: int) -> None:
    there = os.path.getsize(path)
    if there != wanted:
        raise ServiceError(f"{path} has {there} bytes, and its original {wanted}: download it again")


def _inside(target: str, name: str) -> str:
    """Where a file goes; never outside of the target, whatever its name is."""
    path = os.path.normpath(os.path.join(target, name))
    if os.path.commonpath([os.path.abspath(target), os.path.abspath(path)]) != os.path.abspath(target):
        raise InvalidInput(f"{name!r} would be written outside of {target!r}")
    return path


def _each(work: Callable[[Any], None], items: Sequence[Any]) -> None:
    with ThreadPoolExecutor(WIDTH, thread_name_prefix="transfer") as crew:
        for _ in crew.map(work, items):
            pass


def _extensions(given: Any) -> tuple[str, ...]:
    return tuple(f".{item.removeprefix('.')}" for item in _listed(given))


def _listed(given: Any) -> list[str]:
    return [] if given is None else [given] if isinstance(given, str) else list(given)
