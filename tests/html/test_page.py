"""What the page says is what the monitor and the command line say."""

from __future__ import annotations

import base64
import gzip
import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from batch_helpers.cost import costs, load_prices
from batch_helpers.cost.words import cost_lines
from batch_helpers.events import Entry, RunRecord
from batch_helpers.html import report_html
from batch_helpers.html.columns import columns, packed
from batch_helpers.job import JobDetail, Status
from batch_helpers.report import summary_line
from tests.html.synthetic import run

MADE = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def record() -> RunRecord:
    return run(200)


@pytest.fixture(scope="module")
def page(record: RunRecord) -> str:
    return report_html(record, costs(record, load_prices().chosen(["fargate"])), made=MADE)


def test_the_summary_and_the_failures_are_the_monitor_s(record: RunRecord, page: str) -> None:
    assert summary_line(record.snapshot) in page
    rows = re.findall(r'<tr><td class="n">([\d,]+)</td><td>([^<]*)</td><td>([^<]*)</td>', page)
    told = [(int(number.replace(",", "")), cause, definition) for number, cause, definition in rows]
    assert told[: len(record.failures)] == [
        (group.count, f"{group.cause} at 8 GiB" if group.memory else str(group.cause), group.definition)
        for group in record.failures
    ]


def test_costs_are_those_of_the_cost_lines_with_their_source(record: RunRecord, page: str) -> None:
    for line in cost_lines(costs(record, load_prices().chosen(["fargate"]))):
        assert line in page
    assert "us-east-1, USD, 2026-06-17" in page


def test_there_is_no_money_without_prices(record: RunRecord) -> None:
    plain = report_html(record, costs(record))
    assert "USD" not in plain
    assert '<th class="n">cost</th>' not in plain


def test_notes_and_warnings_stand_at_the_top(record: RunRecord) -> None:
    noted = replace(
        record, notes=((1_700_000_000.0, "paused: <b>"),), warnings=("the last line was cut short",), ended=False
    )
    page = report_html(noted, costs(noted))
    assert "2023-11-14 22:13:20 UTC: paused: &lt;b&gt;" in page
    assert "the last line was cut short" in page
    assert "the record ends before the run does" in page


def test_when_it_was_made_is_told(page: str) -> None:
    assert "on 2026-01-02 03:04 UTC" in page


def test_a_single_stage_is_summed_up_by_sample() -> None:
    one = run(200)
    only = replace(one, entries={job_id: entry for job_id, entry in one.entries.items() if entry.stage == "align"})
    page = report_html(only, costs(only))
    assert "<th>sample</th>" in page
    assert "<td>… " in page


def test_columns_hold_every_job_with_its_times_and_texts(record: RunRecord) -> None:
    found = columns(record)
    jobs, texts = found["jobs"], found["texts"]
    assert all(len(column) == len(record.entries) for column in jobs.values())
    for place, entry in enumerate(record.entries.values()):
        assert jobs["id"][place] == entry.job_id
        assert texts["status"][jobs["status"][place]] == entry.status
        assert entry.created is not None
        assert jobs["created"][place] == pytest.approx(entry.created - found["begin"], abs=0.06)
        assert (jobs["cause"][place] == -1) is (entry.status is not Status.FAILED)


def test_work_that_was_done_again_is_marked(record: RunRecord) -> None:
    first = next(iter(record.entries))
    assert columns(replace(record, superseded=frozenset({first})))["jobs"]["again"][:2] == [1, 0]


def test_too_many_different_reasons_are_left_out_but_not_their_causes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batch_helpers.html.columns.MOST_TEXTS", 3)
    details = [JobDetail(f"i{n}", f"j{n}", Status.FAILED, reason=f"no space left on device {n}") for n in range(5)]
    found = columns(RunRecord(entries={detail.job_id: Entry(detail) for detail in details}))
    assert found["jobs"]["reason"] == [0, 1, 2, -1, -1]
    assert found["jobs"]["cause"] == [0] * 5


def test_the_data_is_letters_and_digits_whatever_is_in_it() -> None:
    found = {"a": "</script><!--&\u2028\ud800"}
    text = packed(found)
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", text)
    assert json.loads(gzip.decompress(base64.b64decode(text))) == found
