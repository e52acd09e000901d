"""What Azure Batch would know of pools, jobs and their tasks, as files in a directory of this machine."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, NamedTuple

from batch_helpers.cloudops.settings import JobSettings
from batch_helpers.errors import ServiceError


class Entry(NamedTuple):
    """A task: its ID, its jobId in the engine, its work's name and key, and whether its dependants run in any case."""

    task: str
    job_id: str
    name: str
    key: str
    lenient: bool = False


class Registry:
    """directory: made when something is first written. Several processes may use it at once."""

    def __init__(self, directory: str) -> None:
        self.directory = directory

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One process at a time changes what is here."""
        self._make(self.directory)
        with open(os.path.join(self.directory, "lock"), "a", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def pools(self) -> list[str]:
        return self._names("pools")

    def pool(self, name: str) -> dict[str, Any] | None:
        return self._read(self._path("pools", name, "pool.json"))

    def put_pool(self, name: str, content: Mapping[str, Any]) -> None:
        self._write(self._path("pools", name, "pool.json"), content)

    def remove_pool(self, name: str) -> None:
        shutil.rmtree(self._path("pools", name), ignore_errors=True)

    def jobs(self) -> list[str]:
        return self._names("jobs")

    def job(self, name: str) -> tuple[JobSettings, dict[str, Any]] | None:
        """A job's settings and its state, or None."""
        content = self._read(self._path("jobs", name, "job.json"))
        if content is None:
            return None
        return JobSettings(**content.pop("settings")), content

    def put_job(self, settings: JobSettings, state: Mapping[str, Any]) -> None:
        self._write(self._path("jobs", settings.name, "job.json"), {"settings": asdict(settings), **state})

    def remove_job(self, name: str) -> None:
        shutil.rmtree(self._path("jobs", name), ignore_errors=True)

    def tasks(self, name: str) -> dict[str, Entry]:
        """A job's tasks by ID, in the order in which they were added."""
        try:
            with open(self._path("jobs", name, "tasks.jsonl"), encoding="utf-8") as file:
                entries = [Entry(*json.loads(line)) for line in file if line.endswith("\n")]
        except FileNotFoundError:
            return {}
        return {entry.task: entry for entry in entries}

    def add_tasks(self, name: str, entries: Sequence[Entry]) -> None:
        path = self._path("jobs", name, "tasks.jsonl")
        with open(path, "a", encoding="utf-8") as file:
            file.write("".join(json.dumps(entry) + "\n" for entry in entries))

    def folder(self, *parts: str) -> str:
        """A folder below the directory, made when it is not there."""
        path = os.path.join(self.directory, *parts)
        self._make(path)
        return path

    def _path(self, kind: str, name: str, *rest: str) -> str:
        return os.path.join(self.directory, kind, name.lower(), *rest)

    def _names(self, kind: str) -> list[str]:
        try:
            return sorted(os.listdir(os.path.join(self.directory, kind)))
        except FileNotFoundError:
            return []

    def _read(self, path: str) -> dict[str, Any] | None:
        try:
            with open(path, encoding="utf-8") as file:
                content: dict[str, Any] = json.load(file)
        except FileNotFoundError:
            return None
        except ValueError as exc:
            raise ServiceError(f"{path} is damaged: remove its folder and create it again") from exc
        return content

    def _write(self, path: str, content: Mapping[str, Any]) -> None:
        self._make(os.path.dirname(path))
        draft = f"{path}.{os.getpid()}"
        with open(draft, "w", encoding="utf-8") as file:
            json.dump(content, file)
        os.replace(draft, path)

    def _make(self, folder: str) -> None:
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as exc:
            raise ServiceError(f"{folder}: {exc.strerror}: choose a directory that can be written") from exc
