"""What it costs to see 100,000 jobs: one refresh of the monitor's sums, the events, and the report in a browser.

    python -m benchmarks.report [jobs]

Chromium is used when it is there (apt-get install chromium).
"""

from __future__ import annotations

import io
import os
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from batch_helpers.cost import costs, load_prices
from batch_helpers.diagnose import Failures
from batch_helpers.events import EventLog, RunRecord, read_events
from batch_helpers.helper import BatchHelper
from batch_helpers.html import report_html
from batch_helpers.job import Job, JobDetail, Status
from batch_helpers.monitor import Snapshot
from batch_helpers.plan import Action, Decision
from batch_helpers.recovery import Recovery
from batch_helpers.report import progress_line, snapshot_table
from batch_helpers.testing import MemoryEngine
from batch_helpers.witnesses import Witnesses
from tests.html.browser import _FLAGS, _NAMES
from tests.html.synthetic import run

JOBS = 100_000
REFRESH, BUILD, OPEN, SIZE, MEMORY = 0.150, 20.0, 3.0, 15.0, 1500

NONE = Recovery(max_reclaims=0, start_retries=0)

Result = TypeVar("Result")


def main() -> None:
    """Print each figure beside its bar."""
    given = sys.argv[1:] if sys.argv[0].endswith("report.py") else []
    record = run(int(given[0]) if given else JOBS, active=0.3)
    work = {job_id: entry.job for job_id, entry in record.entries.items() if entry.job is not None}
    with tempfile.TemporaryDirectory() as folder:
        events = Path(folder, "run.ndjson")
        _refresh(record, work, events)
        _monitor(record, work, Path(folder, "monitor.ndjson"))
        read = _timed("read the events again", BUILD, lambda: read_events(str(events)))
        page = Path(folder, "report.html")
        found = costs(read, load_prices().chosen(["fargate"]))
        text = _timed("build the report", BUILD, lambda: report_html(read, found))
        page.write_text(text, encoding="utf-8")
        print(f"{'size of the report':<44} {page.stat().st_size / 1e6:8.2f} MB   (bar {SIZE:g} MB)")
        _open(page)


def _refresh(record: RunRecord, work: Mapping[str, Job], events: Path) -> None:
    """The first record writes everything; a later one, in which one job in a hundred has changed, is the refresh."""
    snapshot, failures = record.snapshot, Failures()
    with EventLog(str(events), engine="aws") as log:
        _timed("write all jobs for the first time", BUILD, lambda: log.record(snapshot, work))
        _summary(log, snapshot, work, failures)
        later = _later(snapshot)
        _timed("one refresh: events, failures, table", REFRESH, lambda: _summary(log, later, work, failures))
    print(f"{'size of the events':<44} {events.stat().st_size / len(work):8.0f} B     a job")
    tracemalloc.start()
    with EventLog(os.devnull) as log:
        held = Failures()
        _summary(log, snapshot, work, held)
        each = tracemalloc.get_traced_memory()[0] / len(work)
    tracemalloc.stop()
    print(f"{'memory of events and failures':<44} {each:8.0f} B     a job (bar {MEMORY} B, with the monitor's own)")


class _Queue(MemoryEngine):
    """A service whose answers have been parsed: `listed` is all that is active."""

    listed: Sequence[JobDetail] = ()
    known: Mapping[str, JobDetail] = {}

    def active(self, queues: Collection[str]) -> Iterator[JobDetail]:  # noqa: ARG002
        return iter(self.listed)

    def describe(self, job_ids: Sequence[str]) -> dict[str, JobDetail]:
        return {job_id: self.known[job_id] for job_id in job_ids}


def _monitor(record: RunRecord, work: Mapping[str, Job], events: Path) -> None:
    """All that a monitor does after an answer: the poll, healing and recovery, the picture, the events, the table."""
    engine = _Queue()
    answers = [pickle.dumps(entry.detail) for entry in record.entries.values()]
    tracemalloc.start()
    engine.known = {detail.job_id: detail for detail in map(pickle.loads, answers)}
    helper = BatchHelper(engine, engine.store, job_queue="spot", stdout=io.StringIO(), recovery=NONE)
    for job_id, job in work.items():
        helper._conductor.run.record(Decision(job, Action.SUBMIT, ""), job_id)
        helper._conductor._roster.track(job.bound("spot", ()), job_id)
    helper._conductor.forget_active()
    with EventLog(str(events)) as log:
        witnesses = Witnesses(log)
        refresh = partial(_picture, helper, witnesses)
        engine.listed = [item for item in engine.known.values() if item.status.active]
        refresh()
        each = tracemalloc.get_traced_memory()[0] / len(work)
        tracemalloc.stop()
        engine.listed = [item for item in _later(record.snapshot).jobs.values() if item.status.active]
        _timed("one refresh: poll, recovery, events, table", REFRESH, refresh)
    met = _met(each, MEMORY)
    print(f"{'memory of the monitor, its jobs with it':<44} {each:8.0f} B     a job (bar {MEMORY} B){met}")


def _picture(helper: BatchHelper, witnesses: Witnesses) -> None:
    helper._watch.poll()
    helper._conductor.step()
    snapshot = helper._picture(helper._watch.snapshot())
    witnesses.see(snapshot, helper._watch.jobs, helper._conductor.run.replaced)
    snapshot_table(snapshot)
    progress_line(snapshot)


def _summary(log: EventLog, snapshot: Snapshot, work: Mapping[str, Job], failures: Failures) -> None:
    log.record(snapshot, work)
    for detail in snapshot.jobs.values():
        if detail.status is Status.FAILED:
            failures.put(detail, work[detail.job_id])
    failures.groups()
    snapshot_table(snapshot)
    progress_line(snapshot)


def _later(snapshot: Snapshot) -> Snapshot:
    """The next poll: every active job is described anew, and one in a hundred is in another state."""
    jobs = dict(snapshot.jobs)
    for number, (job_id, detail) in enumerate(snapshot.jobs.items()):
        if detail.status.active:
            jobs[job_id] = replace(detail, status=Status.RUNNING if number % 100 == 0 else detail.status)
    return replace(snapshot, jobs=jobs)


def _timed(what: str, bar: float, work: Callable[[], Result]) -> Result:
    began = time.process_time()
    result = work()
    spent = time.process_time() - began
    print(f"{what:<44} {1000 * spent:8.0f} ms CPU (bar {1000 * bar:g} ms){_met(spent, bar)}")
    return result


def _met(value: float, bar: float) -> str:
    return " met" if value <= bar else " NOT MET"


def _open(page: Path) -> None:
    browser = next((path for path in map(shutil.which, _NAMES) if path), None)
    if browser is None:
        print("no Chromium here: opening is not measured")
        return
    watching = (
        "<script>const ready=()=>document.querySelector('#rows .row')?console.log('opened',performance.now())"
        ":setTimeout(ready,5);ready()</script></body>"
    )
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))
    page.write_text(text.replace("</body>", watching), encoding="utf-8")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        opened = subprocess.Popen(
            [browser, *_FLAGS, f"--user-data-dir={profile}", "--remote-debugging-port=0", page.as_uri()],
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            print(f"{'open the report in Chromium':<44} {_seen(opened):8.0f} ms     (bar {1000 * OPEN:g} ms)")
        finally:
            opened.terminate()
            opened.wait()


def _seen(opened: subprocess.Popen[str]) -> float:
    for line in opened.stderr or ():
        if found := re.search(r'"opened ([\d.]+)', line):
            return float(found[1])
    return float("nan")


if __name__ == "__main__":
    main()
