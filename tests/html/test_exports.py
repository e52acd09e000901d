"""A run for spreadsheets and for other programs."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from batch_helpers.cost import costs, load_prices
from batch_helpers.events import RunRecord
from batch_helpers.html.exports import as_csv, as_json
from batch_helpers.job import Job, Status
from tests.html.synthetic import run

RATES = load_prices().chosen(["fargate"])


@pytest.fixture(scope="module")
def record() -> RunRecord:
    return run(150)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_a_row_for_each_job_and_adds_up_to_the_costs(record: RunRecord) -> None:
    found = rows(as_csv(record, RATES))
    assert [row["job_id"] for row in found] == list(record.entries)
    total = costs(record, RATES).total
    assert sum(float(row["money"]) for row in found) == pytest.approx(total.money, rel=1e-4)
    assert sum(float(row["vcpu_hours"]) for row in found) == pytest.approx(total.vcpu_hours, rel=1e-4)
    assert sum(row["status"] == "FAILED" for row in found) == record.snapshot.counts[Status.FAILED]


def test_csv_has_no_money_without_prices(record: RunRecord) -> None:
    assert {row["money"] for row in rows(as_csv(record))} == {""}


def test_a_spreadsheet_runs_nothing_of_what_others_wrote(record: RunRecord) -> None:
    first = next(iter(record.entries.values()))
    for evil in ("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)"):
        named = replace(first, job=Job(evil, command=["x"], stage="\x1b[2J\ud800"))
        (row,) = rows(as_csv(replace(record, entries={first.job_id: named})))
        assert row["name"] == f"'{evil}"
        assert "\x1b" not in row["stage"]
        as_csv(replace(record, entries={first.job_id: named})).encode()


def test_json_has_the_same_numbers_as_everything_else(record: RunRecord) -> None:
    found = costs(record, RATES)
    told = json.loads(as_json(replace(record, notes=((0.0, "paused"),)), found, RATES))
    assert told["counts"] == {str(status): number for status, number in record.snapshot.counts.items()}
    assert [(group["count"], group["cause"]) for group in told["failures"]] == [
        (group.count, str(group.cause)) for group in record.failures
    ]
    assert told["costs"]["total"]["money"] == pytest.approx(found.total.money, abs=1e-6)
    assert told["costs"]["prices"] == list(found.labels)
    assert told["notes"] == [{"at": "1970-01-01T00:00:00.000+00:00", "text": "paused"}]
    assert len(told["jobs"]) == 150
    assert set(told["costs"]["wasted"]) == {str(cause) for cause in found.wasted}
