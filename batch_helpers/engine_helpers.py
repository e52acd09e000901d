"""The helper of each engine, and `connect`, from which scripts take one by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from batch_helpers.errors import InvalidInput
from batch_helpers.finding import Finding
from batch_helpers.helper import BatchHelper
from batch_helpers.job import Job
from batch_helpers.monitor import Snapshot
from batch_helpers.recovery import Recovery
from batch_helpers.stores.base import Store

if TYPE_CHECKING:
    import boto3

    from batch_helpers.aws_client import AWSAccess
    from batch_helpers.azure_client import AzureAccess


class LocalBatchHelper(BatchHelper):
    """Jobs as processes of this machine.

    directory: where the engine keeps its state and logs. containers: `docker`, `podman` or `apptainer` to run jobs that
    name an image in it; otherwise their commands run directly. vcpus, memory (MiB): how much of the machine to use.
    """

    def __init__(
        self,
        directory: str = ".batch",
        *,
        job_queue: str = "local",
        containers: str | None = None,
        vcpus: float | None = None,
        memory: int | None = None,
        dry_run: bool = False,
        **options: Any,
    ) -> None:
        from batch_helpers.engines.local import LocalEngine

        engine = LocalEngine(directory, containers=containers, vcpus=vcpus, memory=memory)
        self._place = engine.directory, engine.room
        super().__init__(engine, _stores(None), job_queue=job_queue, dry_run=dry_run, **options)

    def preflight(
        self,
        jobs: Sequence[Job],
        definitions: Mapping[str, Mapping[str, Any]] | None = None,  # noqa: ARG002
    ) -> tuple[Finding, ...]:
        """Whether directories can be written, and this machine has what the jobs ask for."""
        from batch_helpers.doctor.local import preflight

        return preflight(*self._place, jobs)


class AWSBatchHelper(BatchHelper):
    """Jobs on AWS Batch.

    job_queue: name or ARN of the queue of jobs that name none. session: a boto3.Session, or region and profile for one.
    endpoint_url: another endpoint for every service. rate: most Batch calls per second, 40 by default, shared by all
    that use one account and region in this process. spill: `s3://bucket/prefix`, where commands are kept that are
    longer than the service takes, and the tables of large arrays. array: whether jobs that are alike are submitted as
    array jobs (see docs/arrays.md). Making one makes no call and needs no credentials.
    """

    def __init__(
        self,
        job_queue: str | None = None,
        *,
        session: boto3.Session | None = None,
        region: str | None = None,
        profile: str | None = None,
        endpoint_url: str | None = None,
        rate: float | None = None,
        spill: str | None = None,
        array: bool = False,
        dry_run: bool = False,
        **options: Any,
    ) -> None:
        from batch_helpers.aws_client import AWSAccess
        from batch_helpers.engines.aws import AWSEngine, Spill

        access = AWSAccess(session=session, region=region, profile=profile, endpoint_url=endpoint_url)
        store = _stores(access)
        place = None if spill is None else Spill(spill, store)
        reclaims = (options.get("recovery") or Recovery()).max_reclaims
        engine = AWSEngine(access, rate=rate, spill=place, array=array, reclaims=reclaims)
        super().__init__(engine, store, job_queue=job_queue, dry_run=dry_run, **options)
        self._access = access

    def preflight(
        self, jobs: Sequence[Job], definitions: Mapping[str, Mapping[str, Any]] | None = None
    ) -> tuple[Finding, ...]:
        """The doctor's checks that apply to these jobs; see docs/setup.md."""
        from batch_helpers.doctor.preflight import preflight

        if not jobs or self._access is None:
            return super().preflight(jobs)
        return preflight(self._access, jobs, self.job_queue, definitions)


class AzureBatchHelper(BatchHelper):
    """Jobs as tasks of Azure Batch; a job queue is an Azure job.

    job_queue: the Azure job of jobs that name none; by default it is called as the pool is. pool: where Azure jobs are
    made that do not exist; without it only those that exist are used. access: whose account, as an AzureAccess; by
    default what the environment says.
    """

    def __init__(
        self,
        job_queue: str | None = None,
        *,
        pool: str | None = None,
        access: AzureAccess | None = None,
        dry_run: bool = False,
        **options: Any,
    ) -> None:
        from batch_helpers.azure_client import AzureAccess
        from batch_helpers.engines.azure import AzureEngine

        access = access or AzureAccess()
        store = _stores(None, access)
        engine = AzureEngine(access, pool=pool)
        self._settle = engine.settle if pool else None
        super().__init__(engine, store, job_queue=job_queue or pool, dry_run=dry_run, **options)

    def monitor(self, interval: float = 60, **options: Any) -> Snapshot:
        """As on BatchHelper; at the end the Azure jobs that were made for this run complete, so that none is left
        in the quota of active ones."""
        snapshot = super().monitor(interval, **options)
        queues = {job.job_queue for job in self._watch.jobs.values() if job.job_queue}
        if self._settle is not None and queues and not snapshot.active and not snapshot.detached:
            self._settle(queues)
        return snapshot


_HELPERS: dict[str, type[BatchHelper]] = {"local": LocalBatchHelper, "aws": AWSBatchHelper, "azure": AzureBatchHelper}


def connect(engine: str, **options: Any) -> BatchHelper:
    """The helper of an engine, `local`, `aws` or `azure`, made with the options of its class."""
    if engine not in _HELPERS:
        raise InvalidInput(f"engine {engine!r} is not known; there are: {', '.join(_HELPERS)}")
    return _HELPERS[engine](**options)


def _stores(access: AWSAccess | None, azure: AzureAccess | None = None) -> Store:
    from batch_helpers.stores import StoreRouter

    return StoreRouter(access, azure)
