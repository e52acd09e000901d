"""LocalCloud: the same jobs and tasks as processes of this machine, files in folders."""

from __future__ import annotations

import math
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

from batch_helpers.cloudops.cloud import JobExists, NewTask
from batch_helpers.cloudops.folder_files import FolderFiles
from batch_helpers.cloudops.registry import Entry, Registry
from batch_helpers.cloudops.settings import CloudJob, JobSettings
from batch_helpers.engines.local import LocalEngine
from batch_helpers.errors import InvalidInput, NotFound, ServiceError
from batch_helpers.job import Job, JobDetail, Status
from batch_helpers.resources.azure import PoolSpec
from batch_helpers.words import nearest

_MOST_RETRIES = 9


class LocalCloud:
    """See Cloud. directory: where everything is kept. containers: `docker`, `podman` or `apptainer`, for images.

    A pool's slots are the machine's; its mounts are links to the folders of containers. Nobody watches over a job
    when no script does: its timeout, and its completion, take effect when one looks.
    """

    longest_dependencies = None

    def __init__(
        self, directory: str, *, containers: str | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.engine = LocalEngine(directory, containers=containers, sleep=sleep)
        self._registry = Registry(os.path.join(self.engine.directory, "cloudops"))
        self.files = FolderFiles(os.path.join(self._registry.directory, "containers"))

    def create_pool(self, spec: PoolSpec, *, replace: bool) -> str:
        content = asdict(spec)
        with self._registry.locked():
            there = self._registry.pool(spec.name)
            if there is not None and not replace:
                differing = [name for name in content if _plain(content[name]) != there.get(name)]
                if differing:
                    text = "; ".join(f"{name}: {there.get(name)!r} there" for name in differing)
                    raise InvalidInput(
                        f"pool {spec.name!r} exists and differs: {text}: replace it, or choose another name"
                    )
                return "exists"
            self._registry.put_pool(spec.name, content)
        self._mount(spec)
        return "created" if there is None else "replaced"

    def delete_pool(self, name: str) -> None:
        self.check_pool(name)
        self._registry.remove_pool(name)

    def check_pool(self, name: str) -> None:
        if self._registry.pool(name) is None:
            raise NotFound(f"pool {name!r} does not exist{nearest(name, self._registry.pools())}")

    def create_job(self, settings: JobSettings) -> None:
        if settings.task_retries > _MOST_RETRIES:
            raise InvalidInput(
                f"task_retries={settings.task_retries}: on this machine a task is retried {_MOST_RETRIES} times at most"
            )
        with self._registry.locked():
            if self._registry.job(settings.name) is not None:
                raise JobExists(f"job {settings.name!r} exists already")
            self._registry.put_job(settings, {"created_at": time.time(), "state": "active", "reason": ""})

    def job(self, name: str) -> CloudJob:
        job = self._checked(name)
        details = self.tasks(job.name) if job.state == "active" else {}
        self._keep_logs(job.settings, details)
        if self._is_settled(job.name) and not any(detail.status.active for detail in details.values()):
            return self._end(job, "AllTasksComplete")
        return job

    def delete_job(self, name: str) -> None:
        self.job(name)
        self.engine.terminate([entry.job_id for entry in self._registry.tasks(name).values()], "its job was deleted")
        self._registry.remove_job(name)

    def settle(self, name: str) -> None:
        with self._registry.locked():
            found = self._registry.job(name)
            if found is not None and found[1]["state"] == "active":
                self._registry.put_job(found[0], {**found[1], "settled": True})
            self.job(name)

    def task_ids(self, name: str) -> list[str]:
        return list(self._registry.tasks(name))

    def tasks(self, name: str) -> dict[str, JobDetail]:
        return self._described(self._registry.tasks(name))

    def live(self, name: str) -> dict[str, tuple[str, JobDetail]]:
        active = {detail.job_id: detail for detail in self.engine.active([name])}
        entries = [entry for entry in self._registry.tasks(name).values() if entry.job_id in active]
        return {entry.key: (entry.task, active[entry.job_id]) for entry in entries}

    def some(self, name: str, ids: Sequence[str]) -> dict[str, JobDetail]:
        wanted = set(ids)
        return self._described({task: entry for task, entry in self._registry.tasks(name).items() if task in wanted})

    def lenient(self, name: str, ids: Sequence[str]) -> set[str]:
        entries = self._registry.tasks(name)
        return {task for task in ids if task in entries and entries[task].lenient}

    def add(self, job: CloudJob, tasks: Sequence[NewTask]) -> list[str | None]:
        with self._registry.locked():
            if self._checked(job.name).state != "active":
                raise ServiceError(f"job {job.name!r} is completed and takes no tasks: create another")
            known = self._registry.tasks(job.name)
            free = [task for task in tasks if task.id is None or task.id not in known]
            works = [self._work(job, task).bound(job.name, _upstream(task, known)) for task in free]
            entries = iter(self._entries(job, free, self.engine.submit(works), known))
            return [None if task.id in known else next(entries) for task in tasks]

    def _entries(
        self, job: CloudJob, tasks: Sequence[NewTask], job_ids: Sequence[str], known: Mapping[str, Entry]
    ) -> list[str]:
        """Note the tasks of these jobs, and return their IDs; a job that was there already has its own."""
        by_job = {entry.job_id: entry.task for entry in known.values()}
        names = Counter(entry.name for entry in known.values())
        new = []
        for task, job_id in zip(tasks, job_ids, strict=True):
            if job_id not in by_job:
                name = task.id or task.job.full_name
                names[name] += 1
                task_id = name if names[name] == 1 else f"{name}-{names[name]}"
                new.append(Entry(task_id, job_id, name, task.job.key, task.job.run_dependents_on_fail))
                by_job[job_id] = task_id
        self._registry.add_tasks(job.name, new)
        return [by_job[job_id] for job_id in job_ids]

    def _work(self, job: CloudJob, task: NewTask) -> Job:
        """The task with what its node would tell it; by that, two tasks of one command are two pieces of work."""
        own = {
            "AZ_BATCH_JOB_ID": job.name,
            "AZ_BATCH_TASK_ID": task.id or task.job.full_name,
            "AZ_BATCH_POOL_ID": job.settings.pool,
            "AZ_BATCH_NODE_MOUNTS_DIR": self._registry.folder("pools", job.settings.pool.lower(), "mounts"),
        }
        left = self._seconds_left(job.settings)
        limits = [limit for limit in (task.job.timeout, left) if limit is not None]
        pool = self._registry.pool(job.settings.pool) or {}
        return replace(
            task.job,
            environment={**task.job.environment, **own},
            attempts=job.settings.task_retries + 1,
            timeout=max(1, math.ceil(min(limits))) if limits else None,
            image=task.job.image or pool.get("container_image"),
        )

    def _described(self, entries: Mapping[str, Entry]) -> dict[str, JobDetail]:
        found = self.engine.describe([entry.job_id for entry in entries.values()])
        return {task: found[entry.job_id] for task, entry in entries.items() if entry.job_id in found}

    def _checked(self, name: str) -> CloudJob:
        """A job, ended if its time is over: the service would have seen to that."""
        found = self._registry.job(name)
        if found is None:
            raise NotFound(f"job {name!r} does not exist{nearest(name, self._registry.jobs())}")
        settings, state = found
        job = CloudJob(settings, state["state"], state["reason"])
        left = self._seconds_left(settings)
        if job.state != "active" or left is None or left > 0:
            return job
        reason = "MaxWallClockTimeExpiry"
        self.engine.terminate([entry.job_id for entry in self._registry.tasks(name).values()], reason)
        return self._end(job, reason)

    def _is_settled(self, name: str) -> bool:
        found = self._registry.job(name)
        return found is not None and found[1]["state"] == "active" and bool(found[1].get("settled"))

    def _end(self, job: CloudJob, reason: str) -> CloudJob:
        found = self._registry.job(job.name)
        if found is not None:
            self._registry.put_job(found[0], {**found[1], "state": "completed", "reason": reason})
        return job._replace(state="completed", reason=reason)

    def _seconds_left(self, settings: JobSettings) -> float | None:
        found = self._registry.job(settings.name)
        if settings.timeout is None or found is None:
            return None
        return float(found[1]["created_at"]) + settings.timeout * 60 - time.time()

    def _keep_logs(self, settings: JobSettings, details: Mapping[str, JobDetail]) -> None:
        """Copy what ended tasks have written; the engine keeps both streams in one file."""
        if not settings.logs_container:
            return
        parts = [part for part in settings.logs_folder.split("/") if part]
        for task, detail in details.items():
            folder = os.path.join(self.files.folder(settings.logs_container), *parts, settings.name, task)
            log = detail.attempts[-1].log if detail.attempts else None
            if (
                detail.status in (Status.SUCCEEDED, Status.FAILED)
                and log
                and not os.path.exists(f"{folder}/stdout.txt")
            ):
                os.makedirs(folder, exist_ok=True)
                with suppress(FileNotFoundError):
                    shutil.copyfile(log, os.path.join(folder, "stdout.txt"))

    def _mount(self, spec: PoolSpec) -> None:
        folder = self._registry.folder("pools", spec.name.lower(), "mounts")
        for mount in spec.mounts:
            self.files.create(mount.source)
            link = os.path.join(folder, mount.target)
            os.makedirs(os.path.dirname(link), exist_ok=True)
            if os.path.islink(link):
                os.unlink(link)
            os.symlink(self.files.folder(mount.source), link)


def _upstream(task: NewTask, known: Mapping[str, Entry]) -> list[str]:
    numbers = (str(number) for first, last in task.ranges for number in range(first, last + 1))
    return list(dict.fromkeys(known[name].job_id for name in (*task.upstream, *numbers) if name in known))


def _plain(value: Any) -> Any:
    return [list(item) if isinstance(item, tuple) else item for item in value] if isinstance(value, tuple) else value
