"""Pieces of JSON that several writers share."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from batch_helpers.serve.arns import DEFINITION, JOB, Arns
from batch_helpers.serve.state.schema import CANCELLED, TERMINATED
from batch_helpers.serve.wire.model import members


class Birth(NamedTuple):
    """What a job has from its beginning to its end; `created_at` is in milliseconds."""

    job_id: str
    name: str
    definition: str
    created_at: int
    share: str | None = None
    array_index: int | None = None


def head(arns: Arns, birth: Birth) -> str:
    """The members that a job has for its whole life, in ListJobs and DescribeJobs alike."""
    job_id, name, definition, created_at, share, index = birth
    text = (
        f'"jobArn":"{arns.arn(JOB, job_id)}","jobId":"{job_id}","jobName":"{name}","createdAt":{created_at},'
        f'"jobDefinition":"{arns.arn(DEFINITION, definition)}"'
    )
    if share is not None and "shareIdentifier" in members("batch", "JobSummary"):
        text += f',"shareIdentifier":"{share}"'
    return text if index is None else f'{text},"arrayProperties":{{"index":{index}}}'


@cache
def flags_of(flags: int, shape: str) -> str:
    """What somebody has asked for, as members, as far as this version of the model has them."""
    known = members("batch", shape)
    names = {CANCELLED: "isCancelled", TERMINATED: "isTerminated"}
    return joined(*[f'"{name}":true' for flag, name in names.items() if flags & flag and name in known])


def array_of(size: int, counts: dict[str, int], shape: str) -> str:
    """The arrayProperties of an array's parent, as a member; older models have no statusSummary in lists."""
    if "statusSummary" not in members("batch", shape):
        return f'"arrayProperties":{{"size":{size}}}'
    summary = ",".join(f'"{status}":{number}' for status, number in counts.items())
    return f'"arrayProperties":{{"size":{size},"statusSummary":{{{summary}}}}}'


def joined(*texts: str) -> str:
    """Members of one object; empty texts are none."""
    return ",".join([text for text in texts if text])


def inside(text: str) -> str:
    """The members of an object's text."""
    return text[1:-1]
