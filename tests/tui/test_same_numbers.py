"""Ten thousand jobs with mixed failures on `serve --instant`: every face tells the same numbers and causes."""

from __future__ import annotations

import asyncio
import io
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("textual", reason="needs the extra: pip install 'batch_helpers[tui]'")

from textual.widgets import Static

from batch_helpers.cli.report import command as report
from batch_helpers.diagnose import Cause, failure_lines, group_failures
from batch_helpers.engine_helpers import AWSBatchHelper
from batch_helpers.events import read_events
from batch_helpers.job import Job, Status
from batch_helpers.monitor import Snapshot
from batch_helpers.recovery import Recovery
from batch_helpers.report import snapshot_table
from batch_helpers.serve import Outcome, serve
from batch_helpers.tui.app import Interactive
from batch_helpers.tui.sources import Source
from batch_helpers.tui.table import JobTable
from tests.html.browser import opened
from tests.servers import session

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

JOBS = 10_000
OOM = "OutOfMemoryError: Container killed due to memory usage"
RECLAIMED = "Host EC2 (instance i-0123) terminated."
NO_IMAGE = "CannotPullContainerError: i/o timeout"
FAILURES = {
    "oom": (Cause.OUT_OF_MEMORY, Outcome("*oom*", exit_code=137, reason=OOM)),
    "spot": (Cause.SPOT_RECLAIM, Outcome("*spot*", exit_code=None, status_reason=RECLAIMED)),
    "pull": (
        Cause.IMAGE_PULL,
        Outcome("*pull*", exit_code=None, reason=NO_IMAGE, status_reason="Task failed to start"),
    ),
    "exit": (Cause.APPLICATION, Outcome("*exit*", exit_code=3)),
    "odd": (Cause.UNKNOWN, Outcome("*odd*", exit_code=None, status_reason="Something new")),
}
"""What stays failed, though memory grows once, an image is pulled twice, and the service bears three reclaims."""
GROWS = Outcome("*grows*", below=4096, exit_code=137, reason=OOM)
RECOVERY = Recovery(memory_growth=2, memory_cap=4096, max_reclaims=3, start_retries=1)
Run = tuple[Snapshot, dict[str, Job], Path]


def cohort() -> list[Job]:
    """One in twenty of each kind of failure, and as many that recover; the others do well."""
    kinds = [*FAILURES, "grows"]
    jobs = []
    for number in range(JOBS):
        kind = kinds[number % 20] if number % 20 < len(kinds) else "fine"
        stage = "align" if number % 2 else "call"
        jobs.append(
            Job(
                f"{stage}-{kind}-{number}",
                image="busybox",
                command=[kind, str(number)],
                vcpus=1,
                memory=2048,
                stage=stage,
            )
        )
    return jobs


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The last picture, what was asked for by jobId, and the events."""
    folder = tmp_path_factory.mktemp("run")
    events = folder / "cohort.ndjson"
    outcomes = [*(outcome for _, outcome in FAILURES.values()), GROWS]
    with serve(folder / "endpoint", instant=True, outcomes=outcomes) as endpoint:
        helper = AWSBatchHelper("local", session=session(), endpoint_url=endpoint.url, rate=5000,
                                recovery=RECOVERY, stdout=io.StringIO())  # fmt: skip
        helper.add_jobs(cohort())
        snapshot = helper.monitor(interval=0.5, events=str(events))
        submitted = sum(endpoint.counters.submits.values())
    tried_again = 3 * JOBS // 20
    assert submitted == JOBS + tried_again, "out of memory, an image, and what grows: once more each"
    return snapshot, dict(helper._watch.jobs), events


def test_every_failure_has_its_cause(run: Run) -> None:
    snapshot, work, _ = run
    causes: Counter[Cause] = Counter()
    wrong = group_failures((detail, work[detail.job_id]) for detail in snapshot.failed)
    for group in wrong:
        causes[group.cause] += group.count
    told = [(group.count, group.cause, group.message) for group in snapshot.failures]
    assert [(item.count, item.cause, item.message) for item in wrong] == told
    assert causes == {cause: JOBS // 20 for cause, _ in FAILURES.values()}
    assert snapshot.counts[Status.SUCCEEDED] == JOBS - len(FAILURES) * JOBS // 20


def test_the_command_line_the_application_and_the_page_say_the_same(run: Run, tmp_path: Path) -> None:
    snapshot, work, events = run
    table = snapshot_table(snapshot)
    wrong = group_failures((detail, work[detail.job_id]) for detail in snapshot.failed)
    record = read_events(str(events))
    assert record.failures == wrong
    assert record.snapshot.counts == snapshot.counts
    assert record.snapshot.jobs.keys() == snapshot.jobs.keys()

    printed = CliRunner().invoke(report, [str(events)]).stdout
    assert table in printed
    assert all(line in printed for line in failure_lines(wrong))

    shown, lines, rows = asyncio.run(_application(str(events)))
    assert [line.rstrip() for line in shown.splitlines()] == [line.rstrip() for line in table.splitlines()]
    assert lines.splitlines()[:4] == failure_lines(wrong)[:4]
    assert rows == JOBS

    page, data = tmp_path / "report.html", tmp_path / "report.json"
    assert CliRunner().invoke(report, [str(events), "-o", str(page), "-o", str(data)]).exit_code == 0
    text = page.read_text(encoding="utf-8")
    told = re.findall(r'<tr><td class="n">([\d,]+)</td><td>([^<]*)</td>', text)
    at = {group.cause: " at 4 GiB" if group.memory else "" for group in wrong}
    assert told[: len(wrong)] == [(f"{group.count:,}", f"{group.cause}{at[group.cause]}") for group in wrong]
    found = json.loads(data.read_text())
    assert found["counts"] == {str(status): number for status, number in snapshot.counts.items()}
    document, console = opened(page)
    assert console == ""
    tries = len(record.entries)
    assert tries == JOBS + 3 * JOBS // 20
    assert f"{tries:,} of {tries:,} jobs" in document, "the page shows every try"


async def _application(events: str) -> tuple[str, str, int]:
    app = Interactive([Source(events=events)], interval=1000)
    async with app.run_test(size=(140, 50)) as pilot:
        while app.aside.busy or not app.query_one(JobTable).entries:
            await pilot.pause(0.02)
        shown, lines = (app.query_one(where, Static).visual for where in ("#stages-table", "#went-wrong"))
        return str(getattr(shown, "plain", "")), str(getattr(lines, "plain", "")), len(app.query_one(JobTable).entries)
