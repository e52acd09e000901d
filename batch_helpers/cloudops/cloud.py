"""Cloud: where jobs, tasks and files are. CloudClient speaks to one of these."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from batch_helpers.cloudops.settings import CloudJob, JobSettings
from batch_helpers.engines.base import Engine
from batch_helpers.errors import ServiceError
from batch_helpers.job import Job, JobDetail
from batch_helpers.resources.azure import PoolSpec


class JobExists(ServiceError):
    """There is a job of this name already."""


class NewTask(NamedTuple):
    """A task to add. id: None names it by its work, and then a live task of the same work is adopted.

    upstream, ranges: the task IDs, and the ranges of them, that it waits for.
    """

    id: str | None
    job: Job
    upstream: tuple[str, ...] = ()
    ranges: tuple[tuple[int, int], ...] = ()


class Files(Protocol):
    """Named files in named containers."""

    def create(self, container: str) -> None:
        """Make a container; one that exists is no error."""
        ...

    def check(self, container: str) -> None:
        """Raise NotFound or AccessDenied unless the container is there."""
        ...

    def sizes(self, container: str, prefix: str) -> Iterator[tuple[str, int]]:
        """The names that begin with a prefix, in order, and their sizes in bytes."""
        ...

    def put(self, container: str, name: str, path: str) -> None:
        """Store a local file under a name, whatever was there."""
        ...

    def get(self, container: str, name: str, path: str) -> None:
        """Write a file's content to a local path. NotFound when there is no such file."""
        ...


class Cloud(Protocol):
    """Methods raise only errors of batch_helpers.errors. Job names are clean, and compared without regard to case."""

    @property
    def engine(self) -> Engine:
        """The tasks as jobs; a job's name is its queue."""
        ...

    @property
    def files(self) -> Files: ...

    @property
    def longest_dependencies(self) -> int | None:
        """Most characters of task IDs that one task may depend on; None is no limit."""
        ...

    def create_pool(self, spec: PoolSpec, *, replace: bool) -> str: ...

    def delete_pool(self, name: str) -> None: ...

    def check_pool(self, name: str) -> None:
        """Raise NotFound, with the nearest name, for a pool that does not exist."""
        ...

    def create_job(self, settings: JobSettings) -> None:
        """Make a job. Raises JobExists when there is one of this name."""
        ...

    def job(self, name: str) -> CloudJob:
        """A job; NotFound, with the nearest name, when there is none."""
        ...

    def delete_job(self, name: str) -> None: ...

    def settle(self, name: str) -> None:
        """Mark a job complete when its tasks have ended."""
        ...

    def task_ids(self, name: str) -> list[str]:
        """The IDs of all tasks of a job."""
        ...

    def tasks(self, name: str) -> dict[str, JobDetail]:
        """All tasks of a job, by ID."""
        ...

    def live(self, name: str) -> dict[str, tuple[str, JobDetail]]:
        """The tasks of a job that have not ended and were added for their outputs: ID and detail, by the work's key."""
        ...

    def some(self, name: str, ids: Sequence[str]) -> dict[str, JobDetail]:
        """Those of these tasks that exist, by ID."""
        ...

    def lenient(self, name: str, ids: Sequence[str]) -> set[str]:
        """Those of these tasks whose dependants run even if they fail."""
        ...

    def add(self, job: CloudJob, tasks: Sequence[NewTask]) -> list[str | None]:
        """Add tasks, and return their IDs in order; None where the ID is taken by a task of somebody else.

        Raises ServiceError when one is refused.
        """
        ...
