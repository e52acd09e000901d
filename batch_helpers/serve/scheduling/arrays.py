"""Spawning the children of an array job: docs.aws.amazon.com/batch/latest/userguide/array_jobs.html"""

from __future__ import annotations

import json
from collections.abc import Iterator

from batch_helpers.job import TERMINAL, Status
from batch_helpers.serve.limits.jobs import N_TO_N, SEQUENTIAL
from batch_helpers.serve.service import Service
from batch_helpers.serve.state.database import Database
from batch_helpers.serve.state.moves import UPSTREAM_FAILED
from batch_helpers.serve.state.rows import Identity
from batch_helpers.serve.texts.pieces import Birth, head


def spawn(service: Service, parent: int, size: int, held: int, now: int) -> None:
    """Make the children of an array, and let those go that wait for nothing. Belongs into a transaction.

    held: how many whole jobs the array waits for; while there are any, each child is held back.
    """
    waiting = {index: int(held > 0) for index in range(size)}
    edges: list[tuple[int, int]] = []
    doomed: list[int] = []
    database = service.database
    identity = database.jobs.identity(parent)
    dependencies = json.loads(identity.document)["dependsOn"]
    if any(item.get("type") == SEQUENTIAL for item in dependencies):
        edges += [(index - 1 - size, index) for index in range(1, size)]
    for item in dependencies:
        if item.get("type") == N_TO_N:
            for index, seq, status in _upstream(database, item["jobId"], size):
                if status == Status.FAILED:
                    doomed.append(index)
                elif status not in TERMINAL:
                    edges.append((seq, index))
    for _, index in edges:
        waiting[index] += 1
    first = database.moves.add_children(parent, now, _heads(service, identity, size, now), waiting)
    # A negative upstream is a sibling, whose seq is known only now.
    database.moves.add_edges((seq if seq > 0 else first + seq + size, first + index) for seq, index in edges)
    for index in doomed:
        database.moves.fail(first + index, UPSTREAM_FAILED, now)
    database.moves.open((first + index for index, number in waiting.items() if number == 0), now)


def _heads(service: Service, parent: Identity, size: int, now: int) -> list[str]:
    birth = Birth(parent.id, parent.name, parent.definition, now, parent.share)
    return [
        head(service.arns, birth._replace(job_id=f"{parent.id}:{index}", array_index=index)) for index in range(size)
    ]


def _upstream(database: Database, job_id: str, size: int) -> Iterator[tuple[int, int, str]]:
    """The index, seq and status of each child of an array that an N_TO_N dependency names.

    An array that failed before its children were made has none; they count as failed.
    """
    known = database.jobs.known([job_id]).get(job_id)
    children = database.jobs.children(known.seq) if known else {}
    for index in range(size):
        seq, status = children.get(index, (0, Status.FAILED.value))
        yield index, seq, status
