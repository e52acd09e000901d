"""Files in folders of this machine, one folder for each container."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from batch_helpers.errors import InvalidInput, NotFound, ServiceError

_CONTAINER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]){0,62}")


class FolderFiles:
    """root: the folder of the containers' folders."""

    def __init__(self, root: str) -> None:
        self.root = root

    def folder(self, container: str) -> str:
        """A container's folder, whether it is there or not."""
        if not _CONTAINER.fullmatch(container):
            raise InvalidInput(f"{container!r} is no name of a container: give letters, digits and -")
        return os.path.join(self.root, container)

    def create(self, container: str) -> None:
        with _errors(f"create container {container!r}"):
            os.makedirs(self.folder(container), exist_ok=True)

    def check(self, container: str) -> None:
        if not os.path.isdir(self.folder(container)):
            raise NotFound(f"container {container!r} does not exist: create_blob_container({container!r}) makes it")

    def sizes(self, container: str, prefix: str) -> Iterator[tuple[str, int]]:
        self.check(container)
        root = self.folder(container)
        found = []
        with _errors(f"list container {container!r}"):
            for folder, _, names in os.walk(root):
                paths = (os.path.join(folder, name) for name in names)
                found += [(os.path.relpath(path, root), os.path.getsize(path)) for path in paths]
        yield from sorted(item for item in found if item[0].startswith(prefix))

    def put(self, container: str, name: str, path: str) -> None:
        self.check(container)
        target = self._path(container, name)
        with _errors(f"upload {path} to {container}/{name}"):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            _copy(path, target)

    def get(self, container: str, name: str, path: str) -> None:
        self.check(container)
        source = self._path(container, name)
        if not os.path.isfile(source):
            raise NotFound(f"could not download {container}/{name}: there is no such file")
        with _errors(f"download {container}/{name}"):
            _copy(source, path)

    def _path(self, container: str, name: str) -> str:
        if not {"", ".", ".."}.isdisjoint(name.split("/")):
            raise InvalidInput(f"{name!r} is no name of a file in a container")
        return os.path.join(self.folder(container), name)


def _copy(source: str, target: str) -> None:
    draft = f"{target}.{os.getpid()}.part"
    shutil.copyfile(source, draft)
    os.replace(draft, target)


@contextmanager
def _errors(doing: str) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise ServiceError(f"could not {doing}: {exc.strerror}") from exc
