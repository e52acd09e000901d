"""batch_helpers: run a cohort of batch jobs, again and again; only what is missing runs."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from batch_helpers.uncollected import uncollected

if TYPE_CHECKING:
    from batch_helpers.engine_helpers import AWSBatchHelper, AzureBatchHelper, LocalBatchHelper, connect
    from batch_helpers.job import Job, JobDetail, Status
    from batch_helpers.output import Output
    from batch_helpers.samples import jobs_from, read_samples

__all__ = [
    "AWSBatchHelper",
    "AzureBatchHelper",
    "Job",
    "JobDetail",
    "LocalBatchHelper",
    "Output",
    "Status",
    "connect",
    "jobs_from",
    "read_samples",
]

__version__ = "0.1.0"

_HOMES = {
    "AWSBatchHelper": "engine_helpers",
    "AzureBatchHelper": "engine_helpers",
    "Job": "job",
    "JobDetail": "job",
    "LocalBatchHelper": "engine_helpers",
    "Output": "output",
    "Status": "job",
    "connect": "engine_helpers",
    "jobs_from": "samples",
    "read_samples": "samples",
}


def __getattr__(name: str) -> Any:
    """Load a public name's module when it is first asked for, so that importing the package costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with uncollected():
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
