"""The proof that what the writers write fits botocore's model: jobs in every form, written once and looked at."""

from __future__ import annotations

import json
import sqlite3
from itertools import product

from batch_helpers.job import Status
from batch_helpers.serve.arns import Arns
from batch_helpers.serve.state.jobs import Jobs
from batch_helpers.serve.state.moves import Moves
from batch_helpers.serve.state.rows import Ending, NewJob
from batch_helpers.serve.state.schema import CANCELLED, TABLES, TERMINATED
from batch_helpers.serve.texts.details import DetailWriter, End, Times
from batch_helpers.serve.texts.pieces import Birth, head
from batch_helpers.serve.texts.summaries import page_of, page_with
from batch_helpers.serve.wire.model import operations

_COUNTS = {status.value: 1 for status in Status}


def prove(arns: Arns) -> None:
    """Raise ShapeError when the installed botocore's model has no place for something that is written."""
    sqlite = sqlite3.connect(":memory:", isolation_level=None)
    try:
        sqlite.executescript(TABLES)
        ids = _samples(sqlite, arns)
        jobs, batch = Jobs(sqlite), operations("batch")
        details = jobs.details(ids)
        arrays = {job.seq: _COUNTS for job in details}
        batch["DescribeJobs"].check_answer(json.loads(DetailWriter(arns).answer(details, arrays)))
        for rows in (jobs.of_queue("q", "FAILED", 100, 100), jobs.filtered("q", "TRUE", (), 100, 100)):
            batch["ListJobs"].check_answer(json.loads(page_of(rows, arrays, "token")))
        sqlite.execute("UPDATE jobs SET flags = 0, size = NULL")
        plain = jobs.plain_page("q", "FAILED", 100, 100)
        batch["ListJobs"].check_answer(json.loads(page_with(plain.text if plain else "{}", "token")))
    finally:
        sqlite.close()


def _samples(sqlite: sqlite3.Connection, arns: Arns) -> list[str]:
    """Jobs that have everything and jobs that have nothing, with a container or a task, alone or an array."""
    writer, ids = DetailWriter(arns), []
    forms = product((None, "{}", '{"containers":[{"name":"main"}]}'), (None, 2), (False, True))
    for place, (task, size, full) in enumerate(forms, 1):
        text = head(arns, Birth(str(place), "n", "d:1", 1, "s", 0) if full else Birth(str(place), "n", "d:1", 1))
        Jobs(sqlite).insert(NewJob(str(place), text, "q", "n", "d:1", ("{}", "{}", task), {}, 1, size=size))
        ids.append(str(place))
        if full:
            Moves(sqlite).running([(1, "a/b/c", place)])
            times, end = Times(1, 2, "s"), End("main", 1, "r", "a/b/c")
            attempts = writer.task_attempt(times, "a/b/c", [end]) if task else writer.attempt(times, end)
            Moves(sqlite).end([Ending(place, Status.FAILED, "s", 2, 1, "r", 1, attempts)])
    sqlite.execute("UPDATE jobs SET flags = ?, started_at = 1", (CANCELLED | TERMINATED,))
    return ids
