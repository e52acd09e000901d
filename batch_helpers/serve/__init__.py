"""An AWS Batch endpoint on this machine: any client of AWS Batch runs against it, and its jobs really run.

with serve("state") as endpoint:
    batch = boto3.client("batch", endpoint_url=endpoint.url)
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from batch_helpers.serve.faults import Fault
from batch_helpers.serve.outcomes import Outcome

if TYPE_CHECKING:
    from batch_helpers.serve.endpoint import Endpoint

__all__ = ["Fault", "Outcome", "serve"]


def serve(
    directory: str | os.PathLike[str],
    *,
    outcomes: Sequence[Outcome] = (),
    hold: str | None = None,
    process: bool = False,
    **settings: Any,
) -> AbstractContextManager[Endpoint]:
    """An endpoint for the length of a `with` block; its state stays in `directory` for the next one.

    outcomes: how instant jobs end, by name; the first that fits counts. hold: the status in which all other instant
    jobs stay until they are released. process: in a process of its own instead of a thread. settings: see Settings,
    for example instant=True, vcpus=4, retention=60, rate=50, latency=0.1; the control call is on.

    Raises InvalidInput for settings that make no sense, ServiceError when the directory or the port cannot be had.
    """
    from batch_helpers.serve.serving import in_process, in_thread
    from batch_helpers.serve.settings import Settings

    scripted = [*outcomes, *([Outcome(hold=hold)] if hold else [])]
    wanted = Settings(os.fspath(directory), outcomes=scripted, **{"control": True, **settings})
    return in_process(wanted) if process else in_thread(wanted)
