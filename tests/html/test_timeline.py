"""When jobs waited, started and ran, as a picture."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from batch_helpers.errors import MissingExtra
from batch_helpers.events import Entry, RunRecord
from batch_helpers.job import Attempt, Job, JobDetail, Status
from batch_helpers.timeline import Phase, over_time_svg, png, spans, timeline_svg
from batch_helpers.timeline.levels import levels
from batch_helpers.timeline.rows import Cell, rows
from batch_helpers.timeline.scale import Scale
from tests.html.synthetic import run

WAIT, START, RUN, FAILED = Phase
SVG = "{http://www.w3.org/2000/svg}"


Times = tuple[float | None, float | None]
Seen = tuple[tuple[Status, float], ...]


def entry(
    status: Status,
    *tries: Times,
    created: float | None = 0.0,
    stopped: float | None = None,
    seen: Seen = (),
    name: str = "a-1",
) -> Entry:
    attempts = tuple(Attempt(n, started_at=begin, stopped_at=end) for n, (begin, end) in enumerate(tries, start=1))
    detail = JobDetail(name, name, status, created_at=created, stopped_at=stopped, attempts=attempts)
    return Entry(detail, Job(name, command=["a"]), None, seen)


def told(item: Entry, now: float = 100.0) -> list[tuple[Phase, float, float]]:
    return [(span.phase, span.begin, span.end) for span in spans(item, now)]


def test_a_good_job_waits_starts_and_runs() -> None:
    done = entry(Status.SUCCEEDED, (30, 70), stopped=70, seen=((Status.RUNNABLE, 1), (Status.STARTING, 20)))
    assert told(done) == [(WAIT, 0, 20), (START, 20, 30), (RUN, 30, 70)]


def test_starting_that_nobody_saw_is_part_of_the_wait() -> None:
    assert told(entry(Status.SUCCEEDED, (30, 70), stopped=70)) == [(WAIT, 0, 30), (RUN, 30, 70)]


def test_a_try_that_failed_is_told_from_the_one_that_did_well() -> None:
    again = entry(Status.SUCCEEDED, (10, 20), (30, 40), stopped=40, seen=((Status.STARTING, 5),))
    assert told(again) == [(WAIT, 0, 10), (FAILED, 10, 20), (WAIT, 20, 30), (RUN, 30, 40)]


def test_a_failed_job_failed_while_it_ran() -> None:
    assert told(entry(Status.FAILED, (10, 20), stopped=20)) == [(WAIT, 0, 10), (FAILED, 10, 20)]
    assert told(entry(Status.FAILED, stopped=20)) == [(FAILED, 0, 20)]


@pytest.mark.parametrize(
    ("status", "phases"),
    [(Status.RUNNABLE, [(WAIT, 0, 100)]), (Status.STARTING, [(WAIT, 0, 40), (START, 40, 100)]),
     (Status.RUNNING, [(RUN, 0, 100)])],
)  # fmt: skip
def test_an_active_job_goes_on_until_now(status: Status, phases: list[tuple[Phase, float, float]]) -> None:
    assert told(entry(status, seen=((Status.STARTING, 40),) if status is Status.STARTING else ())) == phases


def test_a_running_attempt_runs_until_now() -> None:
    assert told(entry(Status.RUNNING, (10, 20), (30, None))) == [
        (WAIT, 0, 10), (FAILED, 10, 20), (WAIT, 20, 30), (RUN, 30, 100),
    ]  # fmt: skip


def test_times_that_contradict_each_other_give_no_negative_span() -> None:
    odd = entry(Status.SUCCEEDED, (-50, 500), (90, 10), stopped=60, seen=((Status.STARTING, 999),))
    found = spans(odd, 100)
    assert all(span.end > span.begin for span in found)
    assert all(one.end <= other.begin for one, other in itertools.pairwise(found))


def test_a_job_of_which_no_time_is_known_has_no_spans() -> None:
    assert told(entry(Status.SUCCEEDED, created=None)) == []


def record(*entries: Entry, latest: float = 100.0) -> RunRecord:
    return RunRecord(began=0.0, latest=latest, entries={item.job_id: item for item in entries})


def test_each_job_has_its_row_while_there_is_room() -> None:
    scale = Scale(0, 100, 100)
    found = rows(record(entry(Status.SUCCEEDED, (30, 70), stopped=70)), scale)
    assert [(row.stage, row.name, row.jobs, row.failed) for row in found] == [("a", "a-1", 1, 0)]
    assert found[0].cells == (Cell(WAIT, 0, 30), Cell(RUN, 30, 70))


def test_bands_take_the_phase_that_most_of_their_jobs_are_in() -> None:
    many = [entry(Status.SUCCEEDED, (50, 100), stopped=100, name=f"a-{n}") for n in range(3)]
    slow = entry(Status.FAILED, (90, 100), stopped=100, name="a-9")
    (band,) = rows(record(*many, slow), Scale(0, 100, 10), most=1)
    assert (band.jobs, band.failed) == (4, 1)
    assert band.cells == (Cell(WAIT, 0, 5, 4), Cell(RUN, 5, 10, 3))


def test_a_band_in_which_few_are_left_is_pale_and_one_that_has_ended_is_empty() -> None:
    quick = [entry(Status.SUCCEEDED, (0, 20), stopped=20, name=f"a-{n}") for n in range(7)]
    slow = entry(Status.SUCCEEDED, (0, 60), stopped=60, name="a-9")
    (band,) = rows(record(*quick, slow), Scale(0, 100, 10), most=1)
    assert band.cells == (Cell(RUN, 0, 2, 4), Cell(RUN, 2, 6, 1))


@pytest.mark.parametrize("stages", [1, 50, 5000])
def test_there_are_never_many_more_rows_than_asked_for(stages: int) -> None:
    entries = [entry(Status.SUCCEEDED, (0, 1), stopped=1, name=f"stage{n % stages}-{n}") for n in range(5000)]
    found = rows(record(*entries), Scale(0, 1, 10), most=320)
    assert sum(row.jobs for row in found) == 5000
    assert len(found) <= 320 + 80


def test_levels_count_every_job_once_at_every_moment() -> None:
    sample = run(300, active=0.1)
    assert sample.began is not None
    assert sample.latest is not None
    scale = Scale(sample.began, sample.latest, 50)
    found = levels(sample, scale)
    totals = [sum(column) for column in zip(*found.values(), strict=True)]
    assert totals == sorted(totals)
    assert totals[-1] == len(sample.entries)
    counts = sample.snapshot.counts
    assert (found["succeeded"][-1], found["failed"][-1]) == (counts[Status.SUCCEEDED], counts[Status.FAILED])
    assert found["wait"][-1] == counts[Status.RUNNABLE]


@pytest.mark.parametrize(
    ("length", "labels"),
    [(10, ["0", "2 s", "4 s", "6 s", "8 s", "10 s"]),
     (240, ["0", "30 s", "1 min", "1:30 min", "2 min", "2:30 min", "3 min", "3:30 min", "4 min"]),
     (7200, ["0", "15 min", "30 min", "45 min", "1 h", "1:15 h", "1:30 h", "1:45 h", "2 h"]),
     (86400 * 30, ["0", "4 d", "8 d", "12 d", "16 d", "20 d", "24 d", "28 d"])],
)  # fmt: skip
def test_times_are_marked_at_round_distances(length: float, labels: list[str]) -> None:
    assert [label for _, label in Scale(0, length, 100).ticks()] == labels


@pytest.mark.parametrize("jobs", [0, 1, 5, 39, 300, 1000])
@pytest.mark.parametrize("theme", [None, "light", "dark"])
def test_pictures_are_whole_documents_of_any_size(jobs: int, theme: str | None) -> None:
    sample = run(jobs) if jobs else RunRecord()
    for svg in (timeline_svg(sample, theme=theme), over_time_svg(sample, theme=theme)):
        root = ET.fromstring(svg)
        assert root.tag == f"{SVG}svg"
        assert float(root.attrib["height"]) < 900
        assert len(svg) < 400_000


def test_what_a_job_is_called_does_nothing_in_a_picture() -> None:
    evil = "<script>alert(1)</script>&\x1b\ud800"
    base = entry(Status.SUCCEEDED, (1, 2), stopped=2)
    sample = record(replace(base, job=Job(evil, command=["a"], stage=evil), detail=replace(base.detail, name=evil)))
    root = ET.fromstring(timeline_svg(sample, theme="light"))
    assert not list(root.iter(f"{SVG}script"))
    timeline_svg(sample).encode()


def test_a_picture_says_how_many_jobs_a_row_stands_for() -> None:
    assert 'aria-label="Timeline of 1,000 jobs' in (svg := timeline_svg(run(1000)))
    assert "each row stands for up to 4 jobs" in svg


def test_png_is_a_picture_of_twice_the_size() -> None:
    pytest.importorskip("resvg_py")
    data = png(timeline_svg(run(10), theme="light"))
    assert data.startswith(b"\x89PNG")
    assert int.from_bytes(data[16:20], "big") == 2000


def test_without_its_package_a_png_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "resvg_py", None)
    with pytest.raises(MissingExtra, match=r"batch_helpers\[png\]"):
        png("<svg/>")
