"""Azure Batch in memory: jobs and their tasks, as strict as the service's documentation says."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from azure.batch import models

from tests.azure.fake_batch import dependencies, nodes, shapes
from tests.azure.fake_batch.refusal import Refusal

Raw = dict[str, Any]

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
MOST_TASKS, MOST_BYTES = 100, 1024 * 1024


class Pool:
    """Nodes and their slots. `properties` is the pool as the resource manager shows it."""

    def __init__(self, name: str, properties: Raw, slots: int) -> None:
        self.name, self.properties, self.slots = name, properties, slots
        self.created = now()
        self.deleting = False

    @property
    def containers(self) -> Raw | None:
        machine = self.properties.get("deploymentConfiguration", {}).get("virtualMachineConfiguration", {})
        found: Raw | None = machine.get("containerConfiguration")
        return found


class Service:
    """quota: most active jobs. Tasks run in folders under `root`."""

    def __init__(self, root: Path) -> None:
        self.root, self.quota = root, 100
        self.lock = threading.RLock()
        self.pools: dict[str, Pool] = {}
        self.jobs: dict[str, Raw] = {}
        self.tasks: dict[str, dict[str, Raw]] = {}
        self.lost_nodes = False
        self._running: dict[tuple[str, str], nodes.Process] = {}
        self._timers: list[threading.Timer] = []

    def close(self) -> None:
        for timer in self._timers:
            timer.cancel()
        with self.lock:
            self.pools.clear()
            processes = list(self._running.values())
        for process in processes:
            process.end("closed")
        for process in processes:
            process.thread.join(10)

    def add_pool(self, name: str, *, slots: int = 4, images: Sequence[str] = (), vm_size: str = "D4s_v5") -> None:
        """A pool with one node; without slots it has none."""
        machine: Raw = {"imageReference": {"offer": "ubuntu-hpc"}, "nodeAgentSkuId": "batch.node.ubuntu 22.04"}
        if images:
            machine["containerConfiguration"] = {"type": "DockerCompatible", "containerImageNames": list(images)}
        properties = {
            "vmSize": f"Standard_{vm_size}",
            "taskSlotsPerNode": slots or 1,
            "deploymentConfiguration": {"virtualMachineConfiguration": machine},
            "scaleSettings": {"fixedScale": {"targetDedicatedNodes": 1 if slots else 0}},
        }
        self.pools[name.lower()] = Pool(name, properties, slots)

    def pool(self, name: str) -> Pool:
        if name.lower() not in self.pools:
            raise Refusal("PoolNotFound")
        return self.pools[name.lower()]

    def create_job(self, body: Raw) -> None:
        shapes.check(body, models.BatchJobCreateOptions)
        name = _checked_id(body["id"])
        if name.lower() in self.jobs:
            raise Refusal("JobBeingDeleted" if self.jobs[name.lower()]["state"] == "deleting" else "JobExists")
        if sum(job["state"] != "completed" for job in self.jobs.values()) >= self.quota:
            raise Refusal("ActiveJobAndScheduleQuotaReached")
        self.pool(body["poolInfo"]["poolId"])
        _check_metadata(body)
        job = {"onAllTasksComplete": "noaction", "onTaskFailure": "noaction", "usesTaskDependencies": False, **body}
        times = {"creationTime": now(), "stateTransitionTime": now(), "lastModified": now(), "eTag": "0x1", "url": "/"}
        info = {"startTime": now(), "poolId": body["poolInfo"]["poolId"]}
        self.jobs[name.lower()] = {**job, **times, "state": "active", "executionInfo": info}
        self.tasks[name.lower()] = {}
        limit = nodes.seconds((body.get("constraints") or {}).get("maxWallClockTime"))
        if limit is not None:
            self._later(limit, lambda: self.end_job(name, "MaxWallClockTimeExpiry"))
        self._settle(name.lower())

    def job(self, name: str) -> Raw:
        if name.lower() not in self.jobs:
            raise Refusal("JobNotFound")
        return self.jobs[name.lower()]

    def seen_job(self, name: str) -> Raw:
        """A job that is looked at; one that is being deleted is gone the next time."""
        job = dict(self.job(name))
        if job["state"] == "deleting" and not any(owner == name.lower() for owner, _ in self._running):
            del self.jobs[name.lower()], self.tasks[name.lower()]
        return job

    def update_job(self, name: str, body: Raw) -> None:
        shapes.check(body, models.BatchJobUpdateOptions)
        job = self._open_job(name)
        before, after = job["onAllTasksComplete"], body.get("onAllTasksComplete")
        if before == "terminatejob" and after == "noaction":
            raise Refusal("InvalidPropertyValue", "onAllTasksComplete")
        _check_metadata(body)
        job.update({key: value for key, value in body.items() if value is not None}, lastModified=now())
        self._settle(name.lower())

    def end_job(self, name: str, reason: str) -> None:
        """Running tasks are ended, active ones stay as they are, and nothing starts any more."""
        with self.lock:
            job = self.jobs.get(name.lower())
            if job is None or job["state"] != "active":
                return
            job.update(state="completed", stateTransitionTime=now())
            job["executionInfo"].update(endTime=now(), terminateReason=reason)
            for (owner, _), process in list(self._running.items()):
                if owner == name.lower():
                    process.end("JobTerminated")

    def terminate_job(self, name: str, reason: str | None) -> None:
        self._open_job(name)
        self.end_job(name, reason or "UserTerminate")

    def delete_job(self, name: str) -> None:
        self.job(name)
        self.end_job(name, "deleted")
        self.jobs[name.lower()]["state"] = "deleting"

    def add_task(self, job_name: str, body: Raw) -> Raw:
        shapes.check(body, models.BatchTaskCreateOptions)
        job, name = self._open_job(job_name), _checked_id(body["id"])
        self._check_task(job, body)
        tasks = self.tasks[job_name.lower()]
        if name.lower() in tasks:
            raise Refusal("TaskExists")
        limits = {"maxTaskRetryCount": (job.get("constraints") or {}).get("maxTaskRetryCount", 0)}
        task = {**body, "constraints": {**limits, **(body.get("constraints") or {})}}
        times = {"creationTime": now(), "stateTransitionTime": now(), "lastModified": now(), "eTag": "0x1", "url": "/"}
        tasks[name.lower()] = {
            **task,
            **times,
            "state": "active",
            "executionInfo": {"retryCount": 0, "requeueCount": 0},
        }
        return tasks[name.lower()]

    def add_collection(self, job_name: str, body: Raw, size: int) -> list[Raw]:
        shapes.check(body, models.BatchTaskGroup)
        if size > MOST_BYTES:
            raise Refusal("RequestBodyTooLarge")
        if len(body["value"]) > MOST_TASKS:
            raise Refusal("InvalidPropertyValue", f"value: at most {MOST_TASKS} tasks")
        self._open_job(job_name)
        results = [self._added(job_name, item) for item in body["value"]]
        self.schedule()
        return results[::-1]

    def _added(self, job_name: str, item: Raw) -> Raw:
        try:
            task = self.add_task(job_name, item)
        except Refusal as refusal:
            kind = "servererror" if refusal.status >= 500 else "clienterror"
            return {"status": kind, "taskId": item.get("id"), "error": refusal.body}
        return {"status": "success", "taskId": task["id"], "eTag": task["eTag"], "lastModified": task["lastModified"]}

    def task(self, job_name: str, name: str) -> Raw:
        self.job(job_name)
        if name.lower() not in self.tasks[job_name.lower()]:
            raise Refusal("TaskNotFound")
        return self.tasks[job_name.lower()][name.lower()]

    def terminate_task(self, job_name: str, name: str) -> None:
        task = self.task(job_name, name)
        if task["state"] == "completed":
            raise Refusal("TaskCompleted")
        process = self._running.get((job_name.lower(), name.lower()))
        if process is not None:
            process.end("TaskEnded")
            return
        self._complete(job_name.lower(), task, None, "TaskEnded")
        self.schedule()

    def counts(self, job_name: str) -> Raw:
        self.job(job_name)
        found: Counter[str] = Counter()
        for task in self.tasks[job_name.lower()].values():
            found["running" if task["state"] == "preparing" else task["state"]] += 1
            if task["state"] == "completed":
                found["succeeded" if task["executionInfo"]["result"] == "success" else "failed"] += 1
        return {name: found[name] for name in ("active", "running", "completed", "succeeded", "failed")}

    def folder(self, job_name: str, task_name: str) -> Path:
        return self.root / job_name.lower() / task_name.lower()

    def files(self, job_name: str, task_name: str) -> list[str]:
        self.task(job_name, task_name)
        if self.lost_nodes:
            raise Refusal("TaskFilesUnavailable")
        folder = self.folder(job_name, task_name)
        return sorted(item.name for item in folder.iterdir() if item.is_file()) if folder.is_dir() else []

    def file(self, job_name: str, task_name: str, path: str) -> Path:
        self.task(job_name, task_name)
        if self.lost_nodes:
            raise Refusal("TaskFilesUnavailable")
        found = self.folder(job_name, task_name) / path
        if ".." in path or not found.is_file():
            raise Refusal("FileNotFound")
        return found

    def schedule(self) -> None:
        """Start what may start, as far as there are slots."""
        with self.lock:
            free = {name: pool.slots for name, pool in self.pools.items() if not pool.deleting}
            for owner, name in self._running:
                pool = self.jobs[owner]["poolInfo"]["poolId"].lower()
                free[pool] = free.get(pool, 0) - (self.tasks[owner][name].get("requiredSlots") or 1)
            for job_name, job in self.jobs.items():
                pool = job["poolInfo"]["poolId"].lower()
                if job["state"] == "active" and free.get(pool, 0) > 0:
                    self._fill(job, job_name, pool, free)

    def _fill(self, job: Raw, job_name: str, pool: str, free: dict[str, int]) -> None:
        tasks = self.tasks[job_name]
        for name, task in tasks.items():
            slots = task.get("requiredSlots") or 1
            if task["state"] == "active" and slots <= free[pool] and dependencies.ready(task, tasks):
                self._start(job, job_name, name, task)
                free[pool] -= slots
                if free[pool] <= 0:
                    return

    def _start(self, job: Raw, job_name: str, name: str, task: Raw) -> None:
        environment = {
            **{item["name"]: item.get("value") or "" for item in job.get("commonEnvironmentSettings") or ()},
            **{item["name"]: item.get("value") or "" for item in task.get("environmentSettings") or ()},
            "AZ_BATCH_JOB_ID": job["id"],
            "AZ_BATCH_TASK_ID": task["id"],
            "AZ_BATCH_TASK_DIR": str(self.folder(job_name, name)),
            "AZ_BATCH_TASK_WORKING_DIR": str(self.folder(job_name, name) / "wd"),
        }

        def ended(code: int | None, reason: str) -> None:
            self._ended(job_name, name, code, reason)

        process = nodes.Process(self.folder(job_name, name), task, environment, ended)
        self._running[job_name, name] = process
        task.update(state="running", stateTransitionTime=now())
        task["executionInfo"]["startTime"] = now()
        process.thread.start()

    def _ended(self, job_name: str, name: str, code: int | None, reason: str) -> None:
        with self.lock:
            del self._running[job_name, name]
            task = self.tasks.get(job_name, {}).get(name)
            if task is not None:
                info, retries = task["executionInfo"], task["constraints"]["maxTaskRetryCount"]
                if code and not reason and (retries < 0 or info["retryCount"] < retries):
                    info["retryCount"] += 1
                    task.update(state="active", stateTransitionTime=now())
                else:
                    self._complete(job_name, task, code, reason)
            self.schedule()

    def _complete(self, job_name: str, task: Raw, code: int | None, reason: str) -> None:
        good = code == 0 and not reason
        info = task["executionInfo"]
        info.update(endTime=now(), result="success" if good else "failure")
        if code is not None:
            info["exitCode"] = code
        if not good:
            info["failureInfo"] = _failure(reason)
        task.update(state="completed", stateTransitionTime=now())
        options = dependencies.exit_options(task) or {}
        if self.jobs[job_name]["onTaskFailure"] != "noaction" and options.get("jobAction") == "terminate":
            self.end_job(job_name, "TaskFailed")
        self._settle(job_name)

    def _settle(self, job_name: str) -> None:
        job, tasks = self.jobs[job_name], self.tasks[job_name]
        if job["onAllTasksComplete"] == "terminatejob" and all(task["state"] == "completed" for task in tasks.values()):
            self.end_job(job_name, "AllTasksComplete")

    def _open_job(self, name: str) -> Raw:
        job = self.job(name)
        if job["state"] == "completed":
            raise Refusal("JobCompleted")
        if job["state"] == "deleting":
            raise Refusal("JobBeingDeleted")
        return job

    def _check_task(self, job: Raw, body: Raw) -> None:
        nodes.words(body["commandLine"])
        dependencies.check(body, job)
        nodes.seconds((body.get("constraints") or {}).get("maxWallClockTime"))
        conditions = [item for item in (body.get("exitConditions") or {}).values() if isinstance(item, Mapping)]
        if job["onTaskFailure"] == "noaction" and any(item.get("jobAction") for item in conditions):
            raise Refusal("InvalidPropertyValue", "exitConditions.jobAction")
        containers = self.pool(job["poolInfo"]["poolId"]).containers
        if (containers is not None) != (body.get("containerSettings") is not None):
            raise Refusal("InvalidPropertyValue", "containerSettings")

    def _later(self, delay: float, act: Callable[[], None]) -> None:
        timer = threading.Timer(delay, act)
        timer.daemon = True
        timer.start()
        self._timers.append(timer)


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def _failure(reason: str) -> Raw:
    if reason == "CommandProgramNotFound":
        return {"category": "usererror", "code": reason, "message": "The specified command program is not found"}
    if reason == "TaskEnded":
        return {"category": "usererror", "code": reason, "message": "Task Was Ended by User Request"}
    message = "The task exited with an exit code representing a failure"
    return {"category": "usererror", "code": reason or "FailureExitCode", "message": message}


def _checked_id(name: str) -> str:
    if not _ID.fullmatch(name):
        raise Refusal("InvalidPropertyValue", f"id: {name}")
    return name


def _check_metadata(body: Raw) -> None:
    names = [item["name"] for item in body.get("metadata") or ()]
    if len(set(names)) != len(names):
        raise Refusal("InvalidPropertyValue", "metadata")
