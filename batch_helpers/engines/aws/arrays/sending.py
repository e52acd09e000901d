"""SubmitJob for an array: what is sent for many jobs at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from batch_helpers.engines.aws.arrays import carriers
from batch_helpers.engines.aws.arrays.carriers import Carrier
from batch_helpers.engines.aws.arrays.grouping import MOST, Part, needs, users_tags
from batch_helpers.engines.aws.arrays.table import Table, array_name, table_of
from batch_helpers.engines.aws.definition import Definition
from batch_helpers.engines.aws.requests import FINGERPRINT_TAG, submit_request
from batch_helpers.job import Job

if TYPE_CHECKING:
    from mypy_boto3_batch.type_defs import SubmitJobRequestTypeDef

    from batch_helpers.engines.aws.spill import Spill

_MARGIN = 0.1
"""Room that is left over when a cohort is checked: its groups may be ordered otherwise when they are submitted."""


@dataclass(frozen=True, slots=True)
class Order:
    """An array that is ready to be sent, but for its definition. first: one of its jobs, which stands for all."""

    part: Part
    first: Job
    table: Table
    carrier: Carrier

    @property
    def name(self) -> str:
        return array_name(self.first.group, self.table)

    def request(self, definition: str, mark: str, reclaims: int = 1) -> SubmitJobRequestTypeDef:
        """The request; `mark` tells this submission from earlier ones of its name. reclaims: see submit_request."""
        first = replace(self.first, tags=users_tags(self.first), depends_on=())
        carried = replace(first, command=self.carrier.command, parameters={}, environment={})
        whole = first.bound(first.job_queue, self.part.whole)
        request = cast(dict[str, Any], submit_request(whole, definition, mark, carried, reclaims=reclaims))
        request["jobName"] = self.name
        request["arrayProperties"] = {"size": len(self.part.places)}
        request["tags"][FINGERPRINT_TAG] = self.table.digest
        if self.part.each:
            one_by_one = [{"jobId": parent, "type": "N_TO_N"} for parent in self.part.each]
            request["dependsOn"] = [*request.get("dependsOn", ()), *one_by_one]
        return cast("SubmitJobRequestTypeDef", request)


def order(
    jobs: Sequence[Job], part: Part, definition: Definition, spill: Spill | None, sign: Callable[[str], str]
) -> Order:
    """The order for a part of these jobs. Raises InvalidInput for a table that nothing carries."""
    chosen = [jobs[place] for place in part.places]
    table = table_of(chosen, definition)
    carrier = carriers.inline(table, chosen[0].image)
    if carrier is None and spill is None:
        raise carriers.too_long(table)
    if carrier is None and spill is not None:
        uri = spill.uri(f"array-{table.digest}.txt")
        carrier = carriers.from_s3(table, uri, sign(uri))
    assert carrier is not None
    return Order(part, chosen[0], table, carrier)


def check(jobs: Iterable[Job], definition_of: Callable[[Job], Definition]) -> None:
    """Raise InvalidInput for jobs whose arrays no definition or command will carry."""
    alike: dict[Any, list[Job]] = {}
    for job in jobs:
        alike.setdefault(needs(job), []).append(job)
    for group in alike.values():
        for start in range(0, len(group), MOST):
            chunk = group[start : start + MOST]
            table = table_of(chunk, definition_of(chunk[0]))
            if len(chunk) > 1 and carriers.inline(table, chunk[0].image, spare=_MARGIN) is None:
                raise carriers.too_long(table)
