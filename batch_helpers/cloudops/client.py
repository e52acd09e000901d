"""CloudClient: pools, jobs and tasks in the words of Azure Batch."""

from __future__ import annotations

import sys
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, TextIO

from batch_helpers.cloudops import checks, clouds, parameters, stats, transfers
from batch_helpers.cloudops.cloud import Cloud, Files, JobExists
from batch_helpers.cloudops.dag import Task, levels
from batch_helpers.cloudops.desk import Desk
from batch_helpers.cloudops.files_face import FilesFace
from batch_helpers.cloudops.requests import task_request
from batch_helpers.cloudops.saying import say
from batch_helpers.cloudops.settings import LOGS_FOLDER, JobSettings
from batch_helpers.errors import BatchHelpersError, InvalidInput, NotFound, ServiceError
from batch_helpers.job import Status
from batch_helpers.monitor import Snapshot
from batch_helpers.stores import StoreRouter
from batch_helpers.stores.base import Store


class CloudClient(FilesFace):
    """Runs tasks in jobs on pools: on Azure Batch, or with `engine="local"` as processes of this machine.

    dotenv_path: a `.env` file; None is the one in the working directory, if there is one. The shell's own variables
    come first. use_sp, use_federated: sign in as a service principal, or by a federated token; by default with the
    account's key, or as azure-identity finds. settings: any of the variables as arguments, such as azure_tenant_id=.
    directory, containers: where the local engine keeps everything, and the program that it runs images with.
    store: where outputs lie, instead of what their URIs say. stdout: where monitor_job prints. sleep: how it waits.

    Making one makes no call and needs no credentials. Everything that goes wrong is an error of batch_helpers.errors,
    with what the service said as its cause.
    """

    def __init__(
        self,
        dotenv_path: str | None = None,
        use_sp: bool = False,
        use_federated: bool = False,
        *,
        engine: str = "azure",
        directory: str = ".batch",
        containers: str | None = None,
        store: Store | None = None,
        stdout: TextIO | None = None,
        sleep: Callable[[float], None] = time.sleep,
        **settings: Any,
    ) -> None:
        access = clouds.make_access(dotenv_path, use_sp=use_sp, use_federated=use_federated, given=settings)
        self._access = access if engine == "azure" else None
        self._cloud = clouds.make_cloud(engine, access, directory=directory, containers=containers, sleep=sleep)
        self._store: Store = store or StoreRouter(azure=access)
        self._stdout = stdout
        self._desks: dict[str, Desk] = {}
        self._finish = weakref.finalize(self, _finish, self._cloud, self._desks)

    def __enter__(self) -> CloudClient:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let jobs complete that are to be marked so; happens by itself when the script ends."""
        _finish(self._cloud, self._desks)
        self._desks.clear()

    def create_pool(
        self,
        pool_name: str,
        mounts: Iterable[Any] | None = None,
        container_image_name: str | None = None,
        vm_size: str = "small",
        autoscale: bool = True,
        autoscale_formula: str | None = None,
        dedicated_nodes: int = 0,
        low_priority_nodes: int = 1,
        max_autoscale_nodes: int = 3,
        task_slots_per_node: int = 1,
        availability_zones: str = "regional",
        cache_blobfuse: bool = True,
        replace_existing_pool: bool = False,
    ) -> str:
        """Create a pool: `created`, `exists` when there is one that is like it, or `replaced`.

        pool_name: spaces become `_`. mounts: blob containers, as names or as {'source': container, 'target': path}.
        vm_size: a VM size, or xsmall to xlarge. autoscale: by the formula, or by a default one up to
        max_autoscale_nodes; otherwise dedicated_nodes and low_priority_nodes. availability_zones: regional or zonal.

        Raises InvalidInput when there is a pool of this name that differs, unless it is to be replaced.
        """
        spec = clouds.pool_spec(
            pool_name.replace(" ", "_"),
            self._access,
            vm_size=vm_size,
            container_image=container_image_name,
            max_nodes=max_autoscale_nodes,
            formula=None if autoscale_formula in (None, "default") else autoscale_formula,
            fixed=None if autoscale else (dedicated_nodes, low_priority_nodes),
            slots=task_slots_per_node,
            mounts=clouds.mounts(mounts),
            zones=availability_zones,
            cache=cache_blobfuse,
        )
        return self._cloud.create_pool(spec, replace=replace_existing_pool)

    def delete_pool(self, pool_name: str) -> None:
        """Delete a pool and wait until it is gone. Raises NotFound, with the nearest name, when there is none."""
        self._cloud.delete_pool(pool_name.replace(" ", "_"))

    def create_job(
        self,
        job_name: str,
        pool_name: str,
        uses_deps: bool = True,
        save_logs_to_blob: str | None = None,
        logs_folder: str = LOGS_FOLDER,
        task_retries: int = 0,
        mark_complete_after_tasks_run: bool = False,
        task_id_ints: bool = False,
        timeout: float | None = None,
        exist_ok: bool = False,
        verify_pool: bool = True,
        verbose: bool = False,
    ) -> str:
        """Create a job on an existing pool, and return its name.

        job_name: spaces are removed. uses_deps: whether its tasks may depend on each other. save_logs_to_blob: the
        container that takes what tasks write, below logs_folder. task_retries: how often a failed task is tried again.
        mark_complete_after_tasks_run: the job completes when its tasks have ended, as soon as this script adds no more
        (it monitors the job, closes the client, or ends). task_id_ints: task IDs are 1, 2, 3, …. timeout: minutes
        after which the job is terminated. exist_ok: go on with a job of this name if there is one. verify_pool: look
        first whether the pool exists. verbose: say on stderr what was done.

        Raises InvalidInput when there is a job of this name, and exist_ok is False or it was created otherwise;
        NotFound for a pool or a container that does not exist.
        """
        settings = JobSettings(
            checks.job_name(job_name),
            pool_name,
            uses_deps=uses_deps,
            logs_container=save_logs_to_blob,
            logs_folder=(logs_folder or LOGS_FOLDER).strip("/") if save_logs_to_blob else LOGS_FOLDER,
            task_retries=checks.retries(task_retries),
            mark_complete=mark_complete_after_tasks_run,
            task_id_ints=task_id_ints,
            timeout=checks.minutes(timeout),
        )
        if verify_pool:
            self._cloud.check_pool(pool_name)
        if save_logs_to_blob:
            self._cloud.files.check(save_logs_to_blob)
        said = self._create(settings, exist_ok=exist_ok)
        if verbose:
            say(said)
        return settings.name

    def add_task(
        self,
        job_name: str,
        command_line: str | Sequence[str],
        name_suffix: str = "",
        depends_on: str | Iterable[str | int | None] | None = None,
        depends_on_range: tuple[int, int] | None = None,
        run_dependent_tasks_on_fail: bool = False,
        container_image_name: str | None = None,
        timeout: float | None = None,
        *,
        outputs: Iterable[str] = (),
        inputs: Iterable[str] = (),
    ) -> str | None:
        """Add a task to an existing job, and return its task ID.

        command_line: as you would type it in a terminal, or a list of words that no shell sees. name_suffix: becomes
        part of the task ID. depends_on: task IDs; those that are None are ignored. depends_on_range: the first and the
        last of a range of integer IDs. container_image_name: instead of the pool's. timeout: minutes.

        run_dependent_tasks_on_fail: on a task that others depend on, these run even if it fails. On a task that itself
        depends on others, it runs even if they fail: where they were added without this, it is held back, and
        monitor_job adds it when they have ended.

        outputs: URIs or paths that the task leaves. When all of them exist it is not added, and None is returned; when
        the same task has not ended yet, its ID is returned. Which of both is said on stderr.

        Raises NotFound, UnknownDependency or InvalidInput before anything is added.
        """
        given = {
            "command_line": command_line,
            "name_suffix": name_suffix,
            "depends_on": depends_on,
            "depends_on_range": depends_on_range,
            "run_dependent_tasks_on_fail": run_dependent_tasks_on_fail,
            "container_image_name": container_image_name,
            "timeout": timeout,
            "outputs": outputs,
            "inputs": inputs,
        }
        return self.add_tasks(job_name, [given])[0]

    def add_tasks(self, job_name: str, tasks: Iterable[Mapping[str, Any] | str]) -> list[str | None]:
        """Add many tasks, a hundred in a request, and return their task IDs in order.

        tasks: commands, or mappings with the arguments of add_task. They may depend on tasks that were added before.
        """
        desk = self._desk(job_name)
        return desk.add([task_request(task, ints=desk.job.settings.task_id_ints) for task in tasks])

    def add_tasks_from_yaml(self, job_name: str, base_cmd: str, file_path: str, **options: Any) -> list[str | None]:
        """Add a task for each set of parameters in a YAML file, and return their task IDs.

        The file is a list of mappings, or has `parameters` with {fix: value} and {vary: [values]}; each set follows
        base_cmd as `--name value`. options: further arguments of add_task.
        """
        commands = parameters.commands(base_cmd, file_path)
        return self.add_tasks(job_name, [{"command_line": command, **options} for command in commands])

    def run_dag(self, *tasks: Task, job_name: str, **options: Any) -> list[str | None]:
        """Add the tasks of a graph to a job, each after those that it runs after; their task IDs in the order given.

        options: further arguments of add_task for all of them. Raises CycleError, or UnknownDependency for a task that
        another one runs after and that is not given, before anything is added.
        """
        ids: dict[Task, str | None] = {}
        for level in levels(tasks):
            requests = [
                {
                    "command_line": task.cmd,
                    "name_suffix": task.id,
                    "depends_on": [ids[other] for other in task.deps],
                    **options,
                    **task.options,
                }
                for task in level
            ]
            ids.update(zip(level, self.add_tasks(job_name, requests), strict=True))
        return [ids[task] for task in tasks]

    def monitor_job(
        self,
        job_name: str,
        timeout: float | None = None,
        download_job_stats: bool = False,
        *,
        interval: float = 10,
    ) -> Snapshot:
        """Print a job's progress until its tasks have ended, and return the summary.

        Its failures are in `.failed`, and `.exit_code` is not 0 then. timeout: minutes, after which MonitorTimedOut is
        raised; the tasks go on. download_job_stats: write the table of download_job_stats at the end. interval:
        seconds between polls. Ctrl-C detaches.
        """
        from batch_helpers.cloudops.monitor import Monitor

        if not interval > 0:
            raise InvalidInput(f"interval={interval!r}: give a positive number of seconds")
        limit = checks.minutes(timeout)
        desk = self._desk(job_name, again=True)
        if not desk.waiting.tasks:
            self._settle(desk)
        monitor = Monitor(self._cloud, self._store, desk)
        summary = monitor.run(self._stdout or sys.stdout, None if limit is None else limit * 60, interval)
        if not summary.detached:
            self._settle(desk)
        if download_job_stats:
            self.download_job_stats(job_name)
        return summary

    def check_job_status(self, job_name: str) -> str:
        """The state of a job: `complete`, `active` or another of Azure Batch's words, or `does not exist`."""
        name = checks.job_name(job_name)
        try:
            state = self._cloud.job(name).state
        except NotFound:
            return "does not exist"
        return "complete" if state == "completed" else state

    def get_task_status(self, job_name: str, task_id: str | int) -> Status:
        """The status of a task: RUNNING, SUCCEEDED, FAILED, …; a held one is PENDING. NotFound when there is none."""
        desk, task = self._desk(job_name), str(task_id)
        if task in desk.waiting.tasks:
            return Status.PENDING
        found = self._cloud.some(desk.job.name, [task])
        if not found:
            raise NotFound(f"job {desk.job.name!r} has no task {task!r}")
        return next(iter(found.values())).status

    def delete_job(self, job_name: str) -> None:
        """Delete a job and all its tasks, and wait until it is gone. NotFound when there is none."""
        name = checks.job_name(job_name)
        self._cloud.delete_job(name)
        self._desks.pop(name.lower(), None)

    def download_job_stats(self, job_name: str, file_name: str | None = None) -> str:
        """Write a CSV table of a job's tasks, with status, exit code and times, and return its path.

        file_name: with or without `.csv`; None is `<job>-stats.csv` in the working directory.
        """
        desk = self._desk(job_name)
        path = file_name or f"{desk.job.name}-stats"
        path = path if path.endswith(".csv") else f"{path}.csv"
        stats.write_stats(path, self._cloud.tasks(desk.job.name))
        return path

    def download_after_job(
        self, job_name: str, blob_paths: Iterable[str], target: str, container_name: str, **options: Any
    ) -> list[str]:
        """Monitor a job, and then download files and folders of a container into a folder; the paths.

        options: those of monitor_job. Raises ServiceError, and downloads nothing, when tasks have failed.
        """
        summary = self.monitor_job(job_name, **options)
        if summary.exit_code:
            raise ServiceError(
                f"job {job_name!r}: {len(summary.failed)} tasks failed, {summary.active} have not ended; nothing was "
                "downloaded: download_folder gets what is there"
            )
        return transfers.download_some(self._cloud.files, container_name, blob_paths, target)

    @property
    def _files(self) -> Files:
        return self._cloud.files

    def _create(self, settings: JobSettings, *, exist_ok: bool) -> str:
        try:
            self._cloud.create_job(settings)
        except JobExists as exc:
            if not exist_ok:
                problem = f"job {settings.name!r} exists already: give exist_ok=True to go on with it, or another name"
                raise InvalidInput(problem) from exc
            there = self._cloud.job(settings.name)
            if differing := settings.differences(there.settings):
                problem = f"job {settings.name!r} exists and was created otherwise: {'; '.join(differing)}"
                raise InvalidInput(f"{problem}; choose another name, or create it as it was") from exc
            return f"job {settings.name!r} exists already, and is {there.state}"
        return f"job {settings.name!r} was created on pool {settings.pool!r}"

    def _desk(self, job_name: str, *, again: bool = False) -> Desk:
        """What this process does with a job, which is looked up once, or again."""
        name = checks.job_name(job_name)
        desk = self._desks.get(name.lower())
        if desk is None or again:
            job = self._cloud.job(name)
            if desk is None:
                desk = self._desks[name.lower()] = Desk(self._cloud, self._store, job, say)
            desk.job = job
        return desk

    def _settle(self, desk: Desk) -> None:
        if desk.job.settings.mark_complete:
            self._cloud.settle(desk.job.name)


def _finish(cloud: Cloud, desks: Mapping[str, Desk]) -> None:
    """What remains to be done with jobs when their script adds no more tasks."""
    for desk in desks.values():
        if desk.waiting.tasks:
            held = ", ".join(desk.waiting.tasks)
            say(f"job {desk.job.name!r}: {held} were held and never added: call monitor_job before the script ends")
        elif desk.job.settings.mark_complete and desk.known:
            try:
                cloud.settle(desk.job.name)
            except BatchHelpersError as exc:
                say(f"job {desk.job.name!r} will not complete by itself: {exc}")
