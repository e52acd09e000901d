"""The figures in benchmarks/RESULTS.md are written by what measured them."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import __main__ as bench
from benchmarks import _results as results


def test_every_promise_is_measured_by_a_benchmark_that_exists() -> None:
    sections = {where for where in bench.PROMISES.values() if not where.startswith("Peers")}
    assert sections <= set(bench.names())
    assert {"Peers, 20 jobs", "Peers, 500 jobs"} == set(bench.PROMISES.values()) - sections


def test_a_section_takes_the_place_of_its_older_self_and_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "RESULTS.md"
    monkeypatch.setattr(results, "RESULTS", there)
    for name, printed in (("aws_poll", "x (bar 1): NOT MET"), ("other", "y"), ("aws_poll", "x (bar 1): met\n")):
        results.write(bench.section(name, printed))
    text = there.read_text()
    assert text.count("## aws_poll") == text.count("## other") == 1
    assert "NOT MET" not in text
    assert results.stamp("python -m benchmarks.aws_poll") in text


def test_the_summary_counts_what_is_met_and_what_is_not() -> None:
    text = "## aws_poll\n\na (bar 1): met\nb (bar 2): NOT MET\nc (bar 3): met\n\n## aws_submit\n\na (bar 1): met\n"
    summary = bench.summary(text)
    assert "| aws_poll | 2 of 3 |" in summary
    assert "| aws_submit | 1 of 1 |" in summary
    assert "| aws_arrays | not measured yet |" in summary
