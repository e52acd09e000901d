"""The page in a real browser: it opens, says nothing on the console, and what others wrote does nothing."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from batch_helpers.cost import costs
from batch_helpers.events import RunRecord
from batch_helpers.html import report_html
from batch_helpers.job import Job
from tests.html.browser import opened, screenshot
from tests.html.synthetic import run

pytestmark = pytest.mark.slow

EVIL = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">\x1b[2J{{ 7*7 }}"


def page_of(record: RunRecord, folder: Path) -> Path:
    page = folder / "report.html"
    page.write_text(report_html(record, costs(record)), encoding="utf-8")
    return page


@pytest.mark.parametrize("jobs", [1, 10, 2000])
def test_it_opens_without_a_word_on_the_console_and_shows_its_jobs(jobs: int, tmp_path: Path) -> None:
    document, console = opened(page_of(run(jobs), tmp_path))
    assert console == ""
    assert re.search(r'<svg[^>]*aria-label="Timeline of', document)
    assert document.count('class="row"') == min(jobs, 33)
    assert f"{jobs:,} of {jobs:,} jobs" in document


def test_a_run_of_which_nothing_is_known_opens_too(tmp_path: Path) -> None:
    document, console = opened(page_of(RunRecord(name="empty"), tmp_path))
    assert console == ""
    assert "0 of 0 jobs" in document


def test_names_reasons_and_notes_of_others_do_nothing(tmp_path: Path) -> None:
    record = run(12, failing=1.0)
    entries = {
        job_id: replace(
            entry,
            job=Job(f"{EVIL}{number}", command=["x"], stage=f"{EVIL}{number % 3}", tags={"sample": EVIL}),
            detail=replace(entry.detail, reason=EVIL, queue=EVIL, job_definition=EVIL, attempts=()),
        )
        for number, (job_id, entry) in enumerate(record.entries.items())
    }
    evil = replace(record, name=EVIL, engine=EVIL, entries=entries, notes=((0.0, EVIL),), warnings=(EVIL,))
    document, console = opened(page_of(evil, tmp_path))
    assert console == ""
    assert "<title>owned" not in document
    assert "<img" not in document
    assert "\x1b" not in document
    assert "{{ 7*7 }}" in document
    assert document.count('class="row"') == 12


def test_the_file_asks_no_network_for_anything(tmp_path: Path) -> None:
    text = page_of(run(50), tmp_path).read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)=["'](?!data:)|url\(|@import|fetch\(|XMLHttpRequest""", text)
    assert "default-src 'none'" in text


def test_light_and_dark_look_as_the_reader_has_it(tmp_path: Path) -> None:
    keep = Path(os.environ.get("BATCH_HELPERS_ARTIFACTS", tmp_path))
    keep.mkdir(parents=True, exist_ok=True)
    page = page_of(run(1000), tmp_path)
    light = screenshot(page, keep / "report-light.png", dark=False)
    dark = screenshot(page, keep / "report-dark.png", dark=True)
    assert light.startswith(b"\x89PNG")
    assert dark.startswith(b"\x89PNG")
    assert light != dark
