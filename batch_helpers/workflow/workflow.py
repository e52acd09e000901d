"""EZBatchWorkflow: named jobs and their dependencies, submitted to any engine, again and again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batch_helpers.engine_helpers import connect
from batch_helpers.errors import InvalidInput, UnknownDependency
from batch_helpers.helper import BatchHelper
from batch_helpers.monitor import Snapshot
from batch_helpers.plan import submission_order
from batch_helpers.preview import Preview
from batch_helpers.s3.plain import JSONText
from batch_helpers.samples.nearest import did_you_mean
from batch_helpers.workflow.definitions import Roles
from batch_helpers.workflow.job import EZBatchJob
from batch_helpers.workflow.submission import Submission

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class EZBatchWorkflow(JSONText):
    """Jobs by name, and for each the names of those that it depends on.

        workflow = EZBatchWorkflow(
            "cohort",
            jobs={"align": EZBatchJob(...), "call": EZBatchJob(...)},
            dependencies={"call": ["align"]},
        )
        workflow.submit(queue="my-job-queue")
        summary = workflow.monitor()

    Submitting it again skips every job whose outputs exist, and reuses what is active.

    local_buckets: folders that stand for buckets on the local engine, by bucket: a run without any S3.

    Of the arguments that several methods take: `queue` is the name or ARN of the queue of jobs that name none. `engine`
    is `aws`, `local` or a helper, as AWSBatchHelper(profile="lab"); by default the one given last, at first `aws`.

    Raises InvalidInput; UnknownDependency and CycleError are two kinds of it.
    """

    name: str
    jobs: dict[str, EZBatchJob]
    dependencies: dict[str, list[str]] = field(default_factory=dict)
    local_buckets: dict[str, str] = field(default_factory=dict)
    _engine: BatchHelper | str = field(default="aws", init=False, repr=False, compare=False)
    _submission: Submission | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.check()

    def check(self) -> None:
        """Raise InvalidInput for what is wrong with the workflow as a whole; makes no call."""
        self._check_fields()
        self.job_submission_queue(list(self.jobs), self.dependencies)

    @staticmethod
    def job_submission_queue(jobs: list[str], dependency_map: dict[str, list[str]]) -> list[str]:
        """The names of the jobs, each after all that it depends on.

        Raises CycleError with the cycle, UnknownDependency with the name that is not among `jobs`.
        """
        known = dict.fromkeys(jobs)
        for name in dependency_map:
            if name not in known:
                hint = did_you_mean(name, known)
                raise UnknownDependency(f"dependencies[{name!r}]: there is no job of that name{hint}")
        return submission_order({name: dependency_map.get(name, ()) for name in known})

    def submit(
        self,
        queue: str | None = None,
        *,
        engine: BatchHelper | str | None = None,
        execution_role_arn: str | None = None,
        task_role_arn: str | None = None,
        keep_definitions: bool = True,
    ) -> dict[str, str | None]:
        """Submit what is missing; jobIds by the jobs' names, None where there is nothing to wait for.

        execution_role_arn, task_role_arn: the roles of jobs on AWS, of which Fargate needs the first; by default what
        BATCH_HELPERS_EXECUTION_ROLE_ARN and BATCH_HELPERS_TASK_ROLE_ARN say.
        keep_definitions: leave the job definitions for the next time; they are named by their content, and shared.
        Otherwise those that this call has registered are deregistered as soon as no job needs them, and no others.

        Everything is checked before anything is submitted: InvalidInput means that nothing was.
        """
        submission = self._open(queue, engine, _roles(execution_role_arn, task_role_arn))
        self._submission = submission
        return submission.submit(keep_definitions=keep_definitions)

    def plan(
        self,
        queue: str | None = None,
        *,
        engine: BatchHelper | str | None = None,
        preflight: bool = False,
        execution_role_arn: str | None = None,
        task_role_arn: str | None = None,
    ) -> Preview:
        """What submit would do, and why; submits and registers nothing.

        preflight: look at what would keep the jobs from running with these roles, too: see BatchHelper.plan.
        """
        roles = _roles(execution_role_arn, task_role_arn) if preflight else None
        return self._open(queue, engine, roles).plan(preflight=preflight)

    def monitor(self, interval: float = 60, **options: Any) -> Snapshot:
        """Print how the submitted jobs go until they have ended, and return the last snapshot.

        interval: seconds between polls at the most. options: those of BatchHelper.monitor.
        """
        if self._submission is None:
            raise InvalidInput("nothing has been submitted yet: call submit first; it finds again what is active")
        return self._submission.monitor(interval, **options)

    def cancel(
        self,
        queue: str | None = None,
        *,
        engine: BatchHelper | str | None = None,
        reason: str = "cancelled by the user",
    ) -> list[str]:
        """End the workflow's active jobs; their jobIds.

        After submit those that it submitted or found active; in another process whichever are active.
        """
        submission = self._submission or self._open(queue, engine)
        return submission.cancel(reason)

    def outputs(self, engine: str | None = None) -> dict[str, tuple[str, ...]]:
        """The objects whose presence means that a job is done, by the jobs' names.

        engine: with `local`, buckets for which folders stand are these folders.
        """
        from batch_helpers.workflow.here import as_path

        buckets = self.local_buckets if engine == "local" else {}
        return {name: tuple(as_path(uri, buckets) for uri in job.expected) for name, job in self.jobs.items()}

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, with a schema version."""
        from batch_helpers.workflow.document import to_document

        return to_document(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> EZBatchWorkflow:
        """The workflow that to_dict was made from. Raises InvalidInput with the place, as `jobs.align.memory`."""
        from batch_helpers.workflow.document import from_document

        return from_document(data)

    def save(self, path: Path | str) -> None:
        """Save the workflow to a JSON file, which `load` reads back as an equal workflow."""
        from batch_helpers.workflow.document import save

        self.check()
        save(self, path)

    @classmethod
    def load(cls, path: Path | str) -> EZBatchWorkflow:
        """The workflow of a JSON file. Raises InvalidInput with the place in the file of what cannot be used."""
        from batch_helpers.workflow.document import load

        return load(path)

    @classmethod
    def sweep(
        cls, job: EZBatchJob, over: Mapping[str, Iterable[Any]], *, name: str = "sweep", job_name: str | None = None
    ) -> EZBatchWorkflow:
        """One job for each combination of the values in `over`; see batch_helpers.workflow.sweep."""
        from batch_helpers.workflow.sweep import sweep

        return cls(name, sweep(job, over, job_name))

    @staticmethod
    def collect(uris: Iterable[str] | Mapping[str, str], **options: Any) -> pd.DataFrame:
        """The small JSON and CSV results at these URIs as one table; see batch_helpers.workflow.collect."""
        from batch_helpers.workflow.results import collect

        return collect(uris, **options)

    def _open(self, queue: str | None, engine: BatchHelper | str | None, roles: Roles | None = None) -> Submission:
        self._check_fields()
        self._engine = engine or self._engine
        helper = connect(self._engine) if isinstance(self._engine, str) else self._engine
        return Submission(self, helper, queue, roles)

    def _check_fields(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise InvalidInput(f"name={self.name!r}: a workflow needs a name")
        if not isinstance(self.jobs, Mapping) or not self.jobs:
            raise InvalidInput("jobs: a workflow needs at least one job: give a mapping of names to EZBatchJob objects")
        for name, job in self.jobs.items():
            if not isinstance(name, str) or not name.strip() or not isinstance(job, EZBatchJob):
                raise InvalidInput(f"jobs[{name!r}]={job!r}: give a name and an EZBatchJob")
        _check_lists("dependencies", self.dependencies)
        for bucket, folder in self.local_buckets.items():
            if not isinstance(folder, str) or not folder:
                raise InvalidInput(f"local_buckets[{bucket!r}]={folder!r}: give the folder that stands for the bucket")


def _roles(execution: str | None, task: str | None) -> Roles:
    return Roles(
        execution or os.environ.get("BATCH_HELPERS_EXECUTION_ROLE_ARN"),
        task or os.environ.get("BATCH_HELPERS_TASK_ROLE_ARN"),
    )


def _check_lists(place: str, given: Mapping[str, Iterable[str]]) -> None:
    if not isinstance(given, Mapping):
        raise InvalidInput(f"{place}={given!r}: give a mapping of jobs' names to lists of jobs' names")
    for name, upstream in given.items():
        if isinstance(upstream, str) or not isinstance(upstream, Iterable):
            raise InvalidInput(f"{place}[{name!r}]={upstream!r}: give a list of jobs' names")
        for other in upstream:
            if not isinstance(other, str):
                raise InvalidInput(f"{place}[{name!r}]: {other!r} is no job's name")
