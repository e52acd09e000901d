"""`batch-helpers report`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from batch_helpers.cli.report import command
from batch_helpers.cost import costs
from batch_helpers.diagnose import failure_lines
from batch_helpers.events import read_events
from batch_helpers.report import snapshot_table, summary_line
from tests.events.runs import mixed


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("events") / "cohort.ndjson"
    mixed(path).end()
    return str(path)


def report(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def test_text_says_what_the_monitor_says_and_the_failures_by_cause(events: str) -> None:
    done = report(events)
    record = read_events(events)
    assert done.exit_code == 0
    assert summary_line(record.snapshot) in done.stdout
    assert snapshot_table(record.snapshot) in done.stdout
    for line in failure_lines(record.failures):
        assert line in done.stdout
    assert "3 x out of memory at 4 GiB, e.g. align-s0: raise memory to 8 GiB or pass memory_growth=2" in done.stdout


@pytest.mark.parametrize(
    ("name", "begins"),
    [("r.html", b"<!doctype html>"), ("r.csv", b"name,job_id,"), ("r.json", b"{"), ("r.svg", b"<svg "),
     ("R.PNG", b"\x89PNG")],
)  # fmt: skip
def test_the_ending_of_a_file_says_what_it_becomes(events: str, tmp_path: Path, name: str, begins: bytes) -> None:
    if name == "R.PNG":
        pytest.importorskip("resvg_py")
    done = report(events, "-o", str(tmp_path / name))
    assert (done.exit_code, done.stdout) == (0, "")
    assert f"wrote {tmp_path / name}" in done.stderr
    assert (tmp_path / name).read_bytes().startswith(begins)


def test_several_files_are_written_at_once(events: str, tmp_path: Path) -> None:
    assert report(events, "-o", str(tmp_path / "a.csv"), "-o", str(tmp_path / "b.svg")).exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"a.csv", "b.svg"}


def test_csv_and_json_can_be_printed(events: str) -> None:
    assert len(report(events, "--csv").stdout.splitlines()) == 41
    assert json.loads(report(events, "--json").stdout)["counts"]["FAILED"] == 10


def test_money_comes_with_the_rate_and_its_source(events: str) -> None:
    assert "USD" not in report(events).stdout
    done = report(events, "--priced-as", "fargate")
    assert "2026-06-17" in done.stdout
    assert costs(read_events(events)).total.money is None


def test_dark_pictures_are_dark(events: str, tmp_path: Path) -> None:
    for name, flags in (("light.svg", []), ("dark.svg", ["--dark"])):
        report(events, "-o", str(tmp_path / name), *flags)
    assert (tmp_path / "light.svg").read_text() != (tmp_path / "dark.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["none.ndjson"], "none.ndjson: it cannot be read"),
        (["{events}", "-o", "report.pdf"], "-o report.pdf: what is it to be?"),
        (["{events}", "-o", "no/such/folder/r.html"], "it cannot be written: No such file"),
        (["{events}", "--priced-as", "c7i.large"], "no price for 'c7i.large'; there are: fargate"),
        (["{events}", "--prices", "none.toml", "--priced-as", "x"], "none.toml: it cannot be read"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(events: str, arguments: list[str], told: str) -> None:
    done = report(*(argument.format(events=events) for argument in arguments))
    assert done.exit_code == 2
    assert told in done.stderr
    assert done.stderr.startswith("batch-helpers: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_file_that_was_cut_is_told_of_and_still_reported(events: str, tmp_path: Path) -> None:
    cut = tmp_path / "cut.ndjson"
    cut.write_bytes(Path(events).read_bytes()[:-30])
    done = report(str(cut))
    assert done.exit_code == 0
    assert "warning: the last line was cut short" in done.stdout
