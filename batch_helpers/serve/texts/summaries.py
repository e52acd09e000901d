"""A page of ListJobs: https://docs.aws.amazon.com/batch/latest/APIReference/API_JobSummary.html"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from batch_helpers.serve.texts.pieces import array_of, flags_of, joined
from batch_helpers.serve.wire.messages import Rendered

Row = tuple[int, str, str, int | None, int]
"""The columns of Summary, bare: names would cost time."""


def page_of(rows: Iterable[Row], arrays: Mapping[int, dict[str, int]], next_token: str | None) -> Rendered:
    """A whole answer of ListJobs; `arrays` are the status summaries of arrays, by seq."""
    return page_with(",".join([_text(row, arrays) for row in rows]), next_token)


def page_with(summaries: str, next_token: str | None) -> Rendered:
    """A whole answer of ListJobs around the text of its jobs."""
    end = f',"nextToken":{json.dumps(next_token)}' if next_token else ""
    return Rendered(f'{{"jobSummaryList":[{summaries}]{end}}}'.encode())


def _text(row: Row, arrays: Mapping[int, dict[str, int]]) -> str:
    seq, life, ended, size, flags = row
    text = f'{life},"container":{{{ended}}}' if ended else life
    if flags or size is not None:
        array = "" if size is None else array_of(size, arrays[seq], "ArrayPropertiesSummary")
        text = joined(text, flags_of(flags, "JobSummary"), array)
    return f"{{{text}}}"
