"""What the table shows, at any size and in any order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batch_helpers.events import Entry, RunRecord
from batch_helpers.job import Attempt, Job, JobDetail, Status
from batch_helpers.tui.rows import FILTERS, ORDERS, Rows, View, attempts, cells, facts, why
from tests.html.synthetic import START, run

OOM = "OutOfMemoryError: Container killed due to memory usage"


@pytest.fixture(scope="module")
def record() -> RunRecord:
    return run(300, active=0.2)


@pytest.fixture
def rows(record: RunRecord) -> Rows:
    made = Rows()
    made.take(record)
    return made


def test_everything_is_shown_as_it_was_submitted(rows: Rows, record: RunRecord) -> None:
    assert rows.chosen(View()) == list(record)


@pytest.mark.parametrize("name", list(FILTERS))
def test_filters_show_what_they_say(rows: Rows, record: RunRecord, name: str) -> None:
    counts = record.snapshot.counts
    numbers = {
        "all": len(record.entries),
        "active": sum(number for status, number in counts.items() if status.active),
        "running": counts[Status.RUNNING] + counts[Status.STARTING],
        "failed": counts[Status.FAILED],
        "succeeded": counts[Status.SUCCEEDED],
    }
    assert len(rows.chosen(View(filter=name))) == numbers[name]


def test_search_looks_in_names_and_ids_in_any_case(rows: Rows, record: RunRecord) -> None:
    some = list(record)[7]
    assert rows.chosen(View(text="ALIGN-S7")) == [entry for entry in record if entry.name.startswith("align-s7")]
    assert rows.chosen(View(text=some.job_id[:13].upper())) == [some]
    assert rows.chosen(View(text="nothing like it")) == []


def test_filter_search_and_stage_work_together(rows: Rows) -> None:
    found = rows.chosen(View(text="s1", filter="failed", stage="align"))
    assert found
    assert all("s1" in item.name and item.status is Status.FAILED and item.stage == "align" for item in found)


@pytest.mark.parametrize(
    ("order", "key"),
    [("by name", lambda entry: entry.name), ("longest run", lambda entry: -(entry.run_seconds or -1)),
     ("longest wait", lambda entry: -(entry.wait_seconds if entry.wait_seconds is not None else -1)),
     ("newest end", lambda entry: -(entry.stopped or 0))],
)  # fmt: skip
def test_orders_are_what_they_say(rows: Rows, record: RunRecord, order: str, key: object) -> None:
    assert [entry.job_id for entry in rows.chosen(View(order=order))] == [
        entry.job_id
        for entry in sorted(record, key=key)  # type: ignore[arg-type]
    ]


def test_by_status_the_ended_stand_first(rows: Rows) -> None:
    found = [entry.status for entry in rows.chosen(View(order="by status"))]
    assert found[0] is Status.FAILED
    assert found[-1] is Status.RUNNABLE


def test_every_order_is_known_and_a_newer_record_is_sorted_anew(record: RunRecord) -> None:
    made = Rows()
    made.take(RunRecord())
    for order in ORDERS:
        assert made.chosen(View(order=order)) == []
        made.take(record)
        assert len(made.chosen(View(order=order))) == 300
        made.take(RunRecord())


def test_work_that_was_done_again_is_shown_once(record: RunRecord) -> None:
    made = Rows()
    first = next(iter(record.entries))
    made.take(replace(record, superseded=frozenset({first})))
    assert first not in {entry.job_id for entry in made.chosen(View())}
    assert len(made.chosen(View())) == 299


def test_a_row_says_how_long_a_job_waits_or_runs_by_now() -> None:
    waiting = Entry(JobDetail("i", "a-1", Status.RUNNABLE, created_at=START))
    running = Entry(
        JobDetail("i", "a-1", Status.RUNNING, created_at=START, attempts=(Attempt(1, started_at=START + 60),))
    )
    assert cells(waiting, START + 90)[3:] == ("1 min 30 s", "", "")
    assert cells(running, START + 90)[3:] == ("1 min 0 s", "30.0 s", "")


def test_a_row_says_why_a_job_failed_or_is_stuck() -> None:
    assert why(Entry(JobDetail("i", "a", Status.FAILED, reason=OOM))) == "out of memory"
    stuck = JobDetail("i", "a", Status.RUNNABLE, reason="CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY")
    assert why(Entry(stuck)) == "stuck: no capacity"
    assert why(Entry(JobDetail("i", "a", Status.SUCCEEDED, reason="x"))) == ""


def test_the_facts_name_cause_and_remedy_and_leave_out_what_is_not_known() -> None:
    job = Job("a-1", command=["do", "it"], vcpus=0.5, memory=512, outputs=["m://b/1", "m://b/2"])
    detail = JobDetail("i", job.full_name, Status.FAILED, reason=OOM, exit_code=137)
    found = dict(facts(Entry(detail, job), START))
    assert (found["cause"], found["asked for"], found["command"]) == ("out of memory", "0.5 vCPUs, 512 MiB", "do it")
    assert found["outputs"] == "m://b/1\nm://b/2"
    assert found["remedy"].startswith("raise memory")
    assert "queue" not in found


def test_attempts_are_told_one_by_one_with_their_causes() -> None:
    tries = (Attempt(1, None, "Your Spot Task was interrupted."), Attempt(2, 0, "", START, START + 1))
    found = attempts(Entry(JobDetail("i", "a", Status.SUCCEEDED, attempts=tries)))
    assert found == ["attempt 1: spot reclaim (Your Spot Task was interrupted.)", "attempt 2: exit code 0"]


def test_what_others_wrote_is_harmless() -> None:
    evil = "\x1b]0;x\x07\u202e[red]"
    job = Job(evil, command=[evil], stage=evil, outputs=["m://b/1"])
    detail = JobDetail(evil, evil, Status.FAILED, queue=evil, reason=evil, attempts=(Attempt(1, 1, evil),))
    entry = Entry(detail, job)
    shown = [*cells(entry, START), *(text for _, text in facts(entry, START)), *attempts(entry)]
    assert not {"\x1b", "\x07", "\u202e"} & set("".join(shown))
